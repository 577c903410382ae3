"""The way out where no stream tells: entities heard by asking for SystemModstamp, in order, without a gap.

A poll looks back a little, since the org may show a record later than another one with a later
SystemModstamp (inferred). What was returned with the same SystemModstamp is not returned again once its
second is over; until then the record may change once more under the same one. Every record comes as a
gap event would tell of it: something changed, read it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from speed_to_lead.changes import Batch, Change, ChangeKind, TopicState
from speed_to_lead.errors import OrgUnavailable, PermissionMissing
from speed_to_lead.ids import ReplayId
from speed_to_lead.telemetry import log

PREFIX = "poll:"
"""How the topic of a polled entity begins, in checkpoints and in ``/healthz``."""
_OVERLAP = timedelta(seconds=60)
_PAGE = 2000
_SETTLED = timedelta(seconds=2)
"""So old a SystemModstamp must be for a record not to change once more under it."""
Sleep = Callable[[float], Awaitable[None]]


class Query(Protocol):
    """How the org is asked."""

    def __call__(self, soql: str, *, deleted: bool = False) -> Awaitable[list[dict[str, Any]]]:
        """Return the records of a query, also those in the recycle bin if asked for."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """The last record returned, in the order of SystemModstamp and Id."""

    at: datetime
    id: str = ""

    @classmethod
    def read(cls, replay_id: ReplayId) -> Cursor:
        """Return the cursor behind a checkpoint."""
        at, _, record = replay_id.decode().partition("|")
        return cls(datetime.fromisoformat(at), record)

    @property
    def replay_id(self) -> ReplayId:
        """Return the cursor as a checkpoint keeps it."""
        return ReplayId(f"{self.at.isoformat()}|{self.id}".encode())


@dataclass(slots=True)
class _Entity:
    """What is known of one entity."""

    name: str
    since: datetime
    """Records created from then on are new."""
    cursor: Cursor
    state: TopicState
    optional: bool
    seen: dict[tuple[str, datetime], None] = field(default_factory=dict)
    """What was returned within the overlap."""


class PollingSource:
    """Hears entities by polling; implements ``changes.ChangeSource``."""

    def __init__(
        self,
        query: Query,
        starts: Mapping[str, Cursor],
        every_seconds: float,
        *,
        optional: Iterable[str] = (),
        org_now: Callable[[], datetime],
        overlap: timedelta = _OVERLAP,
        page: int = _PAGE,
        now: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Poll each entity behind its cursor; an optional one that the org hides is left alone.

        ``org_now`` tells the time by the org's clock, ``now`` that of this machine's, monotonic.
        """
        self._org_now = org_now
        self._query, self._every = query, every_seconds
        self._overlap, self._page, self._now, self._sleep = overlap, page, now, sleep
        self._due = now()
        self._entities = [
            _Entity(
                name,
                cursor.at - overlap,
                cursor,
                TopicState(
                    PREFIX + name, replay_id=cursor.replay_id, essential=name not in optional
                ),
                name in optional,
            )
            for name, cursor in starts.items()
        ]

    @property
    def topics(self) -> Mapping[str, TopicState]:
        """The entities polled, as topics."""
        return {each.state.topic: each.state for each in self._entities}

    @property
    def is_due(self) -> bool:
        """Whether it is time to ask again."""
        return self._now() >= self._due

    async def next_batches(self, timeout_seconds: float = 1.0) -> list[Batch]:
        """Return what has changed since the last poll, when the time for one has come.

        :raises PermissionMissing: the user may not query an entity that is not optional.
        """
        patience = min(timeout_seconds, self._due - self._now())
        if patience > 0:
            await self._sleep(patience)
        return await self.poll() if self.is_due else []

    async def poll(self) -> list[Batch]:
        """Ask now; an org that does not answer is asked again when the next poll is due."""
        self._due = self._now() + self._every
        batches: list[Batch] = []
        for entity in list(self._entities):
            try:
                batches += await self._poll(entity)
                entity.state.connected, entity.state.last_heard_at = True, time.monotonic()
            except OrgUnavailable as away:
                entity.state.connected = False
                reconnects = entity.state.reconnects
                reconnects["org.unavailable"] = reconnects.get("org.unavailable", 0) + 1
                log.warning("poll_failed", topic=entity.state.topic, error=str(away))
            except PermissionMissing as hidden:
                if not entity.optional:
                    raise
                self._entities.remove(entity)
                log.warning("not_polled", topic=entity.state.topic, error=str(hidden))
        return batches

    async def close(self) -> None:
        """Leave nothing behind: there is nothing open."""

    async def _poll(self, entity: _Entity) -> list[Batch]:
        """Return the news of one entity; its cursor moves only when all pages are there."""
        batches: list[Batch] = []
        behind, last = Cursor(entity.cursor.at - self._overlap), entity.cursor
        seen = dict(entity.seen)
        while True:
            rows = await self._query(_soql(entity.name, behind, self._page), deleted=True)
            found = [(row, Cursor(_moment(row["SystemModstamp"]), row["Id"])) for row in rows]
            news = [(row, at) for row, at in found if (at.id, at.at) not in seen]
            settled = self._org_now() - _SETTLED
            seen |= dict.fromkeys((at.id, at.at) for _, at in news if at.at <= settled)
            last = max([last, *(at for _, at in found)])
            if news:
                changes = tuple(_change(entity, row, at) for row, at in news)
                batches.append(Batch(entity.state.topic, last.replay_id, changes))
            if len(rows) < self._page:
                break
            behind = found[-1][1]
        oldest = last.at - self._overlap
        entity.seen = {key: None for key in seen if key[1] >= oldest}
        entity.cursor, entity.state.replay_id = last, last.replay_id
        if batches:
            entity.state.last_event_at = batches[-1].changes[-1].committed_at
        return batches


def _soql(entity: str, behind: Cursor, page: int) -> str:
    at = f"{behind.at:%Y-%m-%dT%H:%M:%S}.{behind.at.microsecond // 1000:03}Z"
    later = f"SystemModstamp > {at}"
    if behind.id:
        later = f"({later} OR (SystemModstamp = {at} AND Id > '{behind.id}'))"
    else:
        later = f"SystemModstamp >= {at}"
    return (
        f"SELECT Id, SystemModstamp, CreatedDate, IsDeleted FROM {entity} WHERE {later} "
        f"ORDER BY SystemModstamp, Id LIMIT {page}"
    )


def _change(entity: _Entity, row: Mapping[str, Any], at: Cursor) -> Change:
    kind = ChangeKind.GAP_UPDATE
    if row["IsDeleted"]:
        kind = ChangeKind.GAP_DELETE
    elif _moment(row["CreatedDate"]) >= entity.since:
        kind = ChangeKind.GAP_CREATE
    return Change(
        entity=entity.name,
        ids=(at.id,),
        kind=kind,
        fields={},
        changed=frozenset(),
        committed_at=at.at,
        user="",
        origin="",
        key=f"poll-{at.id}-{at.at:%Y%m%dT%H%M%SZ}",
        replay_id=at.replay_id,
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def starts_of(
    entities: Sequence[str], stored: Mapping[str, ReplayId], otherwise: datetime
) -> dict[str, Cursor]:
    """Return where to begin for each entity: behind its checkpoint, else at an instant."""
    return {
        each: Cursor.read(stored[PREFIX + each]) if PREFIX + each in stored else Cursor(otherwise)
        for each in entities
    }
