"""Describe results as REST gives them: what a client may know about objects and their fields.

A field that the user may not read is not there, as if it did not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from local_org.schema.access import Access
from local_org.schema.audit import audit_settable
from local_org.schema.model import (
    TEXT_TYPES,
    ChildRelationship,
    Field,
    FieldType,
    PicklistValue,
    Schema,
    SObject,
)

MASTER_RECORD_TYPE_ID = "012000000000000AAA"
"""The record type of every record in an org without record types."""

_NO_FEED = frozenset({"Event", "Task", "CampaignMember", "OpportunityContactRole"})
_NOT_RECENT = frozenset({"CampaignMember", "EmailMessage"})
_DEEP_CLONEABLE = frozenset({"Campaign", "Opportunity"})
_QUEUE_OWNED = frozenset({"Lead", "Case"})
_UNSEARCHED = frozenset({"User", "Group", "Calendar", "RecordType"})
_GLOBAL_URLS = (
    ("compactLayouts", "/describe/compactLayouts"),
    ("rowTemplate", "/{ID}"),
    ("approvalLayouts", "/describe/approvalLayouts"),
    ("listviews", "/listviews"),
    ("describe", "/describe"),
    ("quickActions", "/quickActions"),
    ("layouts", "/describe/layouts"),
    ("sobject", ""),
)
_LAYOUT_URLS = frozenset(
    {"compactLayouts", "approvalLayouts", "listviews", "quickActions", "layouts"}
)
_OWN_URLS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Case": {
            "caseArticleSuggestions": "/suggestedArticles",
            "caseRowArticleSuggestions": "/{ID}/suggestedArticles",
        }
    }
)
"""What only one object has, in both describes."""
_DEFAULT_VALUES = {"defaultValues": "/defaultValues?recordTypeId&fields"}
_DESCRIBE_URLS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Account": _DEFAULT_VALUES,
        "Case": _DEFAULT_VALUES,
        "Event": {"eventSeriesUpdates": "/{ID}/fromThisEventOnwards"},
        "OpportunityContactRole": _DEFAULT_VALUES,
    }
)
"""What some objects have in their own describe only."""
_SOAP_TYPES: Mapping[FieldType, str] = MappingProxyType(
    {
        FieldType.ID: "tns:ID",
        FieldType.REFERENCE: "tns:ID",
        FieldType.BOOLEAN: "xsd:boolean",
        FieldType.INT: "xsd:int",
        FieldType.LONG: "xsd:long",
        FieldType.DOUBLE: "xsd:double",
        FieldType.CURRENCY: "xsd:double",
        FieldType.PERCENT: "xsd:double",
        FieldType.DATE: "xsd:date",
        FieldType.DATETIME: "xsd:dateTime",
        FieldType.TIME: "xsd:time",
        FieldType.ADDRESS: "urn:address",
        FieldType.LOCATION: "urn:location",
        FieldType.BASE64: "xsd:base64Binary",
        FieldType.ANY: "xsd:anyType",
    }
)


def describe_global(schema: Schema, access: Access, version: str) -> dict[str, Any]:
    """Return the answer to ``GET …/sobjects``: the objects this user may read.

    Those with layouts come first, as in the recorded answer.
    """
    entries = [
        _global_entry(o, access, version)
        for o in sorted(schema, key=lambda o: (not o.layoutable, o.name))
        if access.readable(o.name)
    ]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": entries}


def describe(schema: Schema, sobject: SObject, access: Access, version: str) -> dict[str, Any]:
    """Return the answer to ``GET …/sobjects/X/describe``: 45 keys, fields with 57 keys each."""
    layoutable = sobject.layoutable
    own = {
        "actionOverrides": [],
        "childRelationships": [
            _child(c) for c in schema.children(sobject.name) if access.readable(c.child)
        ],
        "compactLayoutable": layoutable,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [
            _field(sobject, f, access)
            for f in sobject.fields.values()
            if access.field_readable(sobject.name, f.name)
        ],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [_master_record_type(sobject, version)],
        "searchLayoutable": layoutable,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": _scopes(sobject),
        "urls": _urls(sobject, version)
        | _below(sobject, version, _DESCRIBE_URLS.get(sobject.name, {}))
        | _ui_urls(sobject, version),
    }
    return dict(sorted((_global_entry(sobject, access, version) | own).items()))


def _global_entry(sobject: SObject, access: Access, version: str) -> dict[str, Any]:
    """Return the 28 keys that the global describe and the describe of an object share."""
    name, layoutable = sobject.name, sobject.layoutable
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": sobject.createable and access.createable(name),
        "custom": sobject.custom,
        "customSetting": sobject.custom_setting,
        "deepCloneable": name in _DEEP_CLONEABLE,
        "deletable": sobject.deletable and access.deletable(name),
        "deprecatedAndHidden": False,
        "feedEnabled": layoutable and not sobject.custom and name not in _NO_FEED,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": sobject.key_prefix,
        "label": sobject.label,
        "labelPlural": sobject.label_plural,
        "layoutable": layoutable,
        "mergeable": sobject.mergeable,
        "mruEnabled": layoutable and name not in _NOT_RECENT,
        "name": name,
        "queryable": sobject.queryable,
        "replicateable": sobject.replicateable,
        "retrieveable": sobject.queryable,
        "searchable": layoutable and name not in _NOT_RECENT,
        "triggerable": sobject.triggerable,
        "undeletable": sobject.undeletable,
        "updateable": sobject.updateable and access.editable(name),
        "urls": _urls(sobject, version),
    }


def _urls(sobject: SObject, version: str) -> dict[str, str]:
    common = {
        name: path for name, path in _GLOBAL_URLS if sobject.layoutable or name not in _LAYOUT_URLS
    }
    return _below(sobject, version, {**common, **_OWN_URLS.get(sobject.name, {})})


def _below(sobject: SObject, version: str, paths: Mapping[str, str]) -> dict[str, str]:
    """Return paths below the object's own, by name."""
    base = f"/services/data/v{version}/sobjects/{sobject.name}"
    return {name: base + path for name, path in paths.items()}


def _ui_urls(sobject: SObject, version: str) -> dict[str, str]:
    """Pages of the user interface; relative here, because the schema knows no host."""
    row = f"/services/data/v{version}/sobjects/{sobject.name}/{{ID}}"
    if not sobject.layoutable:
        return {"rowTemplate": row}
    return {
        "rowTemplate": row,
        "uiDetailTemplate": "/{ID}",
        "uiEditTemplate": "/{ID}/e",
        "uiNewRecord": f"/{sobject.key_prefix}/e",
    }


def _master_record_type(sobject: SObject, version: str) -> dict[str, Any]:
    layouts = f"/services/data/v{version}/sobjects/{sobject.name}/describe/layouts"
    return {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": True,
        "developerName": "Master",
        "master": True,
        "name": "Master",
        "recordTypeId": MASTER_RECORD_TYPE_ID,
        "urls": {"layout": f"{layouts}/{MASTER_RECORD_TYPE_ID}"},
    }


def _scopes(sobject: SObject) -> list[dict[str, str]]:
    many = sobject.label_plural.lower()
    scopes = {"everything": f"All {many}"}
    if "ownerid" in sobject.fields and sobject.layoutable:
        scopes["mine"] = f"My {many}"
        if sobject.name in _QUEUE_OWNED:
            scopes["queue_owned"] = f"Queue owned {many}"
        scopes["scopingRule"] = "Filter by scope"
        scopes["team"] = f"My team's {many}"
        if sobject.name in _QUEUE_OWNED:
            scopes["user_owned"] = f"User owned {many}"
    return [{"label": label, "name": name} for name, label in scopes.items()]


def _child(child: ChildRelationship) -> dict[str, Any]:
    return {
        "cascadeDelete": child.cascade_delete,
        "childSObject": child.child,
        "deprecatedAndHidden": False,
        "field": child.field,
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": child.name,
        "restrictedDelete": child.restricted_delete,
    }


def _field(sobject: SObject, field: Field, access: Access) -> dict[str, Any]:
    """One field; what never varies in this org stands in ``_CONSTANT_FIELD``."""
    editable = access.field_editable(sobject.name, field.name)
    told: dict[str, Any] = {
        "aggregatable": field.aggregatable,
        "autoNumber": field.auto_number or (sobject.name, field.name) == ("Case", "CaseNumber"),
        "byteLength": _byte_length(field),
        "calculated": field.calculated,
        "calculatedFormula": field.formula,
        "cascadeDelete": field.custom and field.cascade_delete,
        "caseSensitive": field.case_sensitive,
        "compoundFieldName": field.compound or _own_compound(field),
        "createable": (field.createable and not field.calculated and editable)
        or audit_settable(sobject, field.name, access),
        "custom": field.custom,
        "defaultValue": field.default,
        "defaultValueFormula": field.default_formula,
        "defaultedOnCreate": field.defaulted_on_create,
        "digits": field.digits,
        "externalId": field.external_id,
        "extraTypeInfo": field.extra_type or _text_area_kind(field),
        "filterable": field.filterable,
        "formulaTreatNullNumberAsZero": field.calculated and field.blanks_as_zero,
        "groupable": field.groupable,
        "idLookup": field.id_lookup,
        "inlineHelpText": field.help_text,
        "label": field.label,
        "length": field.length,
        "name": field.name,
        "nameField": field.name_field,
        "namePointing": field.name_pointing,
        "nillable": field.nillable,
        "permissionable": field.permissionable,
        "picklistValues": [_picklist_entry(v) for v in field.picklist],
        "polymorphicForeignKey": field.name_pointing,
        "precision": field.precision,
        "queryByDistance": field.compound_root,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship_name,
        "relationshipOrder": field.relationship_order,
        "restrictedDelete": field.custom and field.restricted_delete,
        "restrictedPicklist": field.restricted_picklist,
        "scale": field.scale,
        "searchPrefilterable": _search_prefilterable(field),
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": field.sortable,
        "type": field.type.value,
        "unique": field.unique,
        "updateable": field.updateable and not field.calculated and editable,
        "writeRequiresMasterRead": field.relationship_order is not None,
    }
    return dict(sorted({**_CONSTANT_FIELD, **told}.items()))


_CONSTANT_FIELD: Mapping[str, Any] = MappingProxyType(
    {
        "aiPredictionField": False,
        "controllerName": None,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "filteredLookupInfo": None,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "mask": None,
        "maskType": None,
        "referenceTargetField": None,
    }
)


def _byte_length(field: Field) -> int:
    if field.type in (FieldType.ID, FieldType.REFERENCE):
        return 18
    return 3 * field.length if field.type in TEXT_TYPES else 0


def _own_compound(field: Field) -> str | None:
    """Only the name of an Account, which could be a person's, names itself as its compound."""
    return field.name if field.extra_type == "switchablepersonname" else None


def _search_prefilterable(field: Field) -> bool:
    """Lookups to records of business, not to people, their groups, or the setup."""
    to_record = field.reference_to and not _UNSEARCHED & set(field.reference_to)
    return bool(to_record and field.relationship_name) and field.name != "MasterRecordId"


def _text_area_kind(field: Field) -> str | None:
    return "plaintextarea" if field.type is FieldType.TEXTAREA else None


def _picklist_entry(value: PicklistValue) -> dict[str, Any]:
    return {
        "active": value.active,
        "defaultValue": value.default,
        "label": value.label,
        "validFor": None,
        "value": value.value,
    }
