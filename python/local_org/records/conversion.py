"""Converting a lead: into an account, a contact and, where wanted, an opportunity.

Source: SOAP API Developer Guide, "convertLead()"; Salesforce Help, "Considerations for Converting
Leads" and 000385227 (activities); facts/ttfr.md 11.1, pubsub-cdc.md 2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from local_org.errors import OrgError
from local_org.ids import id18
from local_org.records.conversion_map import conversion_map
from local_org.records.draft import (
    access_refused,
    cannot_update_converted_lead,
    no_such_record,
    record_is_deleted,
)
from local_org.records.results import ConvertResult, Unit
from local_org.records.shape import to_json
from local_org.records.writing import Writer, stamps

_MONTHS: Final = 12
_CADENCE: Final = "Cadence"
"""Subtype of the activities of Sales Engagement, which stay with the lead."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LeadConvert:
    """What to make of a lead."""

    lead_id: str
    status: str
    account_id: str | None = None
    contact_id: str | None = None
    opportunity_id: str | None = None
    owner_id: str | None = None
    opportunity_name: str | None = None
    with_opportunity: bool = True
    overwrite_lead_source: bool = False

    @property
    def targets(self) -> dict[str, str | None]:
        """Objects that the lead becomes, in order; each with the record it is merged into."""
        found = {"Account": self.account_id, "Contact": self.contact_id}
        if self.with_opportunity or self.opportunity_id:
            found["Opportunity"] = self.opportunity_id
        return found


def convert_lead(writer: Writer, unit: Unit, request: LeadConvert) -> ConvertResult:
    """Convert a lead; changes come in the order account, contact, opportunity, lead.

    Activities move without a change event of their own: that is our reading.

    :raises OrgError: the caller may not, the lead or a target is not there or does not fit, the
        status is none of a converted lead; ``Refused``: a record is not taken.
    """
    work = _Conversion(writer, unit, request, _lead(writer, unit, request))
    _check_access(unit, request)
    for entity, record_id in request.targets.items():
        if record_id:
            work.fill(entity, record_id)
        else:
            work.create(entity)
    work.close_lead()
    work.move_activities()
    work.move_campaign_members()
    made = work.made
    return ConvertResult(
        True,
        work.lead["Id"],
        account_id=made["Account"],
        contact_id=made["Contact"],
        opportunity_id=made.get("Opportunity"),
    )


def _lead(writer: Writer, unit: Unit, request: LeadConvert) -> dict[str, Any]:
    """Return the row of the lead, which may be converted."""
    blueprint = writer.admitted(unit, "Lead")
    if not ("ConvertLeads" in unit.access.permissions and unit.access.editable("Lead")):
        raise access_refused()
    if not request.lead_id:
        raise OrgError("REQUIRED_FIELD_MISSING", "leadId is required", ("leadId",))
    lead = writer.existing(unit, blueprint, request.lead_id)
    if lead["IsConverted"]:
        raise cannot_update_converted_lead()
    sql = 'SELECT 1 FROM "LeadStatus" WHERE "ApiName" = ? AND "IsConverted"'
    if writer.store.connection.execute(sql, (request.status,)).fetchone() is None:
        raise OrgError("INVALID_STATUS", f"invalid convertedStatus: {request.status}", ("Status",))
    return lead


def _check_access(unit: Unit, request: LeadConvert) -> None:
    """Let a user convert who may create what is new and edit what is merged into."""
    access = unit.access
    for entity, record_id in request.targets.items():
        if not (access.editable(entity) and (record_id or access.createable(entity))):
            raise access_refused()


@dataclass
class _Conversion:
    """One conversion under way; what it writes, the org writes in the caller's name."""

    writer: Writer
    unit: Unit
    request: LeadConvert
    lead: dict[str, Any]
    made: dict[str, str] = field(default_factory=dict)
    """Object → the record that the lead has become."""

    def __post_init__(self) -> None:
        self.system = self.unit.as_system()
        self.owner = self._owner()
        self.steps = conversion_map(self.writer.store)

    def _owner(self) -> str:
        given = self.request.owner_id
        owner = id18(given) if given else str(self.lead["OwnerId"])
        if not owner.startswith("005"):
            text = (
                "Converted objects can only be owned by users.  If the lead is not owned by a "
                "user, you must specify a user for the Owner field."
            )
            raise OrgError("UNKNOWN_EXCEPTION", text)
        return owner

    # -- account, contact, opportunity ------------------------------------------------------------

    def create(self, entity: str) -> None:
        """Make the lead a new record of an object."""
        values = {**self._mapped(entity), **_COMPUTED[entity](self), "OwnerId": self.owner}
        self.made[entity] = self.writer.create(self.system, entity, values)

    def fill(self, entity: str, record_id: str) -> None:
        """Merge the lead into a record: only what is blank there is filled."""
        row = self._target(entity, record_id)
        values = {n: v for n, v in self._mapped(entity).items() if row[n] is None}
        if entity == "Contact" and self.request.overwrite_lead_source:
            values["LeadSource"] = self.lead["LeadSource"]
        if values:
            self.writer.change(self.system, entity, row["Id"], values)
        self.made[entity] = row["Id"]

    def _target(self, entity: str, record_id: str) -> Row:
        """Return the row of a record that the lead is merged into."""
        whole = id18(record_id)
        blueprint = self.writer.blueprints.of(entity)
        known = whole.startswith(blueprint.sobject.key_prefix or "-")
        row = self.writer.store.row(entity, whole) if known else None
        if row is None:
            raise no_such_record()
        if row["IsDeleted"]:
            raise record_is_deleted()
        if entity != "Account" and row["AccountId"] != self.made["Account"]:
            name = f"{entity.lower()}Id"
            text = f"{name} is of another account than the one of the conversion"
            raise OrgError("INVALID_ID_FIELD", text, (name,))
        return row

    def _mapped(self, entity: str) -> dict[str, Any]:
        """Return what the lead's fields say of a record, as JSON has it; blanks say nothing."""
        schema = self.writer.store.schema
        lead, target = schema.object("Lead"), schema.object(entity)
        values = {}
        for source, to, name in self.steps:
            if to == entity:
                from_field = lead.fields[source.lower()]
                stored = (
                    self.writer.store.computed(lead, from_field, self.lead)
                    if from_field.calculated
                    else self.lead[from_field.name]
                )
                values[target.fields[name.lower()].name] = to_json(from_field, stored)
        return {name: value for name, value in values.items() if value not in (None, False)}

    def opportunity(self) -> dict[str, Any]:
        """Return what a new opportunity is without anybody saying so."""
        store = self.writer.store
        stages = store.schema.object("Opportunity").fields["stagename"].picklist
        sql = 'SELECT "FiscalYearStartMonth" FROM "Organization"'
        starts = store.connection.execute(sql).fetchone()
        return {
            "Name": self.request.opportunity_name or self.lead["Company"],
            "StageName": next((stage.value for stage in stages if stage.active), None),
            "CloseDate": quarter_end(self.unit.at.date(), starts[0] or 1).isoformat(),
            "AccountId": self.made["Account"],
            "ContactId": self.made["Contact"],
        }

    # -- the lead and what hangs on it ------------------------------------------------------------

    def close_lead(self) -> None:
        """Let the lead tell what became of it; it is read-only from now on."""
        self.writer.settle(
            self.system,
            self.writer.blueprints.of("Lead"),
            self.lead,
            Status=self.request.status,
            IsConverted=1,
            ConvertedDate=self.unit.at.date().isoformat(),
            **{f"Converted{entity}Id": record_id for entity, record_id in self.made.items()},
        )

    def move_activities(self) -> None:
        """Give tasks, events and e-mail rows to the contact, and about the opportunity if any.

        Where there is none, that WhatId stays blank is our reading.
        """
        about = {"AccountId": self.made["Account"], "WhatId": self.made.get("Opportunity")}
        who = {"WhoId": self.made["Contact"]}
        for entity, subtype in (("Task", "TaskSubtype"), ("Event", "EventSubtype")):
            blueprint = self.writer.blueprints.of(entity)
            for row in self._alive(entity, "WhoId"):
                if row[subtype] != _CADENCE:
                    to = {**who, **about, **stamps(self.unit, blueprint), **self._handed_over(row)}
                    self.writer.repoint(self.system, blueprint, row["Id"], **to)
        relation = self.writer.blueprints.of("EmailMessageRelation")
        to = {"RelationId": self.made["Contact"], "RelationObjectType": "Contact"}
        for row in self._alive("EmailMessageRelation", "RelationId"):
            self.writer.repoint(self.system, relation, row["Id"], **to)

    def _handed_over(self, row: Row) -> dict[str, str]:
        """Return the new owner of what the converting user had still to do."""
        mine = row["OwnerId"] == self.unit.user_id and not row.get("IsClosed")
        return {"OwnerId": self.owner} if self.request.owner_id and mine else {}

    def move_campaign_members(self) -> None:
        """Make members of campaigns those of the contact."""
        blueprint = self.writer.blueprints.of("CampaignMember")
        for row in self._alive("CampaignMember", "LeadId"):
            self.writer.repoint(self.system, blueprint, row["Id"], ContactId=self.made["Contact"])

    def _alive(self, entity: str, lookup: str) -> list[dict[str, Any]]:
        where = f'"{lookup}" = ? AND NOT "IsDeleted"'
        return self.writer.store.select(entity, where, (self.lead["Id"],))


_COMPUTED: Final[Mapping[str, Callable[[_Conversion], dict[str, Any]]]] = {
    "Account": lambda _: {},
    "Contact": lambda work: {"AccountId": work.made["Account"]},
    "Opportunity": _Conversion.opportunity,
}


def quarter_end(day: date, year_starts: int) -> date:
    """Return the last day of the fiscal quarter, in years that begin in the month ``year_starts``.

    >>> quarter_end(date(2026, 11, 2), 1), quarter_end(date(2026, 11, 2), 2)
    (datetime.date(2026, 12, 31), datetime.date(2027, 1, 31))
    """
    months_left = 3 - (day.month - year_starts) % 3
    years, month = divmod(day.month - 1 + months_left, _MONTHS)
    return date(day.year + years, month + 1, 1) - timedelta(days=1)
