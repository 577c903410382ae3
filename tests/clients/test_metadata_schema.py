"""Every metadata file is one that Salesforce's own types of this release allow.

The types come from npm, pinned in package.json, and are turned into JSON Schema when they are asked
for. Scratch org definitions and sfdx-project.json are held against Salesforce's own schemas.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest

from local_org.metadata.elements import Rule, tables
from tests.metadata.agreement import MUTATIONS
from tests.metadata.model import Model, generated
from tests.metadata.packing import DEFAULT, ROOT, project_copy, swap
from tests.metadata.source import Source, readable
from tests.metadata.spare import ADDED

GENERATOR = shutil.which("ts-json-schema-generator")
MODULES = Path(GENERATOR or "").parent.parent
pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not GENERATOR, reason="the schema generator is not on PATH"),
]

OLDER = {
    "CustomField": {"displayLocationInDecimal", "picklist", "readOnlyProxy"},
    "CustomObject": {"externalIndexAvailable"},
    "Group": {"doesSendEmailToMembers"},
    "PermissionSet": {"dataspaceScopes"},
    "PermissionSetObjectPermissions": {"customizeSetup", "deleteSetup", "viewSetup"},
    "ProfileObjectPermissions": {"customizeSetup", "deleteSetup", "viewSetup"},
    "ValidationRule": {"shouldEvaluateOnClient"},
}
"""Elements of the reference of v66 that the types, which are newer, have no more."""
NEWER = {
    "CustomObject": {"enrichments", "marketingObjectIndexes"},
    "FlowDefinition": {"enrichments"},
    "Group": {"description", "enrichments"},
    "PermissionSet": {"enrichments"},
    "PermissionSetGroup": {"enrichments"},
    "Queue": {"description", "doesIncludeBosses"},
    "Report": {"hierarchyScopeBindings", "showCommonRowsOnly"},
    "ReportGrouping": {"hierarchyApiName"},
}
"""Elements of the types that the reference of v66 does not have."""
EVERYWHERE = {"module"}
"""In the reference an element of every type that has a full name; in the types of none."""
WRAPPED = {"Queue": {"queueMembers"}, "CustomValue": {"fullName"}}
"""Elements that the reference repeats, or requires, and the types do not."""
LATER = {"SharingModel": {"ReadSelect"}}
"""Values of enumerations that came after v66."""


@pytest.fixture(scope="module")
def model():
    """Return the model of the pinned types."""
    return Model.read(generated(MODULES))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a copy of the project with one component of every kind added."""
    copy = project_copy(tmp_path_factory.mktemp("model") / "project")
    for name, body in ADDED.items():
        path = copy / DEFAULT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
    return copy


def test_the_types_allow_every_file_of_the_package_and_of_the_bundles(model, project):
    files = readable(project)
    found = [str(finding) for source in files for finding in model.findings(source)]
    assert found == []
    assert len(files) > 40


@pytest.mark.parametrize(
    "mutation",
    [m for m in MUTATIONS if "invalid at" in m.words and "2006" not in m.old]
    + [m for m in MUTATIONS if "duplicated" in m.words or "is missing" in m.words]
    + [m for m in MUTATIONS if "not a valid" in m.words and "xsd:int" not in m.words],
    ids=str,
)
def test_the_types_name_what_the_local_org_refuses_by_its_tables(model, project, mutation):
    path = project / DEFAULT / mutation.file
    before = path.read_bytes()
    mutation.apply(project)
    [finding, *_] = model.findings(Source(project, path))
    path.write_bytes(before)
    words = mutation.words.partition(" for the ")[0]
    assert words in finding.message
    assert finding.path == f"{DEFAULT}/{mutation.file}"


def test_a_file_of_no_type_is_named_with_its_line(model, project):
    path = project / DEFAULT / "permissionsets" / "Odd.permissionset-meta.xml"
    path.write_text('<?xml version="1.0"?>\n<Permission/>\n', encoding="utf-8")
    [finding] = model.findings(Source(project, path))
    path.unlink()
    assert (finding.line, finding.message) == (2, "Permission is not a metadata type")


def _used(kind, seen):
    """Collect the types that a type is made of, as far as the local org's tables know them."""
    rules = tables().types.get(kind, {})
    if kind in seen or not rules:
        return seen
    seen.add(kind)
    for rule in rules.values():
        _used(rule.kind, seen)
    return seen


def _disagreements(model, kinds, types):
    """Return where the rules of these types differ from the model's."""
    wrong = []
    for kind in sorted(kinds):
        body = model.type(kind)
        theirs = {
            name: (name in body.get("required", ()), known.get("type") == "array")
            for name, known in body["properties"].items()
            if name not in NEWER.get(kind, ())
        }
        ours = {
            name: (rule.required, rule.repeated)
            for name, rule in types[kind].items()
            if name not in EVERYWHERE | OLDER.get(kind, set())
        }
        wrong += [
            f"{kind}.{name}: {ours.get(name)} against {theirs.get(name)}"
            for name in sorted(ours.keys() | theirs.keys() - WRAPPED.get(kind, set()))
            if ours.get(name) != theirs.get(name) and name not in WRAPPED.get(kind, ())
        ]
    return wrong


@pytest.fixture(scope="module")
def kinds(model, project):
    """Return every type that the project's files are made of, down to the smallest."""
    roots = {source.kind for source in readable(project)} & tables().types.keys()
    return set[str]().union(*(_used(kind, set()) for kind in roots)) & model.types.keys()


def test_the_local_org_s_tables_agree_with_the_types(model, kinds):
    assert len(kinds) > 60
    assert _disagreements(model, kinds, tables().types) == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("lable", Rule("string", required=False, repeated=False)),
        ("format", Rule("string", required=False, repeated=False)),
        ("columns", Rule("any", required=False, repeated=False)),
        ("scope", None),
    ],
)
def test_a_table_that_disagrees_with_the_types_is_noticed(model, name, rule):
    changed = {**tables().types["Report"], name: rule}
    types = {"Report": {name: rule for name, rule in changed.items() if rule is not None}}
    [said] = _disagreements(model, {"Report"}, types)
    assert said.startswith(f"Report.{name}: ")


def test_the_local_org_s_enumerations_agree_with_the_types(model, kinds):
    rules = [rule for kind in kinds for rule in tables().types[kind].values()]
    used = {rule.kind for rule in rules} & tables().enums.keys()
    assert len(used) > 30
    for name in sorted(used):
        _, body = model.resolve({"$ref": f"#/definitions/{name}"})
        assert set(body["enum"]) - tables().enums[name] == LATER.get(name, set()), name
        assert tables().enums[name] <= set(body["enum"]), name


# -- scratch org definitions and the project file ------------------------------------------------


def _json_faults(model, project, name):
    """Return what Salesforce's schemas and types say of a definition or of the project file."""
    scratch = name.startswith("orgs/")
    kind = "project-scratch-def" if scratch else "sfdx-project"
    schema = MODULES / "@salesforce" / "schemas" / f"{kind}.schema.json"
    document = json.loads((project / name).read_text(encoding="utf-8"))
    validator = jsonschema.Draft7Validator(json.loads(schema.read_text(encoding="utf-8")))
    faults = [error.message for error in validator.iter_errors(document)]
    for key, value in document.get("settings", {}).items() if scratch else ():
        type_name = key[0].upper() + key[1:]
        if type_name not in model.types:
            faults.append(f"settings/{key}: no metadata type {type_name}")
            continue
        errors = model.validator(type_name).iter_errors(value)
        faults += [f"settings/{key}: {error.message}" for error in errors]
    return faults


def _definitions():
    return ["sfdx-project.json", *(f"orgs/{path.name}" for path in (ROOT / "orgs").glob("*.json"))]


@pytest.mark.parametrize("name", sorted(_definitions()))
def test_salesforce_s_schemas_allow_the_definition(model, name):
    assert _json_faults(model, ROOT, name) == []


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("orgs/dev.json", ('"Developer"', '"Developper"'), "'Developper' is not one of"),
        ("orgs/dev.json", ('"EnableSetPasswordInApi"', '"SetPassword"'), "SetPassword"),
        ("orgs/dev.json", ("enableS1DesktopEnabled", "enableS1"), "'enableS1' was unexpected"),
        ("orgs/dev.json", ("securitySettings", "securitySetings"), "no metadata type Security"),
        ("sfdx-project.json", ('"path"', '"paths"'), "paths"),
        ("sfdx-project.json", ('"sourceApiVersion"', '"sourceApi"'), "'sourceApi' was unexpected"),
    ],
)
def test_salesforce_s_schemas_name_the_fault(model, project, name, change, words):
    path = project / name
    before = path.read_bytes()
    swap(path, *change)
    said = "\n".join(_json_faults(model, project, name))
    path.write_bytes(before)
    assert words in said
