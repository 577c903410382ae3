"""What can go wrong around a running org, each with the exit code that tells who can help."""

from __future__ import annotations


class LocalOrgError(Exception):
    """The operator can put it right; the message says how."""

    exit_code = 64


class NotRunning(LocalOrgError):
    """There is no org to speak to."""

    exit_code = 69


class InUse(LocalOrgError):
    """Another org holds what this one needs; it works when that one has stopped."""

    exit_code = 75
