"""What is wrong with a report, in the words of the REST Analytics API.

Source: Reports and Dashboards REST API Developer Guide, "Report Error Codes"; the wordings that it
does not list are marked where they stand.
"""

from __future__ import annotations

from local_org.errors import OrgError

UNAVAILABLE = "The data you’re trying to access is unavailable."
NO_RUN_REPORTS = (
    "You don’t have permission to run reports. Check that you have the Run Reports user permission."
)
OBSOLETE = (
    "The report definition is obsolete. Your administrator has disabled all reports for the custom "
    "object, or its relationships have changed."
)
NO_METADATA = (
    "The request is invalid because there is no metadata. Specify metadata in the request body."
)
NO_COLUMNS = (
    "Can’t run the report because it doesn’t have any columns selected. Be sure to add fields as "
    "columns to the report through the user interface."
)
TOO_MANY_COLUMNS = (
    "Only a report with fewer than 100 columns can be run. The columns are fields specified as detail "
    "columns, summaries, or custom summary formulas. Remove unneeded columns from the report and try "
    "again."
)
UNSUPPORTED_FORMAT = "You’re requesting data for an unsupported report format."
BAD_DATE = (
    "Filter the date in the correct format. Accepted formats are yyyy-MM-dd'T'HH:mm:ss'Z' and "
    "yyyy-MM-dd."
)
DATE_TOO_LARGE = "The date formula is too large. Specify a reasonable value."


def bad_request(message: str) -> OrgError:
    """400: the definition cannot be run."""
    return OrgError("BAD_REQUEST", message)


def forbidden(message: str) -> OrgError:
    """403: not for this user."""
    return OrgError("FORBIDDEN", message, status=403)


def unavailable() -> OrgError:
    """404: no such report, dashboard or instance."""
    return OrgError("NOT_FOUND", UNAVAILABLE, status=404)


def bad_filter_column(name: str) -> OrgError:
    """A filter names a column that is not there."""
    return bad_request(f"Specify a valid filterable column because {name} is invalid.")


def bad_operator(name: str) -> OrgError:
    """A filter's condition does not exist, or not for this type of column."""
    return bad_request(f"Specify a valid condition because {name} is invalid.")


def unsupported_format() -> OrgError:
    """501: joined reports are not run."""
    return OrgError("NOT_IMPLEMENTED", UNSUPPORTED_FORMAT, status=501)


def unsupported(what: str) -> OrgError:
    """A real org has it, this one has not."""
    return OrgError("NOT_IMPLEMENTED", f"{what} is not supported by the local org", status=501)
