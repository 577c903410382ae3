"""The API versions the org serves; one router answers them all."""

from __future__ import annotations

import re
from typing import Final

from local_org.errors import OrgError, not_found

OLDEST: Final = 21
LATEST: Final = 67
_SEASONS: Final = ("Spring", "Summer", "Winter")


def _label(number: int) -> str:
    """Return the release of a version: 21.0 was Spring '11, and three follow each year.

    >>> _label(21), _label(23), _label(66)
    ("Spring '11", "Winter '12", "Spring '26")
    """
    years, season = divmod(number - 21, 3)
    return f"{_SEASONS[season]} '{11 + years + (season == 2)}"


VERSIONS: Final = {f"{number}.0": _label(number) for number in range(OLDEST, LATEST + 1)}
"""Version to label, ascending."""
_RETIRED: Final = frozenset(f"{number}.0" for number in range(7, OLDEST))
_VERSIONED: Final = re.compile(r"/services/(data/v|async/|Soap/[a-z]/)([^/]+)")
_UNKNOWN: Final = {
    "data": not_found(),
    "async": OrgError("InvalidVersion", "Invalid Api version specified on URL"),
    "Soap": OrgError("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL"),
}
"""Refusals of versions that never were, by protocol."""
_BELOW: Final = (
    "The API version that was specified ({}) is below the minimum supported "
    f"({OLDEST}.0). Change the version number and run the request again."
)


def version_of(path: str) -> str | None:
    """Return the version that a path names; None where it is no path of a version.

    >>> version_of("/services/data/v66.0/limits"), version_of("/services/Soap/u/50.0/00D1")
    ('66.0', '50.0')
    """
    found = _VERSIONED.match(path)
    return found[2] if found else None


def check_version(path: str) -> None:
    """Refuse versions that the org does not serve, each protocol in its own way.

    :raises OrgError: REST: 404, and 410 ``GONE`` for one that is retired; Bulk API 1.0:
        ``InvalidVersion``; SOAP: ``UNSUPPORTED_API_VERSION``.
    """
    found = _VERSIONED.match(path)
    if not found or found[2] in VERSIONS:
        return
    refusal = _UNKNOWN[found[1].partition("/")[0]]
    if found[2] not in _RETIRED:
        raise refusal
    below = _BELOW.format(found[2])
    if refusal.code == "NOT_FOUND":
        raise OrgError("GONE", below, status=410)
    raise OrgError(refusal.code, below)
