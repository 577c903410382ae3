"""What is done to the org, and to the sidecars: each fault by its name, drawn from one seed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any, Final

from speed_to_lead.demo.actors import API

OF_THE_ORG: Final[Mapping[str, Mapping[str, Any]]] = {
    "unavailable": {"share": 0.3, "seconds": 0.5},
    "lock-row": {"share": 0.3, "seconds": 0.5},
    "slow": {"share": 0.2, "seconds": 0.5, "delay": 0.2, "path": f"{API}/composite"},
    "request-limit": {"times": 2, "path": f"{API}/composite"},
    "expire-session": {"times": 2, "seconds": 0.7, "path": f"{API}/composite"},
    "stream-reset": {"share": 0.1, "seconds": 0.7},
    "stream-expire": {"times": 1},
    "stream-stall": {"seconds": 0.4},
    "delivery-limit": {"times": 1},
    "duplicate-event": {"share": 0.5, "seconds": 1},
    "malformed-event": {"times": 1},
    "gap-event": {"times": 3},
    "overflow-event": {"times": 2},
    "corrupt-replay": {"times": 1},
    "expire-events": {},
}
"""Kinds of the local org's own faults, each as it is ordered; times are those of real seconds."""

OF_THE_MACHINE: Final = ("clock-skew", "full-disk", "old-ledger", "cut-ledger")

SKEW: Final = """
import datetime as _d, os as _o, time as _t
_by, _time, _ns = float(_o.environ["CHAOS_SKEW"]), _t.time, _t.time_ns
_t.time = lambda: _time() + _by
_t.time_ns = lambda: _ns() + int(_by * 1e9)
class datetime(_d.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + _d.timedelta(seconds=_by)
_d.datetime = datetime
"""
"""A ``sitecustomize`` that shifts a process's clock; monotonic time goes on as it does."""


def draw(random: Random, share: float, names: tuple[str, ...]) -> str | None:
    """Return a fault, or none; the share is that of rounds which have one."""
    return random.choice(names) if random.random() < share else None


def ledger_files(folder: Path) -> list[Path]:
    """Return the files of the ledger in a sidecar's folder."""
    return [path for path in folder.glob("ledger.sqlite3*") if not path.name.endswith(".lock")]


def keep_copy(folder: Path) -> None:
    """Copy the ledger and the flywheel as they are, as an operator's cold backup does."""
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for path in ledger_files(folder):
        shutil.copy2(path, copy / path.name)
    (folder / "flywheel").mkdir(exist_ok=True)
    shutil.copytree(folder / "flywheel", copy / "flywheel")


def restore_copy(folder: Path, number: int) -> bool:
    """Put the copy back, and the flywheel of its time beside the newer one; tell whether there was one."""
    copy = folder / "copy"
    if not copy.exists():
        return False
    for path in ledger_files(folder):
        path.unlink()
    for path in ledger_files(copy):
        shutil.copy2(path, folder / path.name)
    (folder / "flywheel").rename(folder / f"flywheel-{number}")
    shutil.copytree(copy / "flywheel", folder / "flywheel")
    return True


def cut(folder: Path) -> bool:
    """Cut the ledger in half; tell whether there was one."""
    path = folder / "ledger.sqlite3"
    if not path.exists() or path.stat().st_size < 8192:
        return False
    for each in ledger_files(folder):
        if each != path:
            each.unlink()
    with path.open("r+b") as opened:
        opened.truncate(path.stat().st_size // 2)
    return True


def start_anew(folder: Path, number: int) -> None:
    """Move a damaged ledger away with its flywheel, as its message says."""
    aside = folder / f"damaged-{number}"
    aside.mkdir()
    for path in ledger_files(folder):
        path.rename(aside / path.name)
    if (folder / "flywheel").exists():
        (folder / "flywheel").rename(folder / f"flywheel-{number}")
