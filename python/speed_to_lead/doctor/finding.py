"""What a check comes to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from speed_to_lead.errors import SpeedToLeadError


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    WARNING = "warning"
    """Worth knowing, or not to be known; the sidecar can run."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    name: str
    level: Level
    words: str

    @property
    def good(self) -> bool:
        """Whether the sidecar can run as far as this goes."""
        return self.level is not Level.FAILED


class Unwell(SpeedToLeadError):
    """A check that failed, with what to do."""


class Doubt(SpeedToLeadError):
    """A check that cannot tell, or tells of a risk, with what to do."""


async def tried(name: str, check: Callable[[], Awaitable[str]]) -> Finding:
    """Return what a check comes to."""
    try:
        return Finding(name, Level.OK, await check())
    except Doubt as doubt:
        return Finding(name, Level.WARNING, str(doubt))
    except SpeedToLeadError as error:
        return Finding(name, Level.FAILED, str(error))
