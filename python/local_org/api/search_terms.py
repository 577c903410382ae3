"""What a search looks for: words, phrases, wildcards, ``AND``, ``OR``, ``AND NOT``.

A word fits a whole word of a text, whatever its case; ``*`` stands for any letters, ``?`` for one.
Stemming, synonyms and nicknames, which a real org adds, are not known.
Source: the SOSL reference, "FIND {SearchQuery}".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from local_org.errors import OrgError

_MOST_CHARACTERS: Final = 10_000
_DEEPEST: Final = 20
_WORDS: Final = re.compile(r"\w+")
_PIECES: Final = re.compile(r'\(|\)|"(?:\\.|[^"\\])*"|(?:\\.|[^\s()"\\])+')
_WILD: Final = re.compile(r"(\*|\?)")
_ESCAPED: Final = re.compile(r"\\(.)")


class Term(Protocol):
    """Part of a search."""

    def fits(self, texts: Sequence[Sequence[str]]) -> bool:
        """Whether it is found in a record, given the words of each of its fields in lower case."""

    def literals(self) -> Iterator[str]:
        """Yield letters one of which any record that fits holds."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that follow each other in one field, as patterns."""

    words: tuple[str, ...]

    def fits(self, texts: Sequence[Sequence[str]]) -> bool:
        """Whether they do."""
        patterns = [_pattern(word) for word in self.words]
        return any(
            all(p.fullmatch(w) for p, w in zip(patterns, text[start:], strict=False))
            for text in texts
            for start in range(len(text) - len(patterns) + 1)
        )

    def literals(self) -> Iterator[str]:
        """Yield the longest run of letters."""
        yield max((run for word in self.words for run in re.split(r"[*?]", word)), key=len)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Everything is found, and nothing of what must not be."""

    terms: tuple[Term, ...]
    never: tuple[Term, ...] = ()

    def fits(self, texts: Sequence[Sequence[str]]) -> bool:
        """Whether it is so."""
        return all(term.fits(texts) for term in self.terms) and not any(
            term.fits(texts) for term in self.never
        )

    def literals(self) -> Iterator[str]:
        """Yield those of the first."""
        yield from self.terms[0].literals()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one is found."""

    terms: tuple[Term, ...]

    def fits(self, texts: Sequence[Sequence[str]]) -> bool:
        """Whether one is."""
        return any(term.fits(texts) for term in self.terms)

    def literals(self) -> Iterator[str]:
        """Yield those of all."""
        for term in self.terms:
            yield from term.literals()


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return _WORDS.findall(text.lower())


def read_terms(text: str) -> Term:
    """Read what stands in the braces of ``FIND``.

    :raises OrgError: ``MALFORMED_SEARCH``.
    """
    if len(text) > _MOST_CHARACTERS:
        raise malformed(f"search term is longer than {_MOST_CHARACTERS} characters")
    if len(text.strip().strip("*?")) < 2:
        raise malformed(f"search term must be longer than one character: {text.strip()}")
    reader = _Reader(_PIECES.findall(text))
    term = reader.either(0)
    if reader.pieces:
        raise malformed(f"unexpected '{reader.pieces[0]}' in the search term")
    return term


def malformed(message: str) -> OrgError:
    """Return the refusal of a search."""
    return OrgError("MALFORMED_SEARCH", message)


class _Reader:
    """Takes the pieces of a term one after the other."""

    def __init__(self, pieces: list[str]) -> None:
        self.pieces = pieces

    def either(self, depth: int) -> Term:
        """Read terms joined by ``OR``."""
        if depth > _DEEPEST:
            raise malformed(f"search term has more than {_DEEPEST} levels of parentheses")
        terms = [self.every(depth)]
        while self._take("OR"):
            terms.append(self.every(depth))
        return terms[0] if len(terms) == 1 else AnyOf(tuple(terms))

    def every(self, depth: int) -> Term:
        """Read terms joined by ``AND``, ``AND NOT`` or nothing."""
        terms: list[Term] = [self.one(depth)]
        never: list[Term] = []
        while self.pieces and self.pieces[0].upper() not in ("OR", ")"):
            joined = self._take("AND")
            target = never if joined and self._take("NOT") else terms
            target.append(self.one(depth))
        return terms[0] if len(terms) == 1 and not never else AllOf(tuple(terms), tuple(never))

    def one(self, depth: int) -> Term:
        """Read a phrase, a word, or what stands in parentheses."""
        if not self.pieces or self.pieces[0].upper() in ("AND", "OR", "NOT", ")"):
            raise malformed("expected a word or a phrase in the search term")
        piece = self.pieces.pop(0)
        if piece == "(":
            inner = self.either(depth + 1)
            if not self._take(")"):
                raise malformed("expected ')' in the search term")
            return inner
        return _phrase(piece)

    def _take(self, word: str) -> bool:
        if self.pieces and self.pieces[0].upper() == word:
            self.pieces.pop(0)
            return True
        return False


def _phrase(piece: str) -> Phrase:
    text = _ESCAPED.sub(r"\1", piece.strip('"')).lower()
    words = tuple(re.findall(r"[\w*?]+", text))
    if not any(_WORDS.search(word) for word in words):
        raise malformed(f"expected letters or digits in the search term, got {piece}")
    return Phrase(words)


def _pattern(word: str) -> re.Pattern[str]:
    wild = {"*": r"\w*", "?": r"\w"}
    # Runs of stars would make the pattern slow and mean no more than one.
    parts = _WILD.split(re.sub(r"\*+", "*", word))
    return re.compile("".join(wild.get(part, re.escape(part)) for part in parts))
