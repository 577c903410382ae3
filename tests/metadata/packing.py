"""Packages as clients send them: the project converted and zipped, whole or changed."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from speed_to_lead.cci.source_format import convert

ROOT = Path(__file__).parents[2]
DEFAULT = "force-app/main/default"


def project_copy(target: Path) -> Path:
    """Copy what a deploy needs of the project, so that a test may break it."""
    target.mkdir(parents=True)
    shutil.copytree(ROOT / "force-app", target / "force-app")
    for name in ("orgs", "unpackaged"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name)
    shutil.copy(ROOT / "sfdx-project.json", target)
    return target


def converted(project: Path, target: Path) -> dict[str, bytes]:
    """Return the files of the project in Metadata API format, by name."""
    convert(project, target)
    files = sorted(path for path in target.rglob("*") if path.is_file())
    return {path.relative_to(target).as_posix(): path.read_bytes() for path in files}


def zipped(files: Mapping[str, bytes | str], root: str = "") -> bytes:
    """Return a zip of these files below a root; names with a final slash are directories."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, body in files.items():
            archive.writestr(root + name, body)
    return packed.getvalue()


def swap(path: Path, old: str, new: str) -> None:
    """Replace the first occurrence of a text, which must be there."""
    content = path.read_text(encoding="utf-8")
    assert old in content, f"{path.name} does not hold {old!r}"
    path.write_text(content.replace(old, new, 1), encoding="utf-8")


def shipped(pattern: str) -> list[str]:
    """Return the names of the package's components whose files match, such as ``reports/*/*``."""
    return sorted(path.name.split(".")[0] for path in (ROOT / DEFAULT).glob(f"{pattern}-meta.xml"))
