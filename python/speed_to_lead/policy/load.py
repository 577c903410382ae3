"""From a file to a policy, or to everything that is wrong with it in one go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from pydantic import ValidationError

from speed_to_lead.errors import PolicyInvalid
from speed_to_lead.policy.findings import explained, path_of
from speed_to_lead.policy.lint import lint
from speed_to_lead.policy.model import Policy
from speed_to_lead.policy.schema import policy_schema


def load_policy(path: Path) -> Policy:
    """Return the policy that a file holds.

    :raises PolicyInvalid: the file cannot be read, or breaks the schema or the lint; one line for
        each finding, with the file and the path in the document.
    """
    policy, findings = _read(path)
    if policy is None or findings:
        raise PolicyInvalid("\n".join(findings))
    return policy


def check(path: Path) -> list[str]:
    """Return everything that is wrong with the policy in a file; empty when it is fine."""
    return _read(path)[1]


def _read(path: Path) -> tuple[Policy | None, list[str]]:
    try:
        document = _document(path.read_text(encoding="utf-8-sig"))
        findings = list(_against_schema(document))
        policy = None if findings else Policy.model_validate(document)
        findings += [] if policy is None else lint(policy)
    except OSError as error:
        return None, [f"{path}: cannot be read: {error.strerror}"]
    except RecursionError:
        return None, [f"{path}: nested too deeply"]
    except ValidationError as error:
        policy, findings = None, list(_against_models(error))
    except ValueError as error:
        return None, [f"{path}: expected a JSON document: {error}"]
    return policy, [f"{path}: {finding}" for finding in findings]


def _document(text: str) -> Any:
    """Read JSON; a key that occurs twice, or a number that JSON has not, is an error."""
    return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f'key "{key}" occurs twice in one object')
        found[key] = value
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _against_schema(document: Any) -> Iterator[str]:
    validator = Draft202012Validator(policy_schema())
    for error in sorted(validator.iter_errors(document), key=lambda e: list(map(str, e.path))):
        yield from explained(error)


def _against_models(error: ValidationError) -> Iterator[str]:
    """Yield what the models refuse although the schema cannot tell, such as half a surrogate pair."""
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        yield f"{path_of(each['loc'])}: {each['msg']}"
