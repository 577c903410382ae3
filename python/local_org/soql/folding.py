"""Text in one case, for comparisons in any case: letter by letter, so that patterns still fit."""

from __future__ import annotations

from functools import lru_cache

FOLD = "soql_fold"
"""SQL function: text in one case, that of all alphabets."""


@lru_cache(maxsize=4096)
def _letter(char: str) -> str:
    """Return the letter in lower case; one character stays one, and what is no ASCII stays none."""
    lower = char.lower()
    if len(lower) != 1 or lower.isascii():
        return char
    folded = lower.casefold()
    return folded if len(folded) == 1 and not folded.isascii() else lower


def folded(text: str) -> str:
    """Return the text with all its letters in one case, as many characters as before."""
    if text.isascii():
        return text.lower()
    return "".join(char.lower() if char.isascii() else _letter(char) for char in text)


def folded_value(value: str | bytes | float | None) -> str | bytes | float | None:
    """Fold a value of the store: text in one case, anything else as it is."""
    return folded(value) if isinstance(value, str) else value
