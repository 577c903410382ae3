"""The API versions the org serves; one router answers them all."""

from __future__ import annotations

from typing import Final

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
