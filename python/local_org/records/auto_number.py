"""Auto numbers as their display format writes them."""

from __future__ import annotations

import re
from datetime import datetime

_PART = re.compile(r"\{(YYYY|YY|MM|DD|0{1,10}|)\}")
_DATES = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d"}


def auto_number(display_format: str, number: int, at: datetime) -> str:
    """Return the text of an auto number given at this time.

    >>> auto_number("A-{0000}/{YY}", 7, datetime(2026, 11, 2))
    'A-0007/26'
    """

    def part(match: re.Match[str]) -> str:
        asked = match[1]
        return f"{at:{_DATES[asked]}}" if asked in _DATES else str(number).zfill(len(asked))

    return _PART.sub(part, display_format)
