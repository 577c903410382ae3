"""E-mails as Enhanced Email keeps them: a message, the task behind it, and a row per recipient.

Nothing is ever sent.

Source: Object Reference, "EmailMessage" (ToIds, CcIds, BccIds, ActivityId) and
"EmailMessageRelation"; facts/org-behaviour.md 10, ttfr.md 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from local_org.clock import from_millis
from local_org.errors import OrgError
from local_org.ids import id18, is_id
from local_org.records.intake import Values
from local_org.records.results import Unit
from local_org.records.special import RELATED
from local_org.records.values import is_email_address
from local_org.records.writing import Writer

_KINDS: Final = {"To": "ToAddress", "Cc": "CcAddress", "Bcc": "BccAddress"}
_SENT, _DRAFT = "3", "5"
_MOST_RECIPIENTS: Final = 150
_SEPARATORS: Final = re.compile(r"\s*[;,]\s*")
_PEOPLE: Final = ("00Q", "003")
"""Who can be the name of a task: leads and contacts."""


@dataclass(frozen=True, slots=True)
class OutgoingEmail:
    """An e-mail somebody asks the org to send; recipients are addresses or record ids."""

    subject: str = ""
    text: str = ""
    html: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    related_to: str | None = None
    logged: bool = True
    """Kept as an activity of those it goes to."""

    @property
    def recipients(self) -> dict[str, tuple[str, ...]]:
        """Recipients by ``To``, ``Cc`` and ``Bcc``."""
        return {"To": self.to, "Cc": self.cc, "Bcc": self.bcc}


class Mail:
    """Keeps the e-mails of one store."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def create(self, unit: Unit, entity: str, values: Values) -> str:
        """Create an ``EmailMessage``; where it names people or a record, with all it stands for.

        A draft has no task yet, one on a case brings its own. That a message which names nobody
        has no task either is our reading.
        """
        given = {name.lower(): value for name, value in values.items()}
        ids = {kind: _id_list(given.get(f"{kind.lower()}ids"), kind) for kind in _KINDS}
        rest = {n: v for n, v in values.items() if n.lower().removesuffix("ids") not in _JUNCTIONS}
        if not any(ids.values()) and not given.get("relatedtoid"):
            return self._writer.create(unit, entity, rest)
        with self._writer.whole(unit):
            if not (given.get("activityid") or given.get("parentid")) and (
                given.get("status") != _DRAFT
            ):
                rest["ActivityId"] = self._task(unit, given, ids)
            message_id = self._writer.create(unit, entity, rest)
            self._relate(unit, message_id, given, ids)
        return message_id

    def change(self, unit: Unit, entity: str, record_id: str, values: Values) -> str:
        """Change an ``EmailMessage``; a draft that is sent by it gets its task then."""
        given = {name.lower(): value for name, value in values.items()}
        draft = self._draft(record_id) if given.get("status") == _SENT else None
        if draft is None:
            return self._writer.change(unit, entity, record_id, values)
        with self._writer.whole(unit):
            ids = {kind: self._related(draft["Id"], kind) for kind in _KINDS}
            what_it_is = {name.lower(): value for name, value in draft.items()} | given
            named = any(ids.values()) or what_it_is["relatedtoid"]
            also = {"ActivityId": self._task(unit, what_it_is, ids)} if named else {}
            return self._writer.change(unit, entity, record_id, values, **also)

    def _draft(self, record_id: str) -> dict[str, Any] | None:
        """Return the row of a draft that has no task, or None."""
        row = self._writer.store.row("EmailMessage", id18(record_id)) if is_id(record_id) else None
        waits = row and row["Status"] == _DRAFT and not (row["ActivityId"] or row["ParentId"])
        return row if waits else None

    def _related(self, message_id: str, kind: str) -> list[str]:
        """Return the ids of the people a message goes to, in the order they were named."""
        where = '"EmailMessageId" = ? AND "RelationType" = ? AND "RelationId" IS NOT NULL'
        where += ' AND NOT "IsDeleted" ORDER BY "Id"'
        rows = self._writer.store.select("EmailMessageRelation", where, (message_id, _KINDS[kind]))
        return [row["RelationId"] for row in rows]

    def send(self, unit: Unit, email: OutgoingEmail) -> str | None:
        """Take an e-mail as sent; return the id of its ``EmailMessage`` if it is logged.

        :raises OrgError: the caller may not, or the e-mail cannot be sent as it is.
        """
        if "EmailSingle" not in unit.access.permissions:
            text = "The user doesn't have the Send Email permission"
            raise OrgError("NO_SINGLE_MAIL_PERMISSION", text)
        addresses = {k: [self._address(r) for r in each] for k, each in email.recipients.items()}
        _check(email, [address for each in addresses.values() for address in each])
        return self._log(unit, email, addresses) if email.logged else None

    def _log(self, unit: Unit, email: OutgoingEmail, addresses: Mapping[str, Sequence[str]]) -> str:
        """Keep a sent e-mail: the org itself writes, whatever the sender may write."""
        sender = self._writer.store.row("User", unit.user_id) or {}
        values = {
            "Status": _SENT,
            "Incoming": False,
            "Subject": email.subject or None,
            "TextBody": email.text or None,
            "HtmlBody": email.html or None,
            "FromAddress": sender.get("Email"),
            "FromName": sender.get("Name"),
            "FromId": unit.user_id,
            "RelatedToId": email.related_to,
        }
        for kind, recipients in email.recipients.items():
            values[f"{kind}Address"] = "; ".join(addresses[kind]) or None
            values[f"{kind}Ids"] = [each for each in recipients if is_id(each)]
        return self.create(unit.as_system(), "EmailMessage", values)

    # -- what a message stands for ----------------------------------------------------------------

    def _task(self, unit: Unit, given: Values, ids: Mapping[str, Sequence[str]]) -> str:
        """Create the closed task of subtype Email behind a message."""
        everybody = [each for kind in _KINDS for each in ids[kind]]
        who = next((each for each in everybody if each.startswith(_PEOPLE)), None)
        what = given.get("relatedtoid")
        closed = 'SELECT "ApiName" FROM "TaskStatus" WHERE "IsClosed" ORDER BY "SortOrder"'
        status = self._writer.store.connection.execute(closed).fetchone()
        values = {
            "Subject": f"Email: {given.get('subject') or ''}"[:255].strip(),
            "Description": given.get("textbody"),
            "Status": status[0] if status else None,
            "TaskSubtype": "Email",
            "ActivityDate": from_millis(unit.stamp).date().isoformat(),
            "WhoId": who,
            "WhatId": None if who is not None and who.startswith("00Q") else what,
        }
        return self._writer.create(unit.as_system(), "Task", values)

    def _relate(
        self, unit: Unit, message_id: str, given: Values, ids: Mapping[str, Sequence[str]]
    ) -> None:
        """Create a row per recipient and for the sender; an address of nobody has no record."""
        system = unit.as_system()

        def relate(relation: str, **who: str) -> None:
            values = {"EmailMessageId": message_id, "RelationType": relation, **who}
            self._writer.create(system, "EmailMessageRelation", values)

        if given.get("fromid"):
            relate("FromAddress", RelationId=given["fromid"])
        for kind, relation in _KINDS.items():
            for each in ids[kind]:
                relate(relation, RelationId=each)
            known = {self._address(each).lower() for each in ids[kind]}
            for address in _addresses(given.get(f"{kind.lower()}address")):
                if address.lower() not in known:
                    relate(relation, RelationAddress=address)

    def _address(self, recipient: str) -> str:
        """Return the address of a recipient, blank for a person who has none.

        :raises OrgError: it is neither an address nor the id of a person.
        """
        if not is_id(recipient):
            if not is_email_address(recipient):
                raise OrgError("INVALID_EMAIL_ADDRESS", f"Email address is invalid: {recipient}")
            return recipient
        entity = RELATED.get(recipient[:3])
        row = self._writer.store.row(entity, id18(recipient)) if entity else None
        if row is None or row.get("IsDeleted"):
            raise OrgError("INVALID_ID_FIELD", f"Invalid ID for recipient: {recipient}")
        return str(row["Email"] or "")


_JUNCTIONS: Final = frozenset(kind.lower() for kind in _KINDS)


def _check(email: OutgoingEmail, addresses: Sequence[str]) -> None:
    """Let an e-mail be sent.

    :raises OrgError: ``REQUIRED_FIELD_MISSING``, ``INVALID_EMAIL_ADDRESS``, ``INVALID_ID_FIELD``,
        ``LIMIT_EXCEEDED``.
    """
    if not addresses:
        raise OrgError("REQUIRED_FIELD_MISSING", "Add a recipient to send an email.")
    if not all(addresses):
        raise OrgError("INVALID_EMAIL_ADDRESS", "Invalid to address : null")
    if len(addresses) > _MOST_RECIPIENTS:
        text = f"The number of recipients exceeds the limit: {_MOST_RECIPIENTS}"
        raise OrgError("LIMIT_EXCEEDED", text)
    if not (email.text or email.html):
        text = "Missing body, need at least one of html or plainText"
        raise OrgError("REQUIRED_FIELD_MISSING", text)
    if email.related_to and any(each.startswith("00Q") for each in email.to if is_id(each)):
        text = "WhatId is not available for sending emails to leads."
        raise OrgError("INVALID_ID_FIELD", text, ("whatId",))


def _addresses(text: Any) -> Iterator[str]:
    """Yield the addresses of a list in one text, separated by semicolons or commas."""
    yield from filter(None, _SEPARATORS.split(str(text or "").strip()))


def _id_list(value: Any, kind: str) -> list[str]:
    """Return the ids of a JunctionIdList: an array in JSON, elements or one text elsewhere.

    :raises OrgError: ``MALFORMED_ID``.
    """
    several = value if isinstance(value, list | tuple) else [value] if value else ()
    bad = next((each for each in several if not is_id(each)), None)
    if bad is not None:
        text = f"{kind} IDs: id value of incorrect type: {bad}"
        raise OrgError("MALFORMED_ID", text, (f"{kind}Ids",))
    return [id18(each) for each in several]
