"""Every error this package raises on purpose, sorted by who can put it right."""

from __future__ import annotations


class SpeedToLeadError(Exception):
    """Base of all errors raised on purpose; anything else is a bug."""

    exit_code = 70


class UsageError(SpeedToLeadError):
    """The operator can put it right: a setting, a policy file, a permission in the org."""

    exit_code = 64


class InvalidId(UsageError):
    """A text is not a Salesforce id of the expected object."""


class PolicyInvalid(UsageError):
    """The policy breaks its JSON Schema or its lint; one line for each finding."""


class PermissionMissing(UsageError):
    """The org hides an object, a field or a feature that the sidecar's user must have."""


class AuthenticationFailed(UsageError):
    """The org refuses the credentials themselves; trying again cannot help."""


class OrgUnavailable(SpeedToLeadError):
    """The org cannot be reached or refuses for now; retried with backoff."""

    exit_code = 69


class CallsSpent(OrgUnavailable):
    """No REST call may be spent now; the org's day or our own budget must go on first."""


class WritesStopped(OrgUnavailable):
    """Most writes fail, so none is tried for a while; what was to be written is kept."""


class OrgRefused(SpeedToLeadError):
    """The org refuses a call for good: what it was about is set aside, and the rest goes on."""

    exit_code = 69


class ReplayExpired(SpeedToLeadError):
    """The stored replay id is older than the org retains (72 h); a backfill by polling is due."""

    exit_code = 75


class EventUnreadable(SpeedToLeadError):
    """One change event cannot be decoded; it is quarantined and the stream goes on."""


class LedgerUnusable(SpeedToLeadError):
    """The ledger file cannot be used now, for instance because the disk is full; try again later."""

    exit_code = 75


class LedgerHeld(LedgerUnusable):
    """Another sidecar has the ledger; one that stands by waits until it is free."""


class LedgerTooNew(LedgerUnusable, UsageError):
    """The ledger was written by a newer version of this program; the operator must upgrade."""

    exit_code = 64
