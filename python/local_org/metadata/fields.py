"""Custom fields: what a ``CustomField`` makes of the schema, and what the org refuses.

Source: facts/metadata.md 2.1, 2.6 and 4, org-behaviour.md 9 and 11; wordings about a type's own
elements ("Must specify …", "Can not specify …") are inferred.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from local_org.metadata.field_kinds import EXTRA, KINDS, Kind, check_elements, check_home
from local_org.metadata.formulas import compiled
from local_org.metadata.lookups import lookup
from local_org.metadata.markup import Problem, child, children, first_or_self, flag, text
from local_org.metadata.package import Component, own_name, owner_of
from local_org.metadata.work import Work, at_most, require
from local_org.records.formula_fields import is_circular
from local_org.schema.custom import OWNER
from local_org.schema.formula import OF_A_WRITE
from local_org.schema.model import TEXT_TYPES, Field, FieldType, PicklistValue

FORMULA_TEXT_LENGTH = 1300


def custom_field(work: Work, component: Component) -> str:
    """Add the field to the schema, or replace it in its place; return its ``00N…`` id."""
    element, entity, name = component.element, owner_of(component), own_name(component)
    sobject = work.schema.get(entity)
    require(sobject, f"Entity type {entity} cannot be found", element)
    old = sobject.get(name) if sobject else None
    if old is not None and not old.custom:
        return _standard(work, component, old)
    require(
        name.endswith("__c"), "Invalid fullName, must end in a custom suffix (e.g. __c)", element
    )
    _check_texts(element, entity)
    new = _field(work, element, entity, name, old)
    if old is not None:
        _check_change(old, new, element)
    if new.relationship_order is not None:
        work.schema.drop_field(entity, OWNER.name)
    if new.auto_number:
        work.start_counting(entity, new.name, int(text(element, "startingNumber") or 1))
    work.schema.put_field(entity, new)
    return new.field_id or ""


def _standard(work: Work, component: Component, field: Field) -> str:
    """Judge the history tracking of a standard field; the schema stays as it is."""
    _check_history(work, component.element, owner_of(component), calculated=field.calculated)
    return ""


def _field(work: Work, element: etree._Element, entity: str, name: str, old: Field | None) -> Field:
    """Return the field as describe will tell it.

    :raises Problem: for the first thing that does not fit.
    """
    word = text(element, "type") or ""
    require(word, "Required field is missing: type", element)
    kind = KINDS.get(word)
    if kind is None:
        message = f"A CustomField of type {word} is not supported by this org"
        raise Problem(message, first_or_self(element, "type"))
    formula = child(element, "formula")
    sobject = work.schema.object(entity)
    check_home(sobject, element, word)
    check_elements(element, word, kind, calculated=formula is not None)
    _check_history(work, element, entity, calculated=formula is not None)
    required = flag(element, "required") or kind.required
    given = formula is None and word != "AutoNumber"
    length = _length(element, kind, calculated=formula is not None)
    made = Field(
        name=name,
        type=kind.type,
        label=text(element, "label") or "",
        length=length,
        precision=int(text(element, "precision") or 0),
        scale=int(text(element, "scale") or 0),
        nillable=not required and kind.type is not FieldType.BOOLEAN,
        createable=given,
        updateable=given and (word != "MasterDetail" or flag(element, "reparentableMasterDetail")),
        filterable=kind.filterable,
        sortable=kind.sortable,
        groupable=kind.groupable and formula is None,
        aggregatable=kind.aggregatable,
        permissionable=not (required or sobject.is_event or sobject.is_metadata),
        custom=True,
        external_id=flag(element, "externalId"),
        unique=flag(element, "unique"),
        case_sensitive=flag(element, "caseSensitive"),
        id_lookup=flag(element, "externalId"),
        extra_type=EXTRA.get(word),
        display_format=text(element, "displayFormat"),
        description=text(element, "description"),
        help_text=text(element, "inlineHelpText"),
        field_id=old.field_id if old else work.store.next_id("00N"),
        **_of_kind(work, element, entity, kind),
    )
    if formula is not None:
        _check_formula(work, entity, formula, made)
    return made


def _length(element: etree._Element, kind: Kind, *, calculated: bool) -> int:
    """Return the length of a text.

    :raises Problem: longer than the type allows.
    """
    if calculated:
        return FORMULA_TEXT_LENGTH if kind.type in TEXT_TYPES else 0
    if kind.longest == 0:
        return kind.length
    length = int(text(element, "length") or 0)
    place = first_or_self(element, "length")
    require(1 <= length <= kind.longest, f"Length must be between 1 and {kind.longest}", place)
    return length


def _of_kind(work: Work, element: etree._Element, entity: str, kind: Kind) -> dict[str, Any]:
    """Return what only some types have: formula, picklist values, lookup, default."""
    formula = child(element, "formula")
    if formula is not None:
        zero = text(element, "formulaTreatBlanksAs") != "BlankAsBlank"
        return {"formula": formula.text or "", "blanks_as_zero": zero}
    if kind.type in (FieldType.PICKLIST, FieldType.MULTIPICKLIST):
        return _picklist(work, element)
    if kind.type is FieldType.REFERENCE:
        return lookup(work, element, entity)
    default = child(element, "defaultValue")
    if kind.type is FieldType.BOOLEAN:
        return {"default": default is not None and default.text == "true"}
    if default is None:
        return {}
    compiled(work, entity, default, without=OF_A_WRITE)
    return {"default_formula": default.text, "defaulted_on_create": True}


def _picklist(work: Work, element: etree._Element) -> dict[str, Any]:
    """Return the values of a picklist, and whether others are refused."""
    definition, word = _value_set(work, element)
    values = tuple(
        PicklistValue(
            value=text(each, "fullName") or "",
            label=text(each, "label") or text(each, "fullName") or "",
            default=flag(each, "default"),
            active=flag(each, "isActive", default=True),
        )
        for each in children(definition, word)
    )
    names = [value.value for value in values]
    doubled = next((name for n, name in enumerate(names) if name in names[:n]), None)
    require(doubled is None, f"Duplicate picklist value: {doubled}", definition)
    return {
        "picklist": values,
        "restricted_picklist": flag(element, "valueSet/restricted"),
        "default": next((value.value for value in values if value.default), None),
    }


def _value_set(work: Work, element: etree._Element) -> tuple[etree._Element, str]:
    """Return what lists the values of a picklist, its own or a global set, and their element."""
    place = first_or_self(element, "valueSet")
    definition = child(place, "valueSetDefinition")
    if definition is not None:
        return definition, "value"
    name = text(place, "valueSetName")
    shared = work.xml("GlobalValueSet", name) if name else None
    if shared is not None:
        return shared, "customValue"
    if name:
        raise Problem(f"In field: valueSet - no GlobalValueSet named {name} found", place)
    raise Problem("Must specify a valueSetDefinition for a CustomField of type Picklist", place)


def _check_formula(work: Work, entity: str, formula: etree._Element, made: Field) -> None:
    """Check that the formula compiles, reads nothing of its reader, and never its own field."""
    for path in compiled(work, entity, formula, without=OF_A_WRITE).references:
        of_the_reader = path[0].startswith("$")
        message = f"Field {'.'.join(path)} may not be used in this type of formula"
        require(not of_the_reader, message, formula)
    itself = is_circular(work.schema, work.schema.object(entity), made)
    require(not itself, f"Field {made.name} cannot reference itself in its formula", formula)


def _check_texts(element: etree._Element, entity: str) -> None:
    """Check that the field has a label, and that its texts fit."""
    require(text(element, "label"), "Required field is missing: label", element)
    at_most(child(element, "label"), 40, "Label")
    at_most(child(element, "inlineHelpText"), 510, "Help Text")
    at_most(child(element, "description"), 1000, "Description")
    own = text(element, "fullName") or ""
    require(len(own.removesuffix("__c")) <= 40, f"The name is too long: {own}", element)
    require("__" not in own.removesuffix("__c"), f"{entity}.{own}: invalid field name", element)


def _check_history(work: Work, element: etree._Element, entity: str, *, calculated: bool) -> None:
    """History needs its object's consent, and a formula has none."""
    if not flag(element, "trackHistory"):
        return
    place = first_or_self(element, "trackHistory")
    require(not calculated, "History tracking is not supported for formula fields", place)
    settings = work.xml("CustomObject", entity)
    enabled = settings is not None and flag(settings, "enableHistory")
    require(enabled, f"The entity: {entity} does not have history tracking enabled", place)


def _check_change(old: Field, new: Field, element: etree._Element) -> None:
    """Check that a deployed field keeps its nature: stored values must stay readable."""
    place = first_or_self(element, "type")
    if old.calculated != new.calculated:
        direction = "from a Formula to something else" if old.calculated else "to a Formula"
        raise Problem(f"Cannot update a field {direction}", place)
    both_text = old.type in TEXT_TYPES and new.type in TEXT_TYPES
    numbers = {FieldType.DOUBLE, FieldType.CURRENCY, FieldType.PERCENT}
    alike = old.type is new.type or both_text or {old.type, new.type} <= numbers or new.calculated
    require(alike, f"Cannot change the type of field {new.name}", place)
