"""Every row of the table of edge cases (facts/ttfr.md 14) is the name of a test."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROWS = {"C": 26, "N": 23, "O": 14, "K": 12, "W": 8, "S": 12, "L": 15}
"""How many rows each part of the table has."""
_NAMED = re.compile(r"(?:def test_|_)([cnokwsl])_?(\d\d)(?=_)|\"(?:row )?([CNOKWSL])-(\d\d)\b")
_MORE = re.compile(r"(?<= )([CNOKWSL])-(\d\d)\b")


def named():
    """Return the rows that names and parameters of tests bear."""
    found = set()
    for folder in ("speed_to_lead", "journeys", "contract"):
        for path in (TESTS / folder).glob("test_*.py"):
            for line in path.read_text(encoding="utf-8").splitlines():
                rows = {(a or c).upper() + "-" + (b or d) for a, b, c, d in _NAMED.findall(line)}
                if rows:
                    rows |= {f"{letter}-{number}" for letter, number in _MORE.findall(line)}
                found |= rows
    return found


def test_every_row_has_a_test_of_its_name():
    rows = {
        f"{letter}-{number:02}" for letter, last in ROWS.items() for number in range(1, last + 1)
    }
    assert sorted(rows - named()) == []
