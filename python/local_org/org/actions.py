"""What can be done with records beside writing them: convert, merge, purge, send."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Final

from local_org.org.sessions import Session
from local_org.records.conversion import LeadConvert
from local_org.records.dml import Dml
from local_org.records.mail import OutgoingEmail
from local_org.records.merging import MergeRequest
from local_org.records.results import SaveResult, Unit

__all__ = ["Actions", "LeadConvert", "MergeRequest", "OutgoingEmail"]

_OUTBOX: Final = 1000


class Actions:
    """Actions of one org. Each call is one transaction, or part of the one that is open."""

    def __init__(self, dml: Dml, work: Callable[[Session], AbstractContextManager[Unit]]) -> None:
        self._dml = dml
        self._work = work
        self.outbox: deque[OutgoingEmail] = deque(maxlen=_OUTBOX)
        """What would have been sent, the latest last: nothing ever leaves the org."""

    def convert(
        self, session: Session, requests: Sequence[LeadConvert], *, all_or_none: bool = False
    ) -> list[SaveResult]:
        """Convert leads; what succeeds is a ``ConvertResult``."""
        with self._work(session) as unit:
            return self._dml.convert(unit, requests, all_or_none=all_or_none)

    def merge(
        self, session: Session, requests: Sequence[MergeRequest], *, all_or_none: bool = False
    ) -> list[SaveResult]:
        """Merge records; what succeeds is a ``MergeResult``."""
        with self._work(session) as unit:
            return self._dml.merge(unit, requests, all_or_none=all_or_none)

    def purge(
        self, session: Session, ids: Sequence[str], *, all_or_none: bool = False
    ) -> list[SaveResult]:
        """Remove records from the recycle bin for good."""
        with self._work(session) as unit:
            return self._dml.purge(unit, ids, all_or_none=all_or_none)

    def send(
        self, session: Session, emails: Sequence[OutgoingEmail], *, all_or_none: bool = False
    ) -> list[SaveResult]:
        """Take e-mails as sent; the id is that of the ``EmailMessage``, where one is kept."""
        with self._work(session) as unit:
            results = self._dml.send(unit, emails, all_or_none=all_or_none)
        taken = zip(emails, results, strict=True)
        self.outbox.extend(email for email, result in taken if result.success)
        return results
