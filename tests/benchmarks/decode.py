"""``python -m tests.benchmarks.decode``: change events a second, beside fastavro in the same run.

The corpus is that of facts/pubsub-cdc.md 6: LeadChangeEvent with 100 fields, 1,000 CREATE and 1,000
UPDATE events. One core, CPU time, best of several runs; the ratio is what counts.
"""

from __future__ import annotations

import io
import platform
from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from time import process_time
from typing import Any

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


def main() -> None:
    """Print the table."""
    schema, creates, updates = corpus()
    decoder = Decoder(made.text(schema))
    parsed = fastavro.parse_schema(deepcopy(schema))

    def reference(payload: bytes) -> object:
        return fastavro.schemaless_reader(io.BytesIO(payload), parsed, None)

    print(f"Python {platform.python_version()}, fastavro {fastavro.__version__}, 100 fields\n")
    print("| events | bytes | sparse, with field names | fastavro | ratio |")
    print("|---|---:|---:|---:|---:|")
    for name, payloads in (("CREATE", creates), ("UPDATE", updates)):
        size = sum(map(len, payloads)) / len(payloads)
        theirs = events_per_second(reference, payloads)
        ours = events_per_second(decoder.decode, payloads)
        print(f"| {name} | {size:,.0f} | {ours:,.0f}/s | {theirs:,.0f}/s | {ours / theirs:.1f} x |")


if __name__ == "__main__":
    main()
