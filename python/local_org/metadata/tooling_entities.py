"""The org's own schema as rows of the Tooling API: CustomObject, EntityDefinition, FieldDefinition.

Source: Tooling API Objects reference, the fields that clients ask for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from local_org.metadata.tooling_rows import Row, audited
from local_org.records.store import Store
from local_org.schema.model import Field, FieldType, Schema, SObject


def custom_objects(store: Store, schema: Schema) -> Iterator[Row]:
    """Yield the objects that were deployed."""
    for sobject in schema:
        document = store.document("CustomObject", sobject.name) if sobject.custom else None
        if document is not None:
            name = sobject.name.rpartition("__")[0]
            yield audited(document) | {"DeveloperName": name, "ManageableState": "unmanaged"}


def entity_definitions(_store: Store, schema: Schema) -> Iterator[Row]:
    """Yield every object of the org."""
    return (_entity(sobject) for sobject in schema)


def _entity(sobject: SObject) -> Row:
    """Return an object of the org; its durable id is its name."""
    return {
        "Id": sobject.name,
        "DurableId": sobject.name,
        "QualifiedApiName": sobject.name,
        "DeveloperName": sobject.name.rpartition("__")[0] or sobject.name,
        "Label": sobject.label,
        "MasterLabel": sobject.label,
        "PluralLabel": sobject.label_plural,
        "KeyPrefix": sobject.key_prefix,
        "IsCustomizable": int(sobject.custom or sobject.layoutable),
        "IsQueryable": int(sobject.queryable),
        "IsTriggerable": int(sobject.triggerable),
        "IsLayoutable": int(sobject.layoutable),
        "IsSearchable": int(sobject.layoutable),
        "IsReplicateable": int(sobject.replicateable),
        "IsRetrieveable": int(sobject.queryable),
        "IsEverCreatable": int(sobject.createable),
        "IsEverUpdatable": int(sobject.updateable),
        "IsEverDeletable": int(sobject.deletable),
    }


def field_definitions(_store: Store, schema: Schema) -> Iterator[Row]:
    """Yield every field of every object."""
    return (_field(sobject, field) for sobject in schema for field in sobject.fields.values())


_DATA_TYPES: Mapping[FieldType, str] = {
    FieldType.STRING: "Text({length})",
    FieldType.TEXTAREA: "Long Text Area({length})",
    FieldType.BOOLEAN: "Checkbox",
    FieldType.DATETIME: "Date/Time",
    FieldType.DATE: "Date",
    FieldType.TIME: "Time",
    FieldType.DOUBLE: "Number({whole}, {scale})",
    FieldType.CURRENCY: "Currency({whole}, {scale})",
    FieldType.PERCENT: "Percent({whole}, {scale})",
    FieldType.INT: "Number({digits}, 0)",
    FieldType.PICKLIST: "Picklist",
    FieldType.MULTIPICKLIST: "Picklist (Multi-Select)",
    FieldType.EMAIL: "Email",
    FieldType.PHONE: "Phone",
    FieldType.URL: "URL({length})",
    FieldType.REFERENCE: "Lookup({targets})",
}
"""As Setup words the type of a field; a formula has ``Formula`` before it."""


def _field(sobject: SObject, field: Field) -> Row:
    shown = _DATA_TYPES.get(field.type, field.type.value).format(
        length=field.length,
        whole=field.precision - field.scale,
        scale=field.scale,
        digits=field.digits,
        targets=",".join(field.reference_to),
    )
    own = field.field_id[:15] if field.field_id else field.name
    return {
        "Id": f"{sobject.name}.{own}",
        "DurableId": f"{sobject.name}.{own}",
        "QualifiedApiName": field.name,
        "DeveloperName": field.name.removesuffix("__c"),
        "Label": field.label,
        "MasterLabel": field.label,
        "DataType": f"Formula ({shown.partition('(')[0]})" if field.calculated else shown,
        "Length": field.length,
        "Precision": field.precision,
        "Scale": field.scale,
        "IsNillable": int(field.nillable),
        "IsCalculated": int(field.calculated),
        "IsCompound": int(field.compound_root),
        "IsNameField": int(field.name_field),
        "IsApiSortable": int(field.sortable),
        "IsApiFilterable": int(field.filterable),
        "IsApiGroupable": int(field.groupable),
        "RelationshipName": field.relationship_name,
        "Description": field.description,
        "EntityDefinitionId": sobject.name,
    }
