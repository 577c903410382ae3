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
_SINCE: Final = tuple(
    (re.compile(pattern), first)
    for pattern, first in (
        ("composite/sobjects/[^/]+/[^/]+", 46),
        ("composite/sobjects(/.*)?", 42),
        ("composite/graph", 50),
        ("composite/(batch|tree/.*)", 34),
        ("composite", 38),
        ("jobs/ingest(/.*)?", 41),
        ("jobs/query/[^/]+/resultPages", 58),
        ("jobs/query(/.*)?", 47),
        ("jobs", 41),
        ("limits/recordCount", 40),
        ("limits", 24),
        ("parameterizedSearch", 36),
        ("queryAll(/.*)?", 29),
        ("sobjects/[^/]+/(deleted|updated)", 29),
        ("sobjects/[^/]+/listviews(/.*)?", 32),
        ("sobjects/[^/]+/[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?/(?!password).*", 36),
    )
)
"""The first version of resources that came later than ``OLDEST``; the first pattern that fits.

Source: the reference of each resource, "Availability".
"""
_ALL_SERVE: Final = max(first for _, first in _SINCE)


def version_of(path: str) -> str | None:
    """Return the version that a path names; None where it is no path of a version.

    >>> version_of("/services/data/v66.0/limits"), version_of("/services/Soap/u/50.0/00D1")
    ('66.0', '50.0')
    """
    found = _VERSIONED.match(path)
    return found[2] if found else None


def serves(version: str, resource: str) -> bool:
    """Whether a version has a REST resource, named by its path below the version's root.

    >>> serves("37.0", "composite"), serves("38.0", "composite"), serves("21.0", "query")
    (False, True, True)
    """
    number = float(version)
    if number >= _ALL_SERVE:
        return True
    first = next((first for pattern, first in _SINCE if pattern.fullmatch(resource)), OLDEST)
    return number >= first


def check_version(path: str) -> None:
    """Refuse versions that the org does not serve, each protocol in its own way.

    :raises OrgError: REST: 404, also for a resource that came with a later version, and 410
        ``GONE`` for a version that is retired; Bulk API 1.0: ``InvalidVersion``; SOAP:
        ``UNSUPPORTED_API_VERSION``.
    """
    found = _VERSIONED.match(path)
    if not found:
        return
    if found[2] in VERSIONS:
        if found[1] == "data/v" and not serves(found[2], path[found.end() + 1 :]):
            raise not_found()
        return
    refusal = _UNKNOWN[found[1].partition("/")[0]]
    if found[2] not in _RETIRED:
        raise refusal
    below = _BELOW.format(found[2])
    if refusal.code == "NOT_FOUND":
        raise OrgError("GONE", below, status=410)
    raise OrgError(refusal.code, below)
