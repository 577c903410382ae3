"""A change of a long text as a unified difference, which large texts are told by.

Source: Change Data Capture Developer Guide, "Data Differences in Event Fields"; facts 2.5.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

_SHORTEST = 1000
"""Characters of a text that may be told by its difference."""
_MOST_LINES = 2000
"""Texts of more lines are told whole: finding their difference would take too long."""


def difference(before: object, after: object) -> str | None:
    r"""Return how a long text has changed, or None when it is to be told whole.

    >>> difference("a\n" + "b" * 1000, "c\n" + "b" * 1000).split("\n")[2:]
    ['@@ -1,1 +1,1 @@', '-a', '+c']
    """
    if not isinstance(before, str) or not isinstance(after, str):
        return None
    if min(len(before), len(after)) < _SHORTEST:
        return None
    old, new = before.split("\n"), after.split("\n")
    if max(len(old), len(new)) > _MOST_LINES:
        return None
    digest = hashlib.sha256(after.encode()).hexdigest()
    told = "\n".join(("--- ", f"+++ {digest}", *_hunks(old, new)))
    return told if len(told) < len(after) else None


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Yield the changed lines without any around them."""
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for word, first, last, start, end in matcher.get_opcodes():
        if word != "equal":
            yield f"@@ -{first + 1},{last - first} +{start + 1},{end - start} @@"
            yield from (f"-{line}" for line in old[first:last])
            yield from (f"+{line}" for line in new[start:end])
