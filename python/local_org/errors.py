"""Errors of the org, in the platform's own codes; each protocol writes the same error in its own way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False)
class OrgError(Exception):
    """One error as a real org words it.

    ``code`` is the platform's ``errorCode`` (REST), ``statusCode`` (Collections) or ``exceptionCode``
    (SOAP); ``fields`` are the API names it concerns; ``status`` is the HTTP status of a REST answer.
    """

    code: str
    message: str
    fields: tuple[str, ...] = ()
    status: int = 400

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def not_found(message: str = "The requested resource does not exist") -> OrgError:
    """404, as for every path or record the org does not have."""
    return OrgError("NOT_FOUND", message, status=404)


def invalid_session() -> OrgError:
    """401: no token, an unknown one, or an expired one."""
    return OrgError("INVALID_SESSION_ID", "Session expired or invalid", status=401)


def invalid_type(name: str) -> OrgError:
    """The sObject does not exist, or the user may not know that it does."""
    return OrgError(
        "INVALID_TYPE",
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure "
        "to append the '__c' after the entity name. Please reference your WSDL or the describe call for "
        "the appropriate names.",
    )


def no_such_column(field: str, entity: str) -> OrgError:
    """INVALID_FIELD in the wording of writes; queries word it with row, column and caret."""
    return OrgError("INVALID_FIELD", f"No such column '{field}' on sobject of type {entity}")
