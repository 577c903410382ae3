"""The result of a deploy as the Metadata API tells it, over SOAP and REST alike.

Source: facts/real-clients.md 5.9, M2 and M3, and 5.10.
"""

from __future__ import annotations

from typing import Any

from local_org.metadata.apex_runs import failure
from local_org.metadata.results import ComponentMessage, DeployResult


def told(result: DeployResult, *, details: bool) -> dict[str, Any]:
    """Return a deploy result under the names of the Metadata API; None stands for absent."""
    answer = {
        "checkOnly": result.check_only,
        "completedDate": result.completed_date,
        "createdBy": result.created_by,
        "createdByName": result.created_by_name,
        "createdDate": result.created_date,
        "details": _details(result) if details else None,
        "done": result.done,
        "id": result.id,
        "ignoreWarnings": result.ignore_warnings,
        "lastModifiedDate": result.completed_date or result.created_date,
        "numberComponentErrors": len(result.failures),
        "numberComponentsDeployed": result.deployed,
        "numberComponentsTotal": result.total,
        "numberTestErrors": len(result.test_failures),
        "numberTestsCompleted": 0,
        "numberTestsTotal": len(result.test_failures),
        "rollbackOnError": result.rollback_on_error,
        "runTestsEnabled": result.tests_asked,
        "startDate": result.created_date,
        "status": result.status,
        "success": result.success,
    }
    return {name: value for name, value in answer.items() if value is not None}


def _details(result: DeployResult) -> dict[str, Any]:
    return {
        "componentFailures": [_message(each) for each in result.failures],
        "componentSuccesses": [_message(each) for each in result.successes],
        "runTestResult": {
            "failures": [failure(*each) for each in result.test_failures],
            "numFailures": len(result.test_failures),
            "numTestsRun": len(result.test_failures),
            "totalTime": 0.0,
        },
    }


def _message(message: ComponentMessage) -> dict[str, Any]:
    """Return one message; ``changed``, ``created`` and ``deleted`` are never absent."""
    return {
        "changed": message.changed,
        "columnNumber": message.column,
        "componentType": message.component_type,
        "created": message.created,
        "createdDate": message.created_date,
        "deleted": message.deleted,
        "fileName": message.file_name,
        "fullName": message.full_name,
        "id": message.id or None,
        "lineNumber": message.line,
        "problem": message.problem,
        "problemType": message.problem_type,
        "success": message.success,
    }
