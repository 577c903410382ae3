"""The order of an uninstall holds in an org that does not sort deletions itself: users go first.

Who uses whom is read from the files of the package, so that a new component is judged as well.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from speed_to_lead.cci.source_format import CHILDREN, NAMESPACE, convert
from speed_to_lead.cci.uninstall import (
    Component,
    drop_mappings,
    formulas_in,
    manifest_of,
    named_in,
    waves,
)
from speed_to_lead.errors import UsageError

ROOT = Path(__file__).parents[2]
PROSE = {"description", "inlineHelpText", "label", "errorMessage", "footer", "title", "subtitle"}
_tag = re.compile(r"\{.*\}").sub


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package in Metadata API format."""
    target = tmp_path_factory.mktemp("package") / "src"
    convert(ROOT, target)
    return target


def words_of(element):
    """Return every name in an element, its prose apart."""
    text = " ".join(
        each.text or "" for each in element.iter(etree.Element) if _tag("", each.tag) not in PROSE
    )
    names = set(re.findall(r"[A-Za-z]\w*", text))
    return names | {name.removesuffix("__c") for name in names}  # a report type is used as X__c


def bodies(package):
    """Yield each component of the package with its element; folders have nothing inside."""
    for component in named_in(package):
        entity, _, own = component.name.partition(".")
        children = {kind: tag for tag, kind in CHILDREN.items()}
        if component.type in children:
            root = etree.parse(package / "objects" / f"{entity}.object").getroot()
            for each in root.iterfind(f"{{{NAMESPACE}}}{children[component.type]}"):
                if each.findtext(f"{{{NAMESPACE}}}fullName") == own:
                    yield component, each
        elif not component.type.endswith("Folder"):
            [path] = [p for p in package.rglob(f"{component.name}.*") if _is(p, component)]
            yield component, etree.parse(path).getroot()


def _is(path, component):
    return _tag("", etree.parse(path).getroot().tag) == component.type


def uses(package):
    """Yield who uses what, as far as both are of the package."""
    named = {each.name.rpartition(".")[2].rpartition("/")[2]: each for each in named_in(package)}
    for component, element in bodies(package):
        for word in words_of(element) & named.keys():
            if named[word].name != component.name:
                yield component, named[word]


def test_no_component_goes_in_the_deploy_of_what_uses_it_nor_before(package):
    deploys = waves(named_in(package), formulas_in(package))
    place = {each: number for number, deploy in enumerate(deploys) for each in deploy}
    found = list(uses(package))
    assert len(found) > 50, "the package is read"
    wrong = [f"{user} uses {used}" for user, used in found if place[user] >= place[used]]
    assert wrong == []


def test_a_folder_goes_after_all_that_is_in_it(package):
    deploys = waves(named_in(package), formulas_in(package))
    place = {each: number for number, deploy in enumerate(deploys) for each in deploy}
    folders = [each for each in place if each.type.endswith("Folder")]
    assert folders
    for folder in folders:
        kind = folder.type.removesuffix("Folder")
        inside = [each for each in place if each.type == kind]
        assert max(place[each] for each in inside) < place[folder]


def test_every_component_of_the_package_goes_once(package):
    deployed = [
        each for deploy in waves(named_in(package), formulas_in(package)) for each in deploy
    ]
    assert sorted(deployed) == sorted(set(named_in(package)))


def test_formula_fields_go_before_the_fields_they_read_however_long_the_chain():
    fields = [Component("CustomField", f"Lead.{each}__c") for each in "ABC"]
    formulas = {"Lead.B__c": "A__c * 2", "Lead.C__c": "b__C + 1"}
    assert waves(fields, formulas) == [[fields[2]], [fields[1]], [fields[0]]]


def test_a_folder_is_named_under_the_type_of_what_it_holds():
    manifest = manifest_of([Component("ReportFolder", "Mine")], "66.0")
    root = etree.fromstring(manifest.encode())
    assert root.findtext(f".//{{{NAMESPACE}}}name") == "Report"
    assert root.findtext(f".//{{{NAMESPACE}}}members") == "Mine"


def test_only_mappings_of_the_named_fields_are_dropped():
    """Theirs stay, whichever end of a mapping is ours; a map with nothing in it goes whole."""
    mapping = (
        "<mappingFields><inputField>{}</inputField><outputField>{}</outputField></mappingFields>"
    )
    to = "<objectMapping><inputObject>Lead</inputObject>{}<outputObject>{}</outputObject></objectMapping>"
    pairs = [("Ours__c", "A__c"), ("B__c", "Ours__c"), ("B__c", "A__c")]
    contact = to.format("".join(mapping.format(*pair) for pair in pairs), "Contact")
    account = to.format(mapping.format("Ours__c", "Ours__c"), "Account")
    settings = etree.fromstring(f'<X xmlns="{NAMESPACE}">{contact}{account}</X>')

    dropped = drop_mappings(settings, {"Lead.Ours__c", "Contact.Ours__c"})

    assert dropped == [
        "Lead.Ours__c to Contact.A__c",
        "Lead.B__c to Contact.Ours__c",
        "Lead.Ours__c to Account.Ours__c",
    ]
    assert [each.text for each in settings.iter(f"{{{NAMESPACE}}}inputField")] == ["B__c"]
    assert len(settings) == 1


def test_a_package_that_was_not_converted_is_said_to_be_missing(tmp_path):
    with pytest.raises(UsageError, match="run dx_convert_from first"):
        named_in(tmp_path)
