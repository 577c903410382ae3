"""Somebody logged in to an org that stands still: writes in one line, refusals as values."""

from __future__ import annotations

from datetime import UTC, datetime

from local_org.clock import Clock
from local_org.org import Org
from local_org.schema.model import Field, FieldType, PicklistValue, ValidationRule

NOW = datetime(2026, 11, 2, 10, 0, 0, 731000, tzinfo=UTC)
LEAD = {"LastName": "Doe", "Company": "ACME"}


def new_org(directory=None):
    """Return an org whose clock stands at NOW."""
    return Org.open(directory, clock=Clock(NOW, speed=0))


class Caller:
    """One user of an org, through its facade."""

    def __init__(self, org, username="admin@local.test", client="tests"):
        """Log in."""
        self.org = org
        self.id = org.user(username)["Id"]
        self.session = org.session(org.login(self.id, client))

    def create(self, entity="Lead", /, **values):
        """Return the id of a new record."""
        [result] = self.org.insert(self.session, [(entity, values or LEAD)])
        assert result.success, result.errors
        return result.id

    def refused(self, entity="Lead", /, **values):
        """Return the one error of a record that is not created."""
        return only_error(self.org.insert(self.session, [(entity, values)]))

    def change(self, entity, record_id, /, **values):
        """Change a record that lets itself be changed."""
        [result] = self.org.update(self.session, [(entity, record_id, values)])
        assert result.success, result.errors

    def not_changed(self, entity, record_id, /, **values):
        """Return the one error of a record that is not changed."""
        return only_error(self.org.update(self.session, [(entity, record_id, values)]))

    def delete(self, *ids):
        """Delete records that let themselves be deleted."""
        results = self.org.delete(self.session, ids)
        assert all(result.success for result in results), results

    def read(self, entity, record_id, *fields):
        """Return fields of a record as REST shows them; a value when one is named."""
        record = self.org.get(self.session, entity, record_id, fields)
        return record[fields[0]] if len(fields) == 1 else record

    def rows(self, soql, **options):
        """Return the records of a query."""
        return self.org.query(self.session, soql, **options)["records"]


def only(org):
    """Return what finds an org by its tenant's id where there is no other."""
    return {org.org_id: org, org.org_id[:15]: org}.get


def only_error(results):
    """Return the one error of one result."""
    [result] = results
    assert not result.success
    assert result.id is None
    [error] = result.errors
    return error


def said(error):
    """Return an error as code, message and fields."""
    return error.code, error.message, error.fields


def extend(org, *, fields=(), rules=()):
    """Give Lead fields and validation rules, as a deploy does."""
    schema = org.schema.copy()
    for field in fields:
        schema.put_field("Lead", field)
    for rule in rules:
        schema.put_rule("Lead", rule)
    org.store.sync(schema)
    org.schema = org.bus.schema = schema


def custom(name, kind=FieldType.STRING, **more):
    """Return a custom field that everybody sees."""
    return Field(name, kind, name.removesuffix("__c"), custom=True, **more)


def rule(formula, **more):
    """Return a validation rule."""
    return ValidationRule(more.pop("name", "Rule"), formula, "No.", **more)


def listed(*values):
    """Return picklist values."""
    return tuple(PicklistValue(value, value) for value in values)
