"""What every part of a policy has in common: frozen, no unknown keys, one way to compare texts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1, max_length=255)]
"""A text that is not blank."""


class Part(BaseModel):
    """One object of the policy document."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Choice(Part):
    """One object of the policy document that has exactly one of its keys."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    def chosen(self) -> Any:
        """Return the value of the one key that is there."""
        return next(value for _, value in self if value is not None)


def folded(text: str | None) -> str | None:
    """Return a text as it is compared: without case and surrounding blanks; ``None`` when blank.

    >>> folded("  Germany ")
    'germany'
    >>> folded("") is None
    True
    """
    return (text or "").strip().casefold() or None
