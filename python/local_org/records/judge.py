"""Whether a record may be saved as it would be: integrity first, then validation rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from local_org.errors import OrgError
from local_org.records.auto_number import auto_number
from local_org.records.blueprint import Blueprint
from local_org.records.draft import Draft
from local_org.records.formulas import RecordContext, stored_value
from local_org.records.references import References
from local_org.records.results import Refused
from local_org.records.special import Special
from local_org.records.store import Store
from local_org.schema.formula import Formula, FormulaFailure
from local_org.schema.model import Field


class Judge:
    """Completes and judges the records of one store."""

    def __init__(self, store: Store, references: References) -> None:
        self._store = store
        self._references = references
        self._special = Special(store)

    def default(self, draft: Draft) -> None:
        """Fill what the caller left out of a new record."""
        row, given = draft.row, draft.given
        for name, value in given.items():
            field = draft.blueprint.columns[name.lower()].field
            if value is None and not field.nillable and field.default is not None:
                row[name] = field.default
        for field, formula in draft.blueprint.defaults:
            if field.name not in given:
                row[field.name] = stored_value(field, self._default(draft, formula))
        for field in draft.blueprint.numbered:
            number = self._store.next_serial(f"{draft.blueprint.name}.{field.name}")
            row[field.name] = auto_number(field.display_format or "{0}", number, draft.unit.at)
        if draft.blueprint.owned and row["OwnerId"] is None:
            row["OwnerId"] = draft.unit.user_id

    def pass_or_refuse(self, draft: Draft, faults: Sequence[OrgError]) -> None:
        """Let the record pass.

        :raises Refused: with everything that the first stage it fails has against it.
        """
        if faults:
            raise Refused(*faults)
        self._special.before(draft)
        if draft.blueprint.composes_name:
            _compose_name(draft.row)
        for stage in (self._integrity, self._rules):
            found = tuple(stage(draft))
            if found:
                raise Refused(*found)

    def _integrity(self, draft: Draft) -> Iterator[OrgError]:
        missing = _missing(draft)
        if missing:
            text = f"Required fields are missing: [{', '.join(missing)}]"
            yield OrgError("REQUIRED_FIELD_MISSING", text, missing)
        yield from self._references.faults(draft)
        if draft.blueprint.unique:
            fields = [field for field in draft.blueprint.unique if draft.differs(field.name)]
            yield from duplicates(self._store, draft.blueprint, draft.row, fields)

    def _rules(self, draft: Draft) -> Iterator[OrgError]:
        """Yield the rules that fire, and those of which nobody can say whether they do.

        They see every field, whatever the user may see.
        """
        for rule, formula in draft.blueprint.rules:
            try:
                fires = self._evaluate(draft, formula) is True
            except FormulaFailure as failure:
                text = f'Validation Formula "{rule.name}" Invalid ({failure})'
                yield OrgError("FORMULA_EXPRESSION_INVALID", text)
                continue
            if fires:
                fields = (rule.display_field,) if rule.display_field else ()
                yield OrgError("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, fields)

    def _default(self, draft: Draft, formula: Formula) -> Any:
        """Return a default value; None where its formula has none."""
        try:
            return self._evaluate(draft, formula)
        except FormulaFailure:
            return None

    def _evaluate(self, draft: Draft, formula: Formula) -> Any:
        """Return the formula's value for the record.

        :raises FormulaFailure: it has none.
        """
        context = RecordContext(
            self._store,
            draft.blueprint.sobject,
            draft.row,
            draft.before,
            access=draft.unit.access,
            now=draft.unit.at,
        )
        return formula.evaluate(context)


def duplicates(
    store: Store, blueprint: Blueprint, row: Mapping[str, Any], fields: Iterable[Field]
) -> Iterator[OrgError]:
    """Yield the unique fields of a row whose value another record has; deleted ones do not count."""
    alive = ' AND NOT "IsDeleted"' if blueprint.soft else ""
    for name in (field.name for field in fields if row[field.name] is not None):
        sql = f'SELECT "Id" FROM "{blueprint.name}" WHERE "{name}" = ? AND "Id" IS NOT ?{alive}'
        found = store.connection.execute(sql, (row[name], row["Id"])).fetchone()
        if found is not None:
            same = f"{name} duplicates value on record with id: {found[0]}"
            yield OrgError("DUPLICATE_VALUE", f"duplicate value found: {same}")


def _missing(draft: Draft) -> tuple[str, ...]:
    """Return the required fields that would be blank."""
    row, needed = draft.row, draft.blueprint.needed
    if draft.is_new:
        return tuple(name for name in needed if row[name] is None)
    return tuple(name for name in draft.given if row[name] is None and name in needed)


def _compose_name(row: dict[str, Any]) -> None:
    row["Name"] = " ".join(filter(None, (row["FirstName"], row["LastName"]))) or None
