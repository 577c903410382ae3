"""What a fresh org says of package and bundles, told of the source files that a contributor edits."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from local_org.metadata.markup import XmlFile, children, text
from local_org.metadata.messages import MANIFEST
from local_org.metadata.results import ComponentMessage, DeployOptions
from local_org.org import Org, Session
from speed_to_lead.cci.source_format import CHILDREN
from speed_to_lead.errors import UsageError
from tests.metadata.packing import DEFAULT, converted, zipped
from tests.metadata.source import BUNDLES, Finding, Source

FOLDERS = ("reportFolder", "dashboardFolder")
README = "README.md"
BEFORE = "pre"
"""Bundles in this folder are deployed before the package, all others after it."""
PLACE = b"%%%CERTIFICATE%%%"
_DIRECTORIES = {kind: directory for directory, kind in CHILDREN.items()}


def cross_references(project: Path) -> Iterator[Finding]:
    """Whatever a component names exists in a fresh org or beside it: the org takes the package."""
    with _fresh() as session:
        yield from _refused(project, project / DEFAULT, session)


def bundles(project: Path) -> Iterator[Finding]:
    """An org takes each bundle: those that come first when it is fresh, others with the package."""
    found = sorted(path for path in (project / BUNDLES).glob("*/*") if path.is_dir())
    for first in (True, False):
        chosen = [path for path in found if (path.parent.name == BEFORE) == first]
        if not chosen:
            continue
        with _fresh() as session:
            if not first and any(_refused(project, project / DEFAULT, session, keep=True)):
                return  # the package is at fault, which is told of it
            for bundle in chosen:
                yield from _refused(project, bundle, session)


@dataclass(frozen=True)
class _Session:
    org: Org
    session: Session

    def failures(
        self, files: Mapping[str, bytes], *, keep: bool = False
    ) -> tuple[ComponentMessage, ...]:
        options = DeployOptions(check_only=not keep)
        return self.org.deploy(self.session, zipped(files), options).failures


@cache
def some_key() -> rsa.RSAPrivateKey:
    """Return the private key of ``some_certificate``."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def some_certificate() -> bytes:
    """Return a certificate, as `deploy_auth` puts one where a bundle keeps a place for it."""
    key = some_key()
    name, now = x509.Name([]), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@contextmanager
def _fresh() -> Iterator[_Session]:
    """Give the administrator's session in a fresh org."""
    org = Org.open()
    admin = org.user("admin@local.test")
    if admin is None:
        raise RuntimeError("a fresh org has an administrator")
    yield _Session(org, org.session(org.login(admin["Id"], "tests"), "soap/66.0"))
    org.close()


def _refused(
    project: Path, base: Path, session: _Session, *, keep: bool = False
) -> Iterator[Finding]:
    """Yield what an org says of the components in a folder; ``keep`` deploys them in earnest."""
    try:
        files = _files(project, base)
    except UsageError as error:
        yield _unconvertible(project, base, str(error))
        return
    for failure in session.failures(files, keep=keep):
        path, line = origin(base, files, failure)
        message = f"{failure.full_name}: {failure.problem}"
        yield Finding(path.relative_to(project).as_posix(), line, "deploy", message)


def _files(project: Path, base: Path) -> dict[str, bytes]:
    """Return the components of a folder, in either format, as a client sends them; by name.

    :raises UsageError: a file is not well-formed, or its suffix belongs to no type.
    """
    if (base / MANIFEST).exists():
        paths = [path for path in sorted(base.rglob("*")) if path.is_file() and path.name != README]
        return {
            path.relative_to(base).as_posix(): path.read_bytes().replace(PLACE, some_certificate())
            for path in paths
        }
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "alone"
        shutil.copytree(base, alone / DEFAULT)
        settings = json.loads((project / "sfdx-project.json").read_text(encoding="utf-8"))
        settings["packageDirectories"] = [{"path": DEFAULT.partition("/")[0]}]
        (alone / "sfdx-project.json").write_text(json.dumps(settings), encoding="utf-8")
        try:
            return converted(alone, Path(folder) / "src")
        except UsageError as error:
            raise UsageError(str(error).removeprefix(f"{alone / DEFAULT}/")) from error


def origin(base: Path, files: Mapping[str, bytes], failure: ComponentMessage) -> tuple[Path, int]:
    """Return the source file in a folder, and the line in it, that a failure is about.

    Most files are sent as they are. Those of an object are sent as one, so that the element to
    blame is looked up in the one and found again in the other by its ordinal.
    """
    shown = failure.file_name
    if (base / shown).is_file():
        return base / shown, failure.line or 1
    if failure.component_type in _DIRECTORIES:
        folder, own = failure.full_name.split(".", 1)
        directory = _DIRECTORIES[failure.component_type]
        for path in _named(base / "objects" / folder / directory, own):
            source = Source(base, path)
            return path, _line_in_child(source, files, failure, directory)
    for suffix in ("-meta.xml", *(f".{folder}-meta.xml" for folder in FOLDERS)):
        path = base / (shown.removesuffix("-meta.xml") + suffix)
        if path.is_file():
            return path, failure.line or 1
    own_object = base / shown.removesuffix(".object") / f"{Path(shown).stem}.object-meta.xml"
    return own_object if own_object.is_file() else base, 1


def _named(directory: Path, own: str) -> list[Path]:
    """Return the files of that name, or those that call themselves so."""
    wanted = f"<fullName>{own}</fullName>"
    return list(directory.glob(f"{own}.*")) or [
        path for path in directory.glob("*") if wanted in path.read_text(encoding="utf-8")
    ]


def _line_in_child(
    source: Source, files: Mapping[str, bytes], failure: ComponentMessage, directory: str
) -> int:
    """Return the line of a field's or rule's own file that a line of its object's file is from."""
    if failure.file_name == MANIFEST:
        return source.finding("", "", "fullName").line
    if failure.line is None:
        return 1
    whole = XmlFile(files[failure.file_name])
    own = text(source.root, "fullName")
    for component in children(whole.root, directory):
        if text(component, "fullName") == own:
            twins = zip(component.iter("{*}*"), source.root.iter("{*}*"), strict=True)
            at = [twin for each, twin in twins if whole.position(each)[0] <= failure.line]
            return source.xml.position(at[-1])[0] if at else 1
    return 1


def _unconvertible(project: Path, base: Path, said: str) -> Finding:
    """Return what the converter says, ``path: message`` or ``path:line: message``, as a finding."""
    path, _, message = said.partition(":")
    line, _, rest = message.partition(":")
    known = line.strip().isdigit()
    shown = (base / path).relative_to(project).as_posix()
    return Finding(shown, int(line) if known else 1, "deploy", (rest if known else message).strip())
