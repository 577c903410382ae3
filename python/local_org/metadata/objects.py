"""Validation rules and list views: what hangs on an object, beside its fields.

Source: facts/metadata.md 2.1 and 4.
"""

from __future__ import annotations

from local_org.metadata.formulas import compiled
from local_org.metadata.markup import Problem, child, children, first_or_self, flag, text
from local_org.metadata.package import Component, own_name, owner_of
from local_org.metadata.work import Work, at_most, require
from local_org.schema.formula import FormulaType
from local_org.schema.model import ValidationRule

_LIST_VIEW_COLUMNS = frozenset(
    {
        "FULL_NAME",
        "LEAD.FIRST_NAME",
        "LEAD.LAST_NAME",
        "LEAD.COMPANY",
        "LEAD.STATUS",
        "LEAD.CREATED_DATE",
        "LEAD.LAST_UPDATE",
        "LEAD.EMAIL",
        "LEAD.PHONE",
        "LEAD.LEAD_SOURCE",
        "LEAD.RATING",
        "LEAD.STATE",
        "LEAD.COUNTRY",
        "LEAD.UNREAD",
        "LEAD.CONVERTED",
        "CORE.USERS.ALIAS",
        "CORE.USERS.FIRST_NAME",
        "CORE.USERS.LAST_NAME",
    }
)
"""Columns of Lead list views; facts/metadata.md marks them inferred."""


def validation_rule(work: Work, component: Component) -> str:
    """Put the rule into the schema, where every write from now on obeys it."""
    element, entity, name = component.element, owner_of(component), own_name(component)
    sobject = work.schema.get(entity)
    if sobject is None:
        raise Problem(f"Entity type {entity} cannot be found", element)
    require(len(name) <= 40, f"Rule Name: data value too large: {name} (max length=40)", element)
    at_most(child(element, "errorMessage"), 255, "Error Message")
    at_most(child(element, "description"), 255, "Description")
    formula = first_or_self(element, "errorConditionFormula")
    kind = compiled(work, entity, formula).type
    message = (
        f"Formula result is data type ({kind}), "
        "incompatible with expected data type (true or false)."
    )
    require(kind in (FormulaType.BOOLEAN, FormulaType.NULL), message, formula)
    shown = text(element, "errorDisplayField") or None
    known = shown is None or sobject.get(shown) is not None
    place = first_or_self(element, "errorDisplayField")
    require(known, f"Field {shown} does not exist. Check spelling.", place)
    rule_id = work.new_id(component, "03d")
    rule = ValidationRule(
        name=name,
        formula=formula.text or "",
        message=text(element, "errorMessage") or "",
        active=flag(element, "active"),
        display_field=shown,
        description=text(element, "description"),
    )
    work.schema.put_rule(entity, rule)
    return rule_id


def list_view(work: Work, component: Component) -> str:
    """Keep a list view whose columns exist."""
    element, entity = component.element, owner_of(component)
    sobject = work.schema.get(entity)
    if sobject is None:
        raise Problem(f"Entity type {entity} cannot be found", element)
    at_most(child(element, "label"), 40, "Label")
    places = list(children(element, "columns"))
    places += [first_or_self(each, "field") for each in children(element, "filters")]
    for place in places:
        name = (place.text or "").strip()
        known = sobject.get(name) is not None or (
            not name.endswith("__c") and (name in _LIST_VIEW_COLUMNS or sobject.name != "Lead")
        )
        require(known, f"Could not resolve list view column: {name}", place)
    key = {"SobjectType": sobject.name, "DeveloperName": own_name(component)}
    return work.put("ListView", key, {"Name": text(element, "label")})
