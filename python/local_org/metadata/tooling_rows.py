"""Components as rows of the Tooling API.

Source: Tooling API Objects reference, the fields that clients ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from lxml import etree

from local_org.clock import millis
from local_org.ids import checksum
from local_org.metadata.markup import XmlFile, flag, text
from local_org.records.store import Document, Store

Row = dict[str, Any]
_UNMANAGED = {"ManageableState": "unmanaged"}


def component_rows(store: Store, entity: str) -> Iterator[Row]:
    """Yield a row for each component that is one of this tooling object."""
    kind, own = _KINDS[entity]
    for document in store.documents(kind):
        beside = document.meta.get("beside")
        root = XmlFile(document.body if beside is None else beside.encode()).root
        yield audited(document) | own(document, root)


def audited(document: Document) -> Row:
    """Return the id of a component, and who made and who changed it when."""
    meta = document.meta
    return {
        "Id": meta["id"],
        "CreatedById": meta["created_by"],
        "CreatedDate": _millis(meta["created_date"]),
        "LastModifiedById": meta["modified_by"],
        "LastModifiedDate": _millis(meta["modified_date"]),
    }


def _of_object(document: Document) -> Row:
    """Return what ties a part to its object, ``Lead.X__c`` or ``Lead-Layout``."""
    entity = document.name.replace("-", ".", 1).partition(".")[0]
    return {"EntityDefinitionId": entity, **_UNMANAGED}


def _apex(document: Document, root: etree._Element) -> Row:
    body = document.body.decode("utf-8", "replace")
    return {
        "Name": document.name,
        "ApiVersion": float(text(root, "apiVersion") or 0),
        "Status": text(root, "status"),
        "IsValid": 0,
        "LengthWithoutComments": len(body),
        "Body": body,
    }


def _custom_field(document: Document, _root: etree._Element) -> Row:
    entity, _, name = document.name.partition(".")
    return _of_object(document) | {
        "DeveloperName": name.removesuffix("__c"),
        "TableEnumOrId": entity,
    }


def _named(document: Document, root: etree._Element) -> Row:
    """Return the names of a component that stands by itself."""
    label = text(root, "masterLabel") or text(root, "label") or document.name
    return {"DeveloperName": document.name, "MasterLabel": label, **_UNMANAGED}


def _validation_rule(document: Document, root: etree._Element) -> Row:
    return _of_object(document) | {
        "ValidationName": document.name.partition(".")[2],
        "Active": int(flag(root, "active")),
        "Description": text(root, "description"),
        "ErrorMessage": text(root, "errorMessage"),
        "ErrorDisplayField": text(root, "errorDisplayField"),
    }


def _layout(document: Document, _root: etree._Element) -> Row:
    entity, _, name = document.name.partition("-")
    return _of_object(document) | {"Name": name, "TableEnumOrId": entity, "LayoutType": "Standard"}


def _flexi_page(document: Document, root: etree._Element) -> Row:
    own = {"Type": text(root, "type"), "EntityDefinitionId": text(root, "sobjectType")}
    return _named(document, root) | own


def _definition_id(flow_id: str) -> str:
    id15 = f"300{flow_id[3:15]}"
    return id15 + checksum(id15)


def _flow(document: Document, root: etree._Element) -> Row:
    """Return the one version of a flow: a draft, whatever it was deployed as, for it never runs."""
    return {
        "DefinitionId": _definition_id(document.meta["id"]),
        "MasterLabel": text(root, "label"),
        "Status": "Draft",
        "ProcessType": text(root, "processType"),
        "VersionNumber": 1,
        "ApiVersion": float(text(root, "apiVersion") or 0),
        "Description": text(root, "description"),
        **_UNMANAGED,
    }


def _flow_definition(document: Document, root: etree._Element) -> Row:
    """Return a flow without an active version."""
    flow_id = document.meta["id"]
    return _named(document, root) | {"Id": _definition_id(flow_id), "LatestVersionId": flow_id}


def _record_type(document: Document, root: etree._Element) -> Row:
    return {
        "SobjectType": document.name.partition(".")[0],
        "Name": text(root, "label"),
        "FullName": document.name,
        "IsActive": int(flag(root, "active")),
    }


def _static_resource(document: Document, root: etree._Element) -> Row:
    return {
        "Name": document.name,
        "ContentType": text(root, "contentType"),
        "CacheControl": text(root, "cacheControl"),
        "BodyLength": len(document.body),
        "Description": text(root, "description"),
        **_UNMANAGED,
    }


def _channel(document: Document, root: etree._Element) -> Row:
    return {
        "DeveloperName": document.name.removesuffix("__chn"),
        "MasterLabel": text(root, "label"),
        "ChannelType": text(root, "channelType"),
    }


def _channel_member(document: Document, root: etree._Element) -> Row:
    return {
        "DeveloperName": document.name,
        "EventChannel": text(root, "eventChannel"),
        "SelectedEntity": text(root, "selectedEntity"),
        "FilterExpression": text(root, "filterExpression"),
    }


def _subscription(document: Document, root: etree._Element) -> Row:
    return {
        "DeveloperName": document.name,
        "MasterLabel": text(root, "label"),
        "Language": "en_US",
        "TopicName": text(root, "topicName"),
        "DefaultReplay": text(root, "defaultReplay"),
        "ErrorRecoveryReplay": text(root, "errorRecoveryReplay"),
        "State": text(root, "state"),
        "Version": text(root, "version"),
    }


def _millis(moment: str) -> int:
    """Read back what ``results.stamp`` wrote."""
    return millis(datetime.fromisoformat(moment))


_KINDS: Mapping[str, tuple[str, Callable[[Document, etree._Element], Row]]] = {
    "ApexClass": ("ApexClass", _apex),
    "ApexTrigger": ("ApexTrigger", _apex),
    "CustomField": ("CustomField", _custom_field),
    "CustomTab": ("CustomTab", _named),
    "FlexiPage": ("FlexiPage", _flexi_page),
    "Flow": ("Flow", _flow),
    "FlowDefinition": ("Flow", _flow_definition),
    "Layout": ("Layout", _layout),
    "ManagedEventSubscription": ("ManagedEventSubscription", _subscription),
    "PlatformEventChannel": ("PlatformEventChannel", _channel),
    "PlatformEventChannelMember": ("PlatformEventChannelMember", _channel_member),
    "RecordType": ("RecordType", _record_type),
    "StaticResource": ("StaticResource", _static_resource),
    "ValidationRule": ("ValidationRule", _validation_rule),
}
"""The type of component behind each object, and what makes a row of one."""
OF_COMPONENTS = frozenset(_KINDS)
