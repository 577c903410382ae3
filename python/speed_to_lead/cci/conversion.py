"""Carries the stamps of a Lead to its Contact at conversion, beside whatever the org maps already."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from cumulusci.salesforce_api.metadata import ApiRetrieveUnpackaged
from cumulusci.tasks.salesforce import Deploy
from lxml import etree

_NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_MAP = "LeadConvertSettings/LeadConvertSettings.LeadConvertSetting"
_MANIFEST = f"""<?xml version="1.0" encoding="UTF-8"?>
<Package xmlns="{_NAMESPACE}">
<types><members>LeadConvertSettings</members><name>LeadConvertSettings</name></types>
<version>66.0</version>
</Package>"""
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True)


class DeployConversionMapping(Deploy):  # type: ignore[misc]  # cumulusci has no types
    """Deploys the bundle with the org's own map of conversion in it; safe to repeat.

    A deploy of the map may take the place of the one that is there, so ours is added to what the org has.
    """

    def _run_task(self) -> None:
        bundle = Path(self.project_config.repo_root) / self.options["path"]
        with TemporaryDirectory(prefix="speed-to-lead-") as scratch:
            copy = Path(scratch) / bundle.name
            shutil.copytree(bundle, copy)
            files = ApiRetrieveUnpackaged(self, _MANIFEST, "66.0")()
            if _MAP in files.namelist():
                ours = etree.fromstring((copy / _MAP).read_bytes(), _PARSER)
                theirs = etree.fromstring(files.read(_MAP), _PARSER)
                added = merge(theirs, ours)
                body = etree.tostring(
                    theirs, xml_declaration=True, encoding="UTF-8", pretty_print=True
                )
                (copy / _MAP).write_bytes(body)
                self.logger.info("adding %d mappings to those of the org", len(added))
            self.options["path"] = str(copy)
            super()._run_task()


def merge(theirs: etree._Element, ours: etree._Element) -> list[str]:
    """Add to a map what it lacks of another; return the added fields. What is mapped already stays."""
    added = []
    for wanted in ours.iterfind("{*}objectMapping"):
        target = wanted.findtext("{*}outputObject")
        present = next(
            (
                m
                for m in theirs.iterfind("{*}objectMapping")
                if m.findtext("{*}outputObject") == target
            ),
            None,
        )
        if present is None:
            last = list(theirs.iterfind("{*}objectMapping"))
            theirs.insert(theirs.index(last[-1]) + 1 if last else 0, wanted)
            added += [each.text or "" for each in wanted.iterfind("{*}mappingFields/{*}inputField")]
            continue
        known = {each.text for each in present.iterfind("{*}mappingFields/{*}inputField")}
        for fields in list(wanted.iterfind("{*}mappingFields")):
            name = fields.findtext("{*}inputField") or ""
            if name not in known:
                output = present.find("{*}outputObject")
                present.insert(len(present) if output is None else present.index(output), fields)
                added.append(name)
    return added
