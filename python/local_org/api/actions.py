"""Invocable actions over REST: the simple e-mail, and the lists that lead to it.

Source: Actions Developer Guide, "Invocable Actions Standard" and "Simple Email Actions".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.errors import collection_entry
from local_org.api.wire import DATA, json_object, json_response
from local_org.errors import OrgError
from local_org.org import Org, SaveResult
from local_org.org.actions import OutgoingEmail

_NAME: Final = "emailSimple"
_MOST_INPUTS: Final = 200
_LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "to": ("emailAddresses", "emailAddressesArray", "recipientAddresses"),
    "cc": ("ccRecipientAddressList", "ccRecipientAddressCollection", "ccAddresses"),
    "bcc": ("bccRecipientAddressList", "bccRecipientAddressCollection", "bccAddresses"),
}
"""Who gets the mail → the inputs that name them, as a text with commas or as an array."""
_FLAGS: Final = (
    "logEmailOnSend",
    "sendRichBody",
    "useLineBreaks",
    "addThreadingTokenToBody",
    "addThreadingTokenToSubject",
)
_TEXTS: Final = ("emailSubject", "emailBody", "recipientId", "relatedRecordId", "senderType")
_KNOWN: Final = frozenset(name for names in (*_LISTS.values(), _FLAGS, _TEXTS) for name in names)


async def actions(request: Request) -> Response:
    """GET the kinds of action: the org has standard ones only."""
    return json_response({"standard": f"{_base(request)}/standard"})


async def standard_actions(request: Request) -> Response:
    """GET the standard actions."""
    url = f"{_base(request)}/standard/{_NAME}"
    told = {"label": "Send Email", "name": _NAME, "type": "EMAILSIMPLE", "url": url}
    return json_response({"actions": [told]})


async def describe_email(_request: Request) -> Response:
    """GET what the e-mail action takes."""
    inputs = [{"name": name, "type": _type(name), "required": False} for name in sorted(_KNOWN)]
    return json_response(
        {
            "description": "Send an email where you specify the subject, body, and recipients.",
            "inputs": inputs,
            "label": "Send Email",
            "name": _NAME,
            "outputs": [],
            "standard": True,
            "targetEntityName": None,
            "type": "EMAILSIMPLE",
        }
    )


async def send_email(request: Request) -> Response:
    """POST e-mails: each is told by itself; 400 when one of them could not be sent."""
    org: Org = request.state.org
    body = await json_object(request)
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not 0 < len(inputs) <= _MOST_INPUTS:
        text = f"expected 'inputs' with 1 to {_MOST_INPUTS} elements"
        raise OrgError("INVALID_API_INPUT", text)
    results = [_send(org, request, given) for given in inputs]
    status = 200 if all(result.success for result in results) else 400
    return json_response([_invocation(result) for result in results], status)


def _send(org: Org, request: Request, given: object) -> SaveResult:
    try:
        [result] = org.actions.send(request.state.session, [_email(given)])
    except OrgError as error:
        return SaveResult(False, None, (error,))
    return result


def _email(given: object) -> OutgoingEmail:
    """Read one element of ``inputs``; a mail is logged where it names a record to log it at.

    :raises OrgError: ``INVALID_API_INPUT``.
    """
    if not isinstance(given, dict):
        raise OrgError("INVALID_API_INPUT", "expected an object in 'inputs'")
    unknown = sorted(set(given) - _KNOWN)
    if unknown:
        raise OrgError("INVALID_API_INPUT", f"Invalid input parameter: {unknown[0]}")
    for name in ("emailSubject", "emailBody"):
        if not given.get(name):
            raise OrgError("INVALID_API_INPUT", f"Missing required input parameter: {name}")
    values = {name: _text(given, name) for name in _TEXTS}
    if values["senderType"] not in ("", "CurrentUser"):
        raise OrgError("INVALID_API_INPUT", f"Invalid senderType: {values['senderType']}")
    lists = {
        who: tuple(each for name in names for each in _addresses(given, name))
        for who, names in _LISTS.items()
    }
    if values["recipientId"]:
        lists["to"] = (values["recipientId"], *lists["to"])
    rich = _flag(given, "sendRichBody")
    named = bool(values["recipientId"] or values["relatedRecordId"])
    return OutgoingEmail(
        subject=values["emailSubject"],
        text="" if rich else values["emailBody"],
        html=values["emailBody"] if rich else "",
        related_to=values["relatedRecordId"] or None,
        logged=_flag(given, "logEmailOnSend") and named,
        **lists,
    )


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name) or ""
    if not isinstance(value, str):
        raise OrgError("INVALID_API_INPUT", f"{name}: expected a text")
    return value


def _flag(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name, False)
    if value not in (True, False, None, "true", "false"):
        raise OrgError("INVALID_API_INPUT", f"{name}: expected true or false")
    return value in (True, "true")


def _addresses(given: Mapping[str, Any], name: str) -> Iterator[str]:
    value = given.get(name) or []
    several = value.split(",") if isinstance(value, str) else value
    if not isinstance(several, list) or not all(isinstance(each, str) for each in several):
        raise OrgError("INVALID_API_INPUT", f"{name}: expected a text or a list of texts")
    yield from filter(None, map(str.strip, several))


def _type(name: str) -> str:
    return "BOOLEAN" if name in _FLAGS else "STRING"


def _invocation(result: SaveResult) -> dict[str, Any]:
    """Return what is told of one invocation."""
    return {
        "actionName": _NAME,
        "errors": [collection_entry(error) for error in result.errors] or None,
        "isSuccess": result.success,
        "outputValues": None,
    }


def _base(request: Request) -> str:
    return f"/services/data/v{request.path_params['version']}/actions"


_EMAIL: Final = f"{DATA}/actions/standard/{_NAME}"
routes = [
    Route(f"{DATA}/actions", actions),
    Route(f"{DATA}/actions/standard", standard_actions),
    Route(_EMAIL, describe_email),
    Route(_EMAIL, send_email, methods=["POST"]),
]
