"""Writes ``policy.schema.json`` anew from the models."""

from __future__ import annotations

from speed_to_lead.policy.schema import SCHEMA_FILE, schema_text

if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
