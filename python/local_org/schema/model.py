"""Objects and fields as the org knows them: what describe tells; what DML, SOQL, events obey."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from local_org.errors import invalid_type

EVENT_SUFFIX = "__e"
METADATA_SUFFIX = "__mdt"


class FieldType(StrEnum):
    """The ``type`` of a field in a describe."""

    ID = "id"
    REFERENCE = "reference"
    STRING = "string"
    TEXTAREA = "textarea"
    PICKLIST = "picklist"
    MULTIPICKLIST = "multipicklist"
    COMBOBOX = "combobox"
    PHONE = "phone"
    EMAIL = "email"
    URL = "url"
    ENCRYPTED = "encryptedstring"
    BOOLEAN = "boolean"
    INT = "int"
    LONG = "long"
    DOUBLE = "double"
    CURRENCY = "currency"
    PERCENT = "percent"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    ADDRESS = "address"
    LOCATION = "location"
    BASE64 = "base64"
    ANY = "anyType"
    COMPLEX = "complexvalue"


TEXT_TYPES = frozenset(
    {
        FieldType.STRING,
        FieldType.TEXTAREA,
        FieldType.PICKLIST,
        FieldType.MULTIPICKLIST,
        FieldType.COMBOBOX,
        FieldType.PHONE,
        FieldType.EMAIL,
        FieldType.URL,
        FieldType.ENCRYPTED,
    }
)
NUMBER_TYPES = frozenset(
    {FieldType.INT, FieldType.LONG, FieldType.DOUBLE, FieldType.CURRENCY, FieldType.PERCENT}
)


@dataclass(frozen=True, slots=True)
class PicklistValue:
    """One value of a picklist."""

    value: str
    label: str
    default: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object. Names of attributes follow the describe result."""

    name: str
    type: FieldType
    label: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    filterable: bool = True
    sortable: bool = True
    groupable: bool = True
    aggregatable: bool = True
    permissionable: bool = False
    """Under field-level security: invisible until a permission set or profile grants it."""
    custom: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    id_lookup: bool = False
    name_field: bool = False
    name_pointing: bool = False
    defaulted_on_create: bool = False
    default: str | bool | None = None
    """A literal default; a formula default stands in ``default_formula``."""
    default_formula: str | None = None
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    child_relationship_name: str | None = None
    """Name of the list of children on the parent, where it has one."""
    cascade_delete: bool = False
    restricted_delete: bool = False
    picklist: tuple[PicklistValue, ...] = ()
    restricted_picklist: bool = False
    compound: str | None = None
    """The compound field (``Name``, ``Address``) this one is a part of."""
    formula: str | None = None
    blanks_as_zero: bool = False
    extra_type: str | None = None
    display_format: str | None = None
    """How an auto number is written, ``A-{0000}``; None for every other field."""
    relationship_order: int | None = None
    """0 or 1: this is a master-detail lookup, the object's first or second; None: it is not."""
    description: str | None = None
    help_text: str | None = None
    field_id: str | None = None
    """``00N…`` of a custom field; change-event schemas mention it."""

    @property
    def calculated(self) -> bool:
        """A formula: computed when read, never written."""
        return self.formula is not None

    @property
    def auto_number(self) -> bool:
        """Numbered by the org when a record is created, never written by a caller."""
        return self.display_format is not None

    @property
    def compound_root(self) -> bool:
        """``Address`` and such: composed of parts when read, never stored."""
        return self.type in (FieldType.ADDRESS, FieldType.LOCATION)

    @property
    def stored(self) -> bool:
        """Has a column of its own in the store."""
        return not self.calculated and not self.compound_root

    @property
    def required(self) -> bool:
        """Must be given on create."""
        return (
            self.createable
            and not self.nillable
            and not self.defaulted_on_create
            and self.default is None
            and self.type is not FieldType.BOOLEAN
        )


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """A validation rule as deployed; it refuses a write when its formula is true."""

    name: str
    formula: str
    message: str
    active: bool = True
    display_field: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ChildRelationship:
    """``FROM Lead`` may select ``(SELECT … FROM Tasks)``: ``Task.WhoId`` as ``Tasks``."""

    child: str
    field: str
    name: str | None
    cascade_delete: bool = False
    restricted_delete: bool = False


@dataclass
class SObject:
    """One object. ``fields``: by lower-case name, in describe order, standard, then custom."""

    name: str
    label: str
    label_plural: str
    key_prefix: str | None
    fields: dict[str, Field] = field(default_factory=dict)
    rules: dict[str, ValidationRule] = field(default_factory=dict)
    custom: bool = False
    custom_setting: bool = False
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    queryable: bool = True
    undeletable: bool = False
    mergeable: bool = False
    triggerable: bool = False
    layoutable: bool = False
    replicateable: bool = True
    """Has CreatedDate … SystemModstamp and shows up in ``updated`` and ``deleted``."""

    @property
    def is_event(self) -> bool:
        """A platform event: its records are published to the event bus, and no query reads them."""
        return self.name.endswith(EVENT_SUFFIX)

    @property
    def is_metadata(self) -> bool:
        """A custom metadata type: its records are deployed, and no API call writes them."""
        return self.name.endswith(METADATA_SUFFIX)

    @property
    def is_detail(self) -> bool:
        """Has a master, to whose owner its records belong."""
        return any(f.relationship_order is not None for f in self.fields.values())

    def get(self, name: str) -> Field | None:
        """Return the field of this name in any case, or None."""
        return self.fields.get(name.lower())

    def by_relationship(self, name: str) -> Field | None:
        """Return the lookup whose parent is read under this relationship name, or None."""
        wanted = name.lower()
        return next(
            (
                f
                for f in self.fields.values()
                if f.relationship_name and f.relationship_name.lower() == wanted
            ),
            None,
        )

    @property
    def name_field(self) -> Field | None:
        """The field that names a record to people: ``Name``, ``Subject``, ``Title``."""
        return next((f for f in self.fields.values() if f.name_field), None)

    def stored_fields(self) -> Iterator[Field]:
        """Fields that have a column in the store."""
        return (f for f in self.fields.values() if f.stored)


class Schema:
    """All objects of one org. Every change moves ``version``: caches know they are stale."""

    def __init__(self, objects: Iterable[SObject]) -> None:
        self._objects = {o.name.lower(): o for o in objects}
        self.version = 0

    def __iter__(self) -> Iterator[SObject]:
        return iter(self._objects.values())

    def get(self, name: str) -> SObject | None:
        """Return the object of this name in any case, or None."""
        return self._objects.get(name.lower())

    def object(self, name: str) -> SObject:
        """Return the object of this name in any case.

        :raises OrgError: ``INVALID_TYPE`` when there is none.
        """
        found = self.get(name)
        if found is None:
            raise invalid_type(name)
        return found

    def by_prefix(self, record_id: str) -> SObject | None:
        """Return the object whose key prefix the id begins with, or None."""
        return next((o for o in self if o.key_prefix == record_id[:3]), None)

    def children(self, name: str) -> list[ChildRelationship]:
        """Return the lookups of all objects that point at this one."""
        return [
            ChildRelationship(
                o.name, f.name, f.child_relationship_name, f.cascade_delete, f.restricted_delete
            )
            for o in self
            for f in o.fields.values()
            if name in f.reference_to
        ]

    def put_object(self, sobject: SObject) -> None:
        """Add or replace an object."""
        self._objects[sobject.name.lower()] = sobject
        self.version += 1

    def drop_object(self, name: str) -> None:
        """Remove an object."""
        self._objects.pop(name.lower(), None)
        self.version += 1

    def put_field(self, entity: str, new: Field) -> None:
        """Add a field, or replace it in its place."""
        self.object(entity).fields[new.name.lower()] = new
        self.version += 1

    def drop_field(self, entity: str, name: str) -> None:
        """Remove a field."""
        self.object(entity).fields.pop(name.lower(), None)
        self.version += 1

    def put_rule(self, entity: str, rule: ValidationRule) -> None:
        """Add or replace a validation rule."""
        self.object(entity).rules[rule.name.lower()] = rule
        self.version += 1

    def drop_rule(self, entity: str, name: str) -> None:
        """Remove a validation rule."""
        self.object(entity).rules.pop(name.lower(), None)
        self.version += 1

    def copy(self) -> Schema:
        """Return an independent copy: a deploy works on one and swaps it in when it succeeds."""
        twin = Schema(replace(o, fields=dict(o.fields), rules=dict(o.rules)) for o in self)
        twin.version = self.version + 1
        return twin
