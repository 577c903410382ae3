"""Typed Salesforce identifiers: a Lead id can never be passed where a User id is meant.

Ids are 18 characters inside, whichever form came in. They are made by the functions here only.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NewType

from speed_to_lead.errors import InvalidId

LeadId = NewType("LeadId", str)
UserId = NewType("UserId", str)
OwnerId = NewType("OwnerId", str)
"""A user (``005``) or a queue (``00G``): whatever may stand in ``OwnerId``."""
TaskId = NewType("TaskId", str)
EmailMessageId = NewType("EmailMessageId", str)
EventId = NewType("EventId", str)
ContactId = NewType("ContactId", str)
OrgId = NewType("OrgId", str)
ReplayId = NewType("ReplayId", bytes)
"""Opaque position in a change stream; compare for equality only, never for order.

Source: forcedotcom/pub-sub-api, pubsub_api.proto, ``FetchRequest.replay_id``.
"""

_ID = re.compile(r"[0-9A-Za-z]{15}(?:[A-Z0-5]{3})?")
_CHECK_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def checksum(id15: str) -> str:
    """Return the three characters that make a 15-character id safe to compare without case.

    Each stands for five characters of the id; bit `i` is set where character `i` is upper case.

    >>> checksum("00Q000000000001")
    'EAA'
    """
    return "".join(
        _CHECK_CHARACTERS[sum(1 << i for i in range(5) if "A" <= id15[start + i] <= "Z")]
        for start in (0, 5, 10)
    )


@lru_cache(maxsize=1 << 16)
def _checked(text: str, name: str, prefixes: tuple[str, ...]) -> str:
    """Return the 18 characters of `text`, which must be an id that begins with a prefix."""
    shown = " or ".join(f"{prefix}..." for prefix in prefixes)
    if not _ID.fullmatch(text) or not text.startswith(prefixes):
        raise InvalidId(f"expected {name} id ({shown}), got {text!r}")
    id15 = text[:15]
    id18 = id15 + checksum(id15)
    if len(text) == 18 and text != id18:
        raise InvalidId(
            f"expected {name} id ({shown}), got {text!r} whose last three characters do not fit; "
            f"has its case been changed?"
        )
    return id18


def lead_id(text: str) -> LeadId:
    """Read a Lead id of 15 or 18 characters.

    :raises InvalidId: when `text` is no id, or does not begin with the key prefix ``00Q``.
    """
    return LeadId(_checked(text, "a Lead", ("00Q",)))


def user_id(text: str) -> UserId:
    """Read a User id of 15 or 18 characters.

    :raises InvalidId: when `text` is no id, or does not begin with the key prefix ``005``.
    """
    return UserId(_checked(text, "a User", ("005",)))


def owner_id(text: str) -> OwnerId:
    """Read the id of an owner, a User or a queue, of 15 or 18 characters.

    :raises InvalidId: when `text` is no id, or begins with neither ``005`` nor ``00G``.
    """
    return OwnerId(_checked(text, "an owner", ("005", "00G")))


def task_id(text: str) -> TaskId:
    """Read a Task id of 15 or 18 characters.

    :raises InvalidId: when `text` is no id, or does not begin with the key prefix ``00T``.
    """
    return TaskId(_checked(text, "a Task", ("00T",)))


def email_message_id(text: str) -> EmailMessageId:
    """Read an EmailMessage id of 15 or 18 characters.

    :raises InvalidId: when `text` is no id, or does not begin with the key prefix ``02s``.
    """
    return EmailMessageId(_checked(text, "an EmailMessage", ("02s",)))


def event_id(text: str) -> EventId:
    """Read an Event id of 15 or 18 characters.

    :raises InvalidId: when `text` is no id, or does not begin with the key prefix ``00U``.
    """
    return EventId(_checked(text, "an Event", ("00U",)))


def contact_id(text: str) -> ContactId:
    """Read a Contact id of 15 or 18 characters.

    :raises InvalidId: when `text` is no id, or does not begin with the key prefix ``003``.
    """
    return ContactId(_checked(text, "a Contact", ("003",)))


def org_id(text: str) -> OrgId:
    """Read an Organization id of 15 or 18 characters.

    :raises InvalidId: when `text` is no id, or does not begin with the key prefix ``00D``.
    """
    return OrgId(_checked(text, "an Organization", ("00D",)))


def replay_id(value: bytes) -> ReplayId:
    """Take the bytes of a position in a change stream as they came.

    :raises InvalidId: when `value` is empty, which no event carries.
    """
    if not value:
        raise InvalidId("expected a replay id of at least one byte, got none")
    return ReplayId(value)


def is_user(owner: str) -> bool:
    """Tell whether the id of an owner is that of a User, not of a queue."""
    return owner.startswith("005")
