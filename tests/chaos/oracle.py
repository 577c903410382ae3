"""What every Lead must say, recomputed from the org's records alone, in the simplest way there is.

Knows nothing of the sidecar: closed calls and sent mails of people, bookings, conversions and merges; the
earliest counts. What the records cannot tell, another writer's stamps and the instants of conversions,
the load remembers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from speed_to_lead.demo.actors import API, Actor

_RANKS = {"Call": 1, "Email": 2, "Meeting": 3, "Other": 4, "Conversion": 5}
Said = tuple[str, str, str | None]
"""Instant, source and user, as REST tells them."""


@dataclass(frozen=True, order=True)
class Touch:
    """One thing that answers a Lead, in the order in which the first one is found."""

    at: datetime
    rank: int
    record: str
    source: str
    user: str | None

    @property
    def said(self) -> Said:
        """Return it as a Lead says it."""
        return (f"{self.at:%Y-%m-%dT%H:%M:%S}.000+0000", self.source, self.user)


@dataclass(frozen=True)
class Answer:
    """What a Lead may say."""

    exact: Said | None
    also: frozenset[Said | None]
    """What else is right, because evidence was taken away before or after somebody saw it."""


class Oracle:
    """The org as its administrator sees it, read once."""

    def __init__(self, admin: Actor, people: Iterable[str]) -> None:
        self._admin, self._people = admin, set(people)
        self.leads = {
            row["Id"]: row
            for row in self._all(
                "SELECT Id, CreatedDate, IsDeleted, MasterRecordId, ConvertedContactId, "
                "First_Response_At__c, First_Response_Source__c, First_Response_User__c, Policy_Version__c, "
                "Response_Clock_Started_At__c, Time_to_First_Response__c FROM Lead"
            )
        }
        self._losers: dict[str, set[str]] = {}
        for each, row in self.leads.items():
            if row["MasterRecordId"]:
                self._losers.setdefault(row["MasterRecordId"], set()).add(each)
        self._alive: dict[str, list[Touch]] = {}
        self._gone: dict[str, list[Touch]] = {}
        self._calls()
        self._mails()
        self._meetings()

    def _all(self, soql: str) -> list[dict[str, Any]]:
        """Return the rows of a query, the recycle bin included."""
        page = self._admin.call("GET", f"{API}/queryAll", q=soql)
        rows: list[dict[str, Any]] = page["records"]
        while not page["done"]:
            page = self._admin.call("GET", page["nextRecordsUrl"])
            rows += page["records"]
        return rows

    def _calls(self) -> None:
        for row in self._all(
            "SELECT Id, WhoId, IsClosed, CompletedDateTime, CallDurationInSeconds, OwnerId, CreatedById, "
            "LastModifiedById, IsDeleted FROM Task WHERE TaskSubtype = 'Call'"
        ):
            if row["IsClosed"] and row["CreatedById"] in self._people:
                began = _at(row["CompletedDateTime"])
                began -= timedelta(seconds=row["CallDurationInSeconds"] or 0)
                self._add(row, row["WhoId"], began, "Call", row["OwnerId"])

    def _mails(self) -> None:
        linked = {
            row["EmailMessageId"]: row["RelationId"]
            for row in self._all("SELECT EmailMessageId, RelationId FROM EmailMessageRelation")
        }
        for row in self._all(
            "SELECT Id, MessageDate, CreatedDate, CreatedById, IsDeleted FROM EmailMessage "
            "WHERE Incoming = false AND Status = '3'"
        ):
            sent = min(_at(row["MessageDate"]), _at(row["CreatedDate"]))
            self._add(row, linked.get(row["Id"]), sent, "Email", row["CreatedById"])

    def _meetings(self) -> None:
        for row in self._all("SELECT Id, WhoId, CreatedDate, CreatedById, IsDeleted FROM Event"):
            self._add(row, row["WhoId"], _at(row["CreatedDate"]), "Meeting", row["CreatedById"])

    def _add(
        self, row: Mapping[str, Any], who: str | None, at: datetime, source: str, user: str
    ) -> None:
        if user not in self._people or who is None:
            return
        touch = Touch(at, _RANKS[source], row["Id"], source, user)
        (self._gone if row["IsDeleted"] else self._alive).setdefault(who, []).append(touch)

    # -- answers ----------------------------------------------------------------------------------

    def standing(self) -> list[str]:
        """Return the Leads that are there."""
        return [each for each, row in self.leads.items() if not row["IsDeleted"]]

    def said(self, lead: str) -> Said | None:
        """Return what a Lead says."""
        row = self.leads[lead]
        names = ("First_Response_At__c", "First_Response_Source__c", "First_Response_User__c")
        at, source, user = (row[name] for name in names)
        if source == "Conversion":  # who converted, only the event tells
            user = None
        return None if at is None else (at, source, user)

    def merged_into(self, lead: str) -> set[str]:
        """Return the Leads that went into one, and those that went into them."""
        found = self._losers.get(lead, set())
        return found.union(*(self.merged_into(each) for each in found))

    def started(self, lead: str) -> datetime:
        """Return the start of a Lead's clock."""
        return min(_at(self.leads[each]["CreatedDate"]) for each in (lead, *self.merged_into(lead)))

    def answer(self, lead: str, converted: datetime | None, other: datetime | None) -> Answer:
        """Return what a Lead must say; ``other`` is when another writer says it was answered."""
        known = self.leads[lead]
        whole = {lead, *self.merged_into(lead), known["ConvertedContactId"]} - {None}
        alive = [touch for who in whole for touch in self._alive.get(who, [])]
        gone = [touch for who in whole for touch in self._gone.get(who, [])]
        if other is not None:
            alive.append(Touch(other, _RANKS["Other"], "", "Other", None))
        if converted is not None:
            alive = [touch for touch in alive if touch.at <= converted]
            alive.append(Touch(converted, _RANKS["Conversion"], lead, "Conversion", None))
        exact = min(alive, default=None)
        earlier = [each for each in gone if exact is None or each < exact]
        return Answer(
            None if exact is None else exact.said, frozenset(each.said for each in earlier)
        )


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(microsecond=0)
