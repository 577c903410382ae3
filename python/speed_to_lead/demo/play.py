"""Plays a plan in the org: each action by its own user, at its own instant of the org's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from speed_to_lead.demo.actors import Actor
from speed_to_lead.demo.plan import AUTOMATION, Action, Plan, PlannedLead, Step


@dataclass
class Cast:
    """Who plays: the administrator turns the clock, representatives answer, the system does the rest."""

    admin: Actor
    system: Actor
    reps: list[Actor]
    rep_ids: list[str]

    def actor(self, index: int) -> Actor:
        """Return the actor of an action."""
        return self.system if index == AUTOMATION else self.reps[index]


@dataclass
class Stage:
    """What exists so far: the records behind the plan's leads."""

    cast: Cast
    plan: Plan
    lead_ids: dict[int, str] = field(default_factory=dict)
    open_calls: dict[tuple[int, int], str] = field(default_factory=dict)

    def play(self) -> Iterator[Action]:
        """Carry out every action in order of time; yield each when it is done."""
        now: datetime | None = None
        for action in self.plan.actions:
            if action.at != now:
                self.cast.admin.set_clock(action.at)
                now = action.at
            _STEPS[action.step](self, action)
            yield action
        self.cast.admin.set_clock(self.plan.end)


def _lead(stage: Stage, action: Action) -> None:
    lead: PlannedLead = stage.plan.leads[action.lead]
    stage.lead_ids[action.lead] = stage.cast.system.create(
        "Lead",
        LastName=f"Prospect {lead.index:03}",
        Company=f"Company {lead.index:03}",
        LeadSource=lead.source,
        NumberOfEmployees=lead.employees,
        Country=lead.country,
    )


def _task(subtype: str, status: str, **fields: object) -> Callable[[Stage, Action], str]:
    def create(stage: Stage, action: Action) -> str:
        return stage.cast.actor(action.actor).create(
            "Task",
            WhoId=stage.lead_ids[action.lead],
            Subject=subtype,
            TaskSubtype=subtype,
            Status=status,
            **fields,
        )

    return create


def _open_call(stage: Stage, action: Action) -> None:
    task = _task("Call", "Not Started", CallType="Outbound")(stage, action)
    stage.open_calls[action.lead, action.actor] = task


def _close_call(stage: Stage, action: Action) -> None:
    task = stage.open_calls.pop((action.lead, action.actor))
    stage.cast.actor(action.actor).update("Task", task, Status="Completed")


def _call(stage: Stage, action: Action) -> None:
    talked = {} if action.talked is None else {"CallDurationInSeconds": action.talked}
    _task("Call", "Completed", CallType="Outbound", **talked)(stage, action)


def _mail(status: str, relation: str, *, incoming: bool) -> Callable[[Stage, Action], None]:
    def create(stage: Stage, action: Action) -> None:
        actor = stage.cast.actor(action.actor)
        said_at = action.said_at or action.at
        mail = actor.create(
            "EmailMessage",
            Subject="About your inquiry",
            Incoming=incoming,
            Status=status,
            MessageDate=said_at.isoformat(),
        )
        actor.create(
            "EmailMessageRelation",
            EmailMessageId=mail,
            RelationId=stage.lead_ids[action.lead],
            RelationType=relation,
        )

    return create


def _reassign(stage: Stage, action: Action) -> None:
    stage.cast.admin.update(
        "Lead", stage.lead_ids[action.lead], OwnerId=stage.cast.rep_ids[action.actor]
    )


_STEPS: dict[Step, Callable[[Stage, Action], object]] = {
    Step.LEAD: _lead,
    Step.OPEN_TASK: _task("Task", "Not Started"),
    Step.OPEN_CALL: _open_call,
    Step.CLOSE_CALL: _close_call,
    Step.CALL: _call,
    Step.OTHER: _task("LinkedIn", "Completed"),
    Step.EMAIL: _mail("3", "ToAddress", incoming=False),
    Step.AUTO_REPLY: _mail("3", "ToAddress", incoming=False),
    Step.INBOUND_EMAIL: _mail("0", "FromAddress", incoming=True),
    Step.DRAFT: _mail("5", "ToAddress", incoming=False),
    Step.LIST_EMAIL: _task("ListEmail", "Completed"),
    Step.CADENCE: _task("Cadence", "Completed"),
    Step.BOT_CALL: _task("Call", "Completed", CallType="Outbound"),
    Step.REASSIGN: _reassign,
}
