"""Conditional requests: answer only what the caller has not seen, change only what he has.

Entity tags are those of Account records and of describes; dates are those of all records.
Source: the REST reference, "Conditional Request Headers"; facts/org-behaviour.md 1.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from local_org.api.wire import json_response
from local_org.clock import from_millis
from local_org.errors import OrgError
from local_org.ids import id18
from local_org.org import Org
from local_org.schema.model import SObject

_TAG: Final = re.compile(r'\s*(?:W/)?"([^"]*)"\s*')
_ANY: Final = "*"
_TAGGED: Final = "Account"
_CONDITIONS: Final = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
_DATES: Final = ("LastModifiedDate", "SystemModstamp")
_FAILED: Final = OrgError(
    "PRECONDITION_FAILED", "The record is not as the request expects it", status=412
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a resource is like now: its entity tag, and when it changed, to the second."""

    tag: str = ""
    changed_at: datetime | None = None

    @property
    def headers(self) -> dict[str, str]:
        """As an answer tells it."""
        told = {"ETag": f'"{self.tag}"'} if self.tag else {}
        if self.changed_at:
            told["Last-Modified"] = format_datetime(self.changed_at, usegmt=True)
        return told


def describe_seen(request: Request, body: object) -> Seen:
    """Return what is known of a describe."""
    changed_at: datetime = request.state.context.schema_changed_at()
    return Seen(_hash(body)[:8], changed_at.replace(microsecond=0))


def record_seen(org: Org, sobject: SObject, record_id: str) -> Seen:
    """Return what is known of a record; nothing of one that is not there."""
    row = org.store.row(sobject.name, id18(record_id))
    if row is None:
        return Seen()
    changed = next((row[name] for name in _DATES if row.get(name) is not None), None)
    tag = _hash(row) if sobject.name == _TAGGED else ""
    return Seen(tag, None if changed is None else from_millis(changed).replace(microsecond=0))


def is_conditional(request: Request) -> bool:
    """Whether the request says on what condition it is meant."""
    return any(name in request.headers for name in _CONDITIONS)


def answer(request: Request, seen: Seen, body: object) -> Response:
    """Answer a GET: 304 when the caller has it so already.

    :raises OrgError: 412 ``PRECONDITION_FAILED``.
    """
    _check_match(request, seen)
    if _is_known(request, seen):
        return Response(None, 304, seen.headers)
    return json_response(body, headers=seen.headers)


def check_write(request: Request, seen: Seen) -> None:
    """Refuse to change what is not as the caller thinks.

    :raises OrgError: 412 ``PRECONDITION_FAILED``; 400 for a header that cannot be read.
    """
    _check_match(request, seen, strict=True)
    tags = _tags(request, "if-none-match", strict=True)
    if seen.tag and tags is not None and tags & {_ANY, seen.tag}:
        raise _FAILED


def _check_match(request: Request, seen: Seen, *, strict: bool = False) -> None:
    tags = _tags(request, "if-match", strict=strict)
    if seen.tag and tags is not None and not tags & {_ANY, seen.tag}:
        raise _FAILED
    until = _date(request, "if-unmodified-since", strict=strict)
    if until and seen.changed_at and seen.changed_at > until:
        raise _FAILED


def _is_known(request: Request, seen: Seen) -> bool:
    """Whether the caller has seen it; tags, where they are given, say more than dates."""
    tags = _tags(request, "if-none-match")
    if seen.tag and tags is not None:
        return bool(tags & {_ANY, seen.tag})
    since = _date(request, "if-modified-since")
    return bool(since and seen.changed_at and seen.changed_at <= since)


def _tags(request: Request, name: str, *, strict: bool = False) -> set[str] | None:
    """Return the entity tags of a header, without what compression adds; None without any."""
    text = request.headers.get(name)
    if text is None:
        return None
    if text.strip() == _ANY:
        return {_ANY}
    found = [_TAG.fullmatch(part) for part in text.split(",")]
    if strict and not all(found):
        raise _unreadable(name, text)
    return {tag[1].removesuffix("--gzip").removesuffix("-gzip") for tag in found if tag}


def _date(request: Request, name: str, *, strict: bool = False) -> datetime | None:
    """Return the date of a header; None without one, and for one that cannot be read."""
    text = request.headers.get(name)
    try:
        moment = parsedate_to_datetime(text) if text else None
    except ValueError:
        if strict:
            raise _unreadable(name, text or "") from None
        return None
    # A date without a zone is as good as one that cannot be read: HTTP knows GMT only.
    return moment if moment and moment.tzinfo else None


def _unreadable(name: str, text: str) -> OrgError:
    return OrgError("INVALID_HEADER_VALUE", f"Invalid value for header {name}: {text}")


def _hash(content: object) -> str:
    return hashlib.sha256(orjson.dumps(content)).hexdigest()[:32]
