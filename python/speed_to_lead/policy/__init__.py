"""The document that a RevOps team argues about: what it says, whether it is sound, how it is shown.

Pure but for ``load_policy`` and ``check``, which read one file.
"""

from __future__ import annotations

from speed_to_lead.policy.lint import lint
from speed_to_lead.policy.load import check, load_policy
from speed_to_lead.policy.matchers import In, Matcher, Range
from speed_to_lead.policy.model import (
    Clock,
    OwnerRef,
    Policy,
    Region,
    Response,
    Route,
    Segment,
    Target,
)
from speed_to_lead.policy.schema import policy_schema
from speed_to_lead.policy.show import show

__all__ = [
    "Clock",
    "In",
    "Matcher",
    "OwnerRef",
    "Policy",
    "Range",
    "Region",
    "Response",
    "Route",
    "Segment",
    "Target",
    "check",
    "lint",
    "load_policy",
    "policy_schema",
    "show",
]
