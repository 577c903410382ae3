"""Text functions of formulas. Blank comes in as an empty text and goes out as blank."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

import regex

from local_org.schema.formula.kinds import FormulaFailure

_MATCH_SECONDS: Final = 0.2
_MOST_TIMEOUTS: Final = 5
"""After these a pattern is not tried any more, lest a report over many records hang the org."""


def left(text: str, count: Decimal) -> str:
    """LEFT: the first characters."""
    return text[: max(0, int(count))]


def right(text: str, count: Decimal) -> str:
    """RIGHT: the last characters."""
    return text[max(0, len(text) - max(0, int(count))) :]


def mid(text: str, start: Decimal, count: Decimal) -> str:
    """MID: characters from a position, counted from 1; before the text means at its start."""
    first = max(0, int(start) - 1)
    return text[first : first + max(0, int(count))]


def find(wanted: str, text: str, start: Decimal = Decimal(1)) -> Decimal:
    """FIND: the position counted from 1; 0 when it is not there."""
    return Decimal(text.find(wanted, max(0, int(start) - 1)) + 1) if wanted else Decimal(0)


def substitute(text: str, old: str, new: str) -> str:
    """SUBSTITUTE, every occurrence."""
    return text.replace(old, new) if old else text


def _padding(text: str, length: Decimal, pad: str) -> str:
    missing = max(0, int(length) - len(text))
    return (pad * missing)[:missing]


def pad_left(text: str, length: Decimal, pad: str = " ") -> str:
    """LPAD: longer texts are cut."""
    return (_padding(text, length, pad) + text if pad and text else text)[: max(0, int(length))]


def pad_right(text: str, length: Decimal, pad: str = " ") -> str:
    """RPAD: longer texts are cut."""
    return (text + _padding(text, length, pad) if pad and text else text)[: max(0, int(length))]


class _Pattern:
    """A regular expression that has only so much time for the texts that are too hard for it."""

    def __init__(self, text: str) -> None:
        """Compile it.

        :raises FormulaFailure: it is none.
        """
        try:
            self._compiled = regex.compile(text)
        except regex.error as e:
            raise FormulaFailure("the regular expression is not valid") from e
        self._left = _MOST_TIMEOUTS

    def matches(self, text: str) -> bool:
        """Whether the whole text matches.

        :raises FormulaFailure: it takes too long, or other texts have before.
        """
        if self._left:
            try:
                return self._compiled.fullmatch(text, timeout=_MATCH_SECONDS) is not None
            except TimeoutError:
                self._left -= 1
        raise FormulaFailure("Regex too complicated")


_pattern = lru_cache(maxsize=256)(_Pattern)


def matches(text: str, pattern: str) -> bool:
    """REGEX: the whole text must match."""
    return _pattern(pattern).matches(text)


def contains(text: str, wanted: str) -> bool:
    """CONTAINS: every text contains a blank one."""
    return wanted in text


def begins(text: str, wanted: str) -> bool:
    """BEGINS: every text begins with a blank one."""
    return text.startswith(wanted)


def initial_capitals(text: str) -> str:
    """INITCAP: each word with a capital, the rest small; an underscore ends a word."""
    return re.sub(r"[^\W_]+", lambda m: m[0][0].upper() + m[0][1:].lower(), text)


def trim(text: str) -> str:
    """TRIM: spaces and tabs at both ends."""
    return text.strip()


_DOTTED = frozenset({"tr", "az"})
"""Languages that tell i with a dot from i without one, small and large."""


def _dots(locale: str) -> bool:
    return locale.strip().lower()[:2] in _DOTTED


def upper(text: str, locale: str = "") -> str:
    """UPPER, by the rules of a locale such as ``tr_TR``."""
    return (text.replace("i", "İ") if _dots(locale) else text).upper()


def lower(text: str, locale: str = "") -> str:
    """LOWER, by the rules of a locale such as ``tr_TR``."""
    return (
        text.replace("I", "\N{LATIN SMALL LETTER DOTLESS I}").replace("İ", "i")
        if _dots(locale)
        else text
    ).lower()


def duration(seconds: Decimal, with_days: bool = False) -> str:
    """FORMATDURATION of a number of seconds: ``HH:MM:SS``, or with days ``D:HH:MM:SS``."""
    minutes, second = divmod(abs(int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    if with_days:
        return f"{hours // 24}:{hours % 24:02}:{minute:02}:{second:02}"
    return f"{hours:02}:{minute:02}:{second:02}"


def character(code: Decimal) -> str:
    """CHR: the character of a code point; blank for 0 and less."""
    try:
        return chr(int(code)) if int(code) > 0 else ""
    except (ValueError, OverflowError) as e:
        raise FormulaFailure("no such character") from e


def code_point(text: str) -> Decimal | None:
    """ASCII: the code point of the first character."""
    return Decimal(ord(text[0])) if text else None


def hyperlink(url: str, label: str, target: str = "_blank") -> str:
    """HYPERLINK, as the API gives it: the HTML of the link."""
    return f'<a href="{url}" target="{target}">{label}</a>'


def image(
    url: str, alternative: str, height: Decimal | None = None, width: Decimal | None = None
) -> str:
    """IMAGE, as the API gives it: the HTML of the picture."""
    size = "".join(f' {n}="{int(v)}"' for n, v in (("height", height), ("width", width)) if v)
    return f'<img src="{url}" alt="{alternative}"{size} border="0"/>'
