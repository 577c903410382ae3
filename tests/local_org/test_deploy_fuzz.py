"""No package, however broken, makes a deploy do anything but answer; what it answers can be told."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_org.api.deploy_answers import told
from local_org.api.soap import elements
from tests.local_org.test_deploy_stored import BESIDE, FILES, package
from tests.metadata.agreement import ADDED
from tests.metadata.deploying import Admin
from tests.metadata.packing import DEFAULT, converted, project_copy

pytestmark = pytest.mark.documented("Metadata API Developer Guide: deploy() answers per component")

EXAMPLES = 25
PIECES = st.sampled_from(
    [
        b"",
        b"<",
        b"</",
        b"&",
        b"&x;",
        b"\x00",
        b"\xff\xfe",
        b"]]>",
        b"<!--",
        b"<a>",
        b"true",
        b"-1",
        b"9" * 400,
        b"1e999",
        b"..",
        b"__c",
        b"__mdt",
        b"Lead.",
        b"\xf0\x9f\x98\x80",
        b'" xmlns="',
        b"<fullName>X__c</fullName>",
        b"<type>MasterDetail</type>",
        b"<formula>1/0</formula>",
    ]
)
CUTS = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, 40), PIECES), min_size=1, max_size=3
)


@pytest.fixture(scope="module")
def admin():
    return Admin()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the project's package with every other kind of component beside it."""
    folder = tmp_path_factory.mktemp("fuzz")
    project = project_copy(folder / "project")
    for name, body in ADDED.items():
        path = project / DEFAULT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
    both = {**package([*FILES, *BESIDE]), **converted(project, folder / "src")}
    return {name: body.encode() if isinstance(body, str) else body for name, body in both.items()}


def wild(files):
    """Return a manifest that means every component of the zip."""
    kinds = {name.partition("/")[0] for name in files}
    types = (kind.name for kind in Admin().org.describe_metadata() if kind.directory in kinds)
    blocks = "".join(f"<types><members>*</members><name>{name}</name></types>" for name in types)
    head = '<Package xmlns="http://soap.sforce.com/2006/04/metadata">'
    return f"{head}{blocks}<version>66.0</version></Package>".encode()


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(choice=st.integers(0, 10_000), cuts=CUTS)
def test_a_broken_file_is_answered_and_leaves_the_org_as_it_was(admin, files, choice, cuts):
    """Whatever is cut out of a file or put into it, the deploy ends and nothing is kept."""
    name = sorted(files)[choice % len(files)]
    body = files[name]
    for at, length, piece in cuts:
        place = at % (len(body) + 1)
        body = body[:place] + piece + body[place + length :]
    before = admin.org.schema
    result = admin.deploy({**files, "package.xml": wild(files), name: body}, check_only=True)
    assert result.done
    assert admin.org.schema is before
    assert admin.org.store.schema is before
    assert "<status>" in elements("result", told(result, details=True))
