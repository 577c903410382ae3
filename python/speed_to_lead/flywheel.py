"""Flywheel records: each decision as one OpenAI chat completion that the data-flywheel blueprint reads.

Exactly five top-level keys; one tool for each workload, so that the evaluator scores arguments and not
prose. The user message holds the policy's inputs and nothing personal. Source: facts/flywheel.md 1, 2.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from speed_to_lead.errors import LedgerUnusable, UsageError
from speed_to_lead.ids import OrgId
from speed_to_lead.model import JSON, Decision

ROUTE: Final = "lead.route"
FIRST_TOUCH: Final = "lead.first_touch"
FILE: Final = "decisions.jsonl"
_PORTION = 1000
_PROMPTS = {
    ROUTE: "Assign the lead to a segment, a region and an owner, as the routing policy says.",
    FIRST_TOUCH: "Decide whether the activity becomes the lead's first response: only the earliest does.",
}
_TOOLS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    ROUTE: (
        "route_lead",
        "Assign a lead to a segment, a region and an owner.",
        ("outcome", "owner_id", "region", "rule_id", "segment"),
    ),
    FIRST_TOUCH: (
        "stamp_first_response",
        "Stamp the first response of a lead, or keep what is stamped.",
        ("verdict", "source", "response_seconds", "reason"),
    ),
}


def decision_id(*parts: str) -> str:
    """Return the identity of a decision: 32 hex digits, a pure function of the fact decided on.

    >>> decision_id("00D", "lead.route", "00Q", "1:1", "sha256:0")
    '201230e25a5c76ea0bbf32ff94fca123'
    """
    return sha256("|".join(parts).encode()).hexdigest()[:32]


def record(decision: Decision, org_id: OrgId, client_id: str) -> dict[str, JSON]:
    """Return the record of a decision; the same decision gives the same bytes at any time."""
    tool, _, _ = _TOOLS[decision.workload]
    at = int(decision.at.timestamp())
    model = f"policy/{decision.workload.replace('.', '-')}"
    call = {"name": tool, "arguments": _canonical(_arguments(decision))}
    message: dict[str, JSON] = {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": f"call_{decision.decision_id[:24]}", "type": "function", "function": call}
        ],
    }
    return {
        "timestamp": at,
        "client_id": client_id,
        "workload_id": decision.workload,
        "request": _request(decision, org_id, model),
        "response": {
            "id": f"dec-{decision.decision_id}",
            "object": "chat.completion",
            "created": at,
            "model": f"{model}@{decision.policy_version}",
            "system_fingerprint": f"fp_{_hex(decision)[:12]}",
            "choices": [
                {"index": 0, "finish_reason": "tool_calls", "logprobs": None, "message": message}
            ],
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        },
    }


def line(decision: Decision, org_id: OrgId, client_id: str) -> bytes:
    """Return the record as one line of JSON Lines, newline included."""
    return orjson.dumps(record(decision, org_id, client_id), option=orjson.OPT_APPEND_NEWLINE)


def _request(decision: Decision, org_id: OrgId, model: str) -> dict[str, JSON]:
    return {
        "model": model,
        "temperature": 0,
        "messages": [
            {"role": "system", "content": _PROMPTS[decision.workload]},
            {"role": "user", "content": _canonical(decision.inputs)},
        ],
        "tools": [_tool(decision.workload)],
        "tool_choice": {"type": "function", "function": {"name": _TOOLS[decision.workload][0]}},
        "metadata": _metadata(decision, org_id),
    }


def _tool(workload: str) -> dict[str, JSON]:
    name, description, properties = _TOOLS[workload]
    parameters: dict[str, JSON] = {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": {each: {"type": "string"} for each in properties},
    }
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


def _arguments(decision: Decision) -> dict[str, str]:
    """Return what was decided, each as a text, as the tool's schema says.

    An owner that the policy did not choose is no answer of its own: it stands in the metadata only.
    """
    inputs, output = decision.inputs, decision.output
    told: dict[str, JSON]
    if decision.workload == ROUTE:
        told = {
            "outcome": decision.outcome,
            "owner_id": output["owner_id"] if decision.outcome == "assigned" else None,
            "region": output["region"],
            "rule_id": output["route"],
            "segment": output["segment"],
        }
    else:
        told = {
            "verdict": output["verdict"],
            "source": inputs.get("source"),
            "response_seconds": inputs.get("seconds"),
            "reason": inputs.get("reason") or decision.outcome,
        }
    return {name: "" if value is None else str(value) for name, value in told.items()}


def _metadata(decision: Decision, org_id: OrgId) -> dict[str, JSON]:
    """Return OpenAI's own field for extras: at most 16 pairs of texts of at most 512 characters."""
    return {
        "schema": "ttfr.flywheel/1",
        "decision_id": decision.decision_id,
        "cause_key": decision.cause_key,
        "lead_id": decision.lead_id,
        "org_id": org_id,
        "policy_id": decision.workload.replace(".", "-"),
        "policy_version": decision.policy_version,
        "policy_sha256": _hex(decision),
        "event_id": str(decision.output.get("event_id") or ""),
        "outcome": decision.outcome,
        "owner_id": str(decision.output.get("owner_id") or ""),
        "episode": "1",
        "propensity": "1.0",
        "shadow": "true" if decision.outcome == "dry_run" else "false",
    }


def _hex(decision: Decision) -> str:
    return decision.policy_digest.removeprefix("sha256:")


def _canonical(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


class Outbox(Protocol):
    """Where records wait until they are durable elsewhere: the ledger."""

    def outbox(self, limit: int) -> list[tuple[int, bytes]]:
        """Return the oldest records, with their sequence numbers."""
        ...

    def drained(self, through: int, file: str, size: int) -> None:
        """Note that records up to a number are durable in a file that is now so long (bytes)."""
        ...

    def drained_size(self, file: str) -> int | None:
        """Return the length up to which a file's records are known to be durable; None if unknown."""
        ...


class JsonLines:
    """Drains the ledger's outbox to one append-only file, each record exactly once.

    The file's length is kept in the ledger with what is drained: after a crash between the two, what
    was written and still waits is cut off and written again. Nothing else is ever cut off.
    """

    def __init__(self, directory: Path, ledger: Outbox) -> None:
        """Open the file for this process alone, creating it for its owner only.

        :raises LedgerUnusable: it cannot be written, or another sidecar writes it.
        :raises UsageError: it holds records that this ledger neither drained nor still has.
        """
        self.path = directory / FILE
        self._ledger = ledger
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            self._lock()
            self._size = self._resumed()
            self._keep_entry(directory)
        except BaseException:
            self.close()
            raise

    def drain(self) -> int:
        """Write what waits, make it durable, and note it; return how many records that were.

        :raises LedgerUnusable: the disk is full; the records stay in the outbox.
        """
        count = 0
        while portion := self._ledger.outbox(_PORTION):
            data = b"".join(each for _, each in portion)
            self._append(data)
            self._ledger.drained(portion[-1][0], FILE, self._size + len(data))
            self._size += len(data)
            count += len(portion)
        return count

    def _append(self, data: bytes) -> None:
        """Write behind what is known to be durable, and make it so."""
        try:
            written = os.pwrite(self._descriptor, data, self._size)
            os.fsync(self._descriptor)
        except OSError as error:
            raise self._unusable(error) from error
        if written < len(data):
            raise self._unusable(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def close(self) -> None:
        """Close the file and let others have it."""
        os.close(self._descriptor)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LedgerUnusable(
                f"another sidecar writes {self.path}: give each SPEED_TO_LEAD_FLYWHEEL_DIR its own"
            ) from error

    def _keep_entry(self, directory: Path) -> None:
        """Make the file's name as durable as what will be in it."""
        try:
            folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise self._unusable(error) from error

    def _resumed(self) -> int:
        """Return where to go on writing, after cutting off what a crash left undrained."""
        length = os.fstat(self._descriptor).st_size
        known = self._ledger.drained_size(FILE)
        if known is None or known > length:  # another ledger's work, or moved away: append to it
            self._ledger.drained(0, FILE, length)
            return length
        tail = os.pread(self._descriptor, length - known, known).rstrip(b"\0")
        waiting = b"".join(each for _, each in self._ledger.outbox(_PORTION))
        if not waiting.startswith(tail):
            raise UsageError(
                f"{self.path} holds {length - known} bytes that the ledger knows nothing of: has an "
                "older ledger been restored? Move the file away, or set SPEED_TO_LEAD_FLYWHEEL_DIR"
            )
        try:
            os.ftruncate(self._descriptor, known)
        except OSError as error:
            raise self._unusable(error) from error
        return known

    def _unusable(self, error: OSError) -> LedgerUnusable:
        return LedgerUnusable(
            f"{self.path} cannot be written ({error.strerror}): free some space or set "
            "SPEED_TO_LEAD_FLYWHEEL_DIR; the records wait in the ledger"
        )
