"""Which field of a lead goes where when it is converted: the platform's own map, then the org's.

Source: Salesforce Help, "Lead Conversion Field Mapping"; Metadata API Developer Guide,
"LeadConvertSettings".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lxml import etree

from local_org.records.store import Store

Step = tuple[str, str, str]
"""Field of the lead, object and field that take its value."""

SETTINGS: Final = "LeadConvertSettings"
_ADDRESS: Final = (
    "Street",
    "City",
    "State",
    "PostalCode",
    "Country",
    "Latitude",
    "Longitude",
    "GeocodeAccuracy",
)
_STANDARD: Final[tuple[Step, ...]] = (
    ("Company", "Account", "Name"),
    ("Phone", "Account", "Phone"),
    ("Fax", "Account", "Fax"),
    ("Website", "Account", "Website"),
    ("Industry", "Account", "Industry"),
    ("Rating", "Account", "Rating"),
    ("AnnualRevenue", "Account", "AnnualRevenue"),
    ("NumberOfEmployees", "Account", "NumberOfEmployees"),
    ("LeadSource", "Account", "AccountSource"),
    *((part, "Account", f"Billing{part}") for part in _ADDRESS),
    *(
        (name, "Contact", name)
        for name in (
            "Salutation",
            "FirstName",
            "LastName",
            "Title",
            "Phone",
            "MobilePhone",
            "Fax",
            "Email",
            "Description",
            "LeadSource",
            "DoNotCall",
            "HasOptedOutOfEmail",
            "HasOptedOutOfFax",
        )
    ),
    *((part, "Contact", f"Mailing{part}") for part in _ADDRESS),
    ("LeadSource", "Opportunity", "LeadSource"),
)


def conversion_map(store: Store) -> list[Step]:
    """Return the steps whose fields the org has."""
    schema = store.schema
    lead = schema.object("Lead")
    return [
        (source, entity, target)
        for source, entity, target in (*_STANDARD, *own_map(store))
        if lead.get(source) and (found := schema.get(entity)) and found.get(target)
    ]


def own_map(store: Store) -> Iterator[Step]:
    """Yield what the deployed ``LeadConvertSettings`` map."""
    for document in store.documents(SETTINGS):
        root = etree.fromstring(document.body, etree.XMLParser(resolve_entities=False))
        for mapping in root.iterfind("{*}objectMapping"):
            entity = mapping.findtext("{*}outputObject") or ""
            for fields in mapping.iterfind("{*}mappingFields"):
                source = fields.findtext("{*}inputField") or ""
                yield source, entity, fields.findtext("{*}outputField") or ""
