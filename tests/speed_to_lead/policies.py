"""A policy to change: the one of the demo, as the document that its file holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from speed_to_lead.policy import Policy

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "python" / "speed_to_lead" / "demo" / "policy.json"
ROBOT = ROOT / "robot" / "SpeedToLead" / "resources" / "policy.json"


def document(*changes: tuple[str, Any], path: Path = DEMO) -> Any:
    """Return a policy document with other values at dotted places; ``...`` takes a key away."""
    whole = json.loads(path.read_text(encoding="utf-8"))
    for place, value in changes:
        *way, last = (int(step) if step.isdigit() else step for step in place.split("."))
        part = whole
        for step in way:
            part = part[step]
        if value is ...:
            del part[last]
        elif isinstance(part, list) and last == len(part):
            part.append(value)
        else:
            part[last] = value
    return whole


def policy(*changes: tuple[str, Any]) -> Policy:
    return Policy.model_validate(document(*changes))


def within(field: str, *values: str) -> dict[str, Any]:
    return {"in": {"field": field, "values": list(values)}}
