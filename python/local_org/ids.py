"""Salesforce record ids: three characters of key prefix, a serial number, and a checksum of case."""

from __future__ import annotations

import string

from local_org.errors import OrgError

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHECK = string.ascii_uppercase + "012345"
_CHARACTERS = frozenset(_BASE62)


def checksum(id15: str) -> str:
    """Return the three characters that make a case-sensitive id of 15 safe in any case.

    >>> checksum("00Q000000000001")
    'EAA'
    """
    return "".join(
        _CHECK[sum(1 << bit for bit, char in enumerate(id15[start : start + 5]) if char.isupper())]
        for start in (0, 5, 10)
    )


def is_id(text: object) -> bool:
    """Whether ``text`` has the form of an id of 15 or 18 characters."""
    if not isinstance(text, str) or len(text) not in (15, 18) or not _CHARACTERS.issuperset(text):
        return False
    return len(text) == 15 or checksum(text[:15]) == text[15:].upper()


def id18(text: str) -> str:
    """Return the id in 18 characters.

    :raises OrgError: ``MALFORMED_ID`` when ``text`` is no id.
    """
    if not is_id(text):
        raise OrgError("MALFORMED_ID", f"malformed id {text}")
    return text[:15] + checksum(text[:15])


def record_id(prefix: str, serial: int) -> str:
    """Return the 18-character id of the record with this key prefix and serial number.

    >>> record_id("00Q", 1)
    '00Q000000000001EAA'
    """
    digits = ""
    while serial:
        serial, digit = divmod(serial, 62)
        digits = _BASE62[digit] + digits
    id15 = prefix + digits.rjust(15 - len(prefix), "0")
    return id15 + checksum(id15)
