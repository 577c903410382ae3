"""The JSON Schema of a policy, generated from the models; ``python -m speed_to_lead.policy`` writes it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from speed_to_lead.policy.model import Policy

SCHEMA_FILE = Path(__file__).with_name("policy.schema.json")
"""What editors and other tools read; a test keeps it equal to ``policy_schema``."""


@cache
def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a policy document; not to be changed by the caller."""
    plain: dict[str, Any] = _plain(Policy.model_json_schema(by_alias=True))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Speed to Lead policy",
        **plain,
    }


def schema_text() -> str:
    """Return the schema as it stands in its file."""
    return json.dumps(policy_schema(), indent=2) + "\n"


def _plain(node: Any) -> Any:
    """Return a schema without the titles, which repeat names, and without nulls as defaults."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _plain(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
        and not (key == "default" and value is None)
    }
