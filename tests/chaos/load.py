"""What happens in the org while the sidecars die: drawn from one seed, counted in actions and not in time.

Each action is carried out by its own user at an instant of the org's clock that only this load turns.
A call that a fault strikes is repeated until it is done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from speed_to_lead.demo.actors import API, Actor, user
from speed_to_lead.demo.plan import MONDAY
from speed_to_lead.errors import OrgUnavailable
from tests.journeys import deeds

STEP = timedelta(seconds=2)
MARK = "Xq7Personal"
"""Begins everything personal that the load types in; it may be seen nowhere but in the org."""
_PATIENCE = 200
COUNTRIES = ("Germany", "United States", "Brazil", "Australia", None)


@dataclass
class Load:
    """The history of one org, as far as it has been played."""

    scene: Any
    random: Random
    merges: bool = True
    now: datetime = MONDAY
    leads: list[str] = field(default_factory=list)
    """Those that can still be touched."""
    made: list[str] = field(default_factory=list)
    contacts: dict[str, str] = field(default_factory=dict)
    open_calls: list[tuple[str, int]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    converted: dict[str, datetime] = field(default_factory=dict)
    stamped_by_another: dict[str, datetime] = field(default_factory=dict)
    shaken: dict[str, datetime | None] = field(default_factory=dict)
    """Leads of which evidence was taken away, each with what it said then."""
    actions: int = 0

    def play(self, count: int) -> None:
        """Carry out so many actions more."""
        names, weights = zip(*_WEIGHTS.items(), strict=True)
        for _ in range(count):
            [name] = self.random.choices(names, weights)
            if len(self.leads) < 3:
                name = "lead"
            self.now += STEP
            self._surely(lambda: self.scene.cast.admin.set_clock(self.now))
            self._surely(getattr(self, f"_{name}"))
            self.actions += 1

    def _surely(self, act: Callable[[], Any]) -> Any:
        for attempt in range(_PATIENCE):
            try:
                return act()
            except OrgUnavailable:
                if attempt == _PATIENCE - 1:
                    raise
        raise AssertionError

    def _pick(self) -> tuple[str, int]:
        return self.random.choice(self.leads), self.random.randrange(len(self.scene.cast.reps))

    # -- actions ----------------------------------------------------------------------------------

    def _lead(self) -> None:
        lead = self.scene.cast.system.create(
            "Lead",
            LastName=f"{MARK} Doe {len(self.made)}",
            Company=f"{MARK} Company",
            Email=f"{MARK}{len(self.made)}@example.test",
            Phone=f"{MARK}-555",
            Country=self.random.choice(COUNTRIES),
            NumberOfEmployees=self.random.choice([None, 5, 500, 5000]),
        )
        self.leads.append(lead)
        self.made.append(lead)

    def _call(self) -> None:
        lead, rep = self._pick()
        self.calls.append(self._task(rep, lead, "Completed"))

    def _long_call(self) -> None:
        lead, rep = self._pick()
        self.calls.append(self._task(rep, lead, "Completed", CallDurationInSeconds=2))

    def _bots_call(self) -> None:
        lead, _ = self._pick()
        self._task(None, lead, "Completed")

    def _open_call(self) -> None:
        lead, rep = self._pick()
        self.open_calls.append((self._task(rep, lead, "Not Started"), rep))

    def _closed_call(self) -> None:
        if self.open_calls:
            task, rep = self.open_calls.pop(self.random.randrange(len(self.open_calls)))
            self.scene.cast.reps[rep].update("Task", task, Status="Completed")
            self.calls.append(task)

    def _task(self, rep: int | None, who: str, status: str, **fields: object) -> str:
        actor = self.scene.cast.system if rep is None else self.scene.cast.reps[rep]
        task: str = actor.create(
            "Task",
            WhoId=who,
            Subject=f"{MARK} call",
            Description=f"{MARK} said so",
            TaskSubtype="Call",
            CallType="Outbound",
            Status=status,
            **fields,
        )
        return task

    def _mail(self, sent_at: datetime | None = None, **fields: object) -> None:
        lead, rep = self._pick()
        writer = self.scene.cast.reps[rep]
        said = {"Incoming": False, "Status": "3", "MessageDate": deeds.text(sent_at or self.now)}
        mail = writer.create(
            "EmailMessage", Subject=f"{MARK} mail", TextBody=f"{MARK} body", **{**said, **fields}
        )
        self._surely(
            lambda: writer.create(
                "EmailMessageRelation",
                EmailMessageId=mail,
                RelationId=lead,
                RelationType="ToAddress",
            )
        )

    def _old_mail(self) -> None:
        self._mail(self.now - self.random.randrange(1, 30) * STEP)

    def _inbound_mail(self) -> None:
        self._mail(Incoming=True, Status="0")

    def _meeting(self) -> None:
        lead, rep = self._pick()
        when = {"StartDateTime": deeds.text(MONDAY + timedelta(days=9)), "DurationInMinutes": 30}
        self.scene.cast.reps[rep].create("Event", WhoId=lead, Subject=f"{MARK} meeting", **when)

    def _new_owner(self) -> None:
        lead, rep = self._pick()
        self.scene.cast.admin.update("Lead", lead, OwnerId=self.scene.cast.rep_ids[rep])

    def _another_writer(self) -> None:
        """Stamp as somebody else would, at an odd second; the guard may refuse it."""
        lead, _ = self._pick()
        at = self.now - self.random.randrange(1, 20) * STEP + timedelta(seconds=1)
        created = self.scene.lead(lead)["CreatedDate"]
        if deeds.text(at) < created:
            return
        try:
            self._other().update(
                "Lead",
                lead,
                First_Response_At__c=deeds.text(at),
                First_Response_Source__c="Other",
                First_Response_User__c=None,
            )
        except OrgUnavailable as refused:
            if "STL-" not in str(refused):
                raise
            return
        self.stamped_by_another[lead] = min(at, self.stamped_by_another.get(lead, at))

    def _other(self) -> Actor:
        """Return another program that writes as the sidecar's user."""
        org = self.scene.org
        return user(org, self.scene.http, org.sidecar_username)

    def _deleted_call(self) -> None:
        """Take a call away that may have been stamped."""
        if not self.calls:
            return
        task = self.calls.pop(self.random.randrange(len(self.calls)))
        admin = self.scene.cast.admin
        who = admin.call("GET", f"{API}/sobjects/Task/{task}")["WhoId"]
        lead = next((lead for lead, contact in self.contacts.items() if contact == who), who)
        said = self.scene.lead(lead)["First_Response_At__c"]
        self.shaken[lead] = None if said is None else datetime.fromisoformat(said)
        admin.call("DELETE", f"{API}/sobjects/Task/{task}")

    def _merged(self) -> None:
        if not self.merges or len(self.leads) < 5:
            return
        survivor, loser = self.random.sample(self.leads, 2)
        deeds.merge(self.scene, survivor, loser)
        self.leads.remove(loser)
        if loser in self.stamped_by_another:
            brought = self.stamped_by_another.pop(loser)
            known = self.stamped_by_another.get(survivor, brought)
            self.stamped_by_another[survivor] = min(known, brought)
        if loser in self.shaken:
            self.shaken.setdefault(survivor, self.shaken[loser])

    def _converted(self) -> None:
        if not self.merges or len(self.leads) < 5:
            return
        lead = self.random.choice(self.leads)
        self.contacts[lead] = deeds.convert(self.scene, lead)
        self.converted[lead] = self.now
        self.leads.remove(lead)

    def _call_after_all(self) -> None:
        """Call a Contact that was a Lead: after the end."""
        if self.contacts:
            contact = self.random.choice(list(self.contacts.values()))
            self._task(self.random.randrange(6), contact, "Completed")


_WEIGHTS = {
    "lead": 30,
    "call": 18,
    "long_call": 6,
    "bots_call": 2,
    "open_call": 5,
    "closed_call": 5,
    "mail": 12,
    "old_mail": 5,
    "inbound_mail": 2,
    "meeting": 4,
    "new_owner": 4,
    "another_writer": 4,
    "deleted_call": 2,
    "merged": 2,
    "converted": 2,
    "call_after_all": 2,
}
