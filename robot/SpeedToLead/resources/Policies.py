"""Policies that differ from another one in a few places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from robot.api.deco import keyword, library


@library(scope="GLOBAL")
class Policies:
    """Writes policy files for the sidecar."""

    @keyword
    def a_policy_like(self, original: str, target: str, **changes: str) -> str:
        """Writes a policy with some values changed and returns the path of its file.

        Each change is a path of keys and positions, and a value in JSON.

        Example:
        | ${policy} = | A Policy Like | ${POLICY} | new.json | sla.MM.target_minutes=30 |
        """
        policy: Any = json.loads(Path(original).read_text(encoding="utf-8"))
        for path, value in changes.items():
            *parents, last = (int(key) if key.isdecimal() else key for key in path.split("."))
            part = policy
            for key in parents:
                part = part[key]
            part[last] = json.loads(value)
        Path(target).write_text(json.dumps(policy, indent=2), encoding="utf-8")
        return target
