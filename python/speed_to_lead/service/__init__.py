"""The sidecar: built from settings, runs until it is told to stop, drains, and leaves."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from speed_to_lead.errors import LedgerHeld, UsageError
from speed_to_lead.ledger import Ledger
from speed_to_lead.policy import load_policy
from speed_to_lead.service.loop import Loop
from speed_to_lead.service.parts import Parts, assembled
from speed_to_lead.settings import Settings
from speed_to_lead.telemetry import Metrics, log
from speed_to_lead.web import Health, serving

__all__ = ["Parts", "assembled", "backfill", "run"]

_LEAVE_SECONDS = 4.0
"""How long everything together may take once it is to stop."""
_STANDBY_SECONDS = 0.5
"""How often one that stands by looks whether the ledger is free."""


async def run(settings: Settings, until_idle: float | None = None) -> None:
    """Listen, decide and stamp until SIGTERM or SIGINT, or until nothing has come for a while.

    :raises SpeedToLeadError: as `assembled` does, and when a permission is taken away while it runs.
    """
    stop, reload = _on(signal.SIGTERM, signal.SIGINT), _on(signal.SIGHUP)
    while not stop.is_set():
        if settings.standby:
            await _stand_by(settings, stop)
        try:
            await _until(stop, _run(settings, until_idle, stop, reload))
        except LedgerHeld:
            if not settings.standby:  # another one that stands by was faster
                raise
            continue
        return


async def _until(stop: asyncio.Event, life: Coroutine[Any, Any, None]) -> None:
    """Let a life go on to its end; once it is to stop, only a little longer, wherever it is."""
    living, stopping = asyncio.ensure_future(life), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait_for(living, _LEAVE_SECONDS if stop.is_set() else None)
    except TimeoutError:
        log.warning("left", error="the org takes too long to say good-bye; nothing is lost")
    finally:
        stopping.cancel()


async def _run(
    settings: Settings, until_idle: float | None, stop: asyncio.Event, reload: asyncio.Event
) -> None:
    if stop.is_set():
        return
    async with assembled(settings) as parts:
        source = await parts.listen()
        health = Health(settings.client_name, parts.policy, source)
        loop = Loop(parts, source, health, until_idle, reload)
        parts.metrics.stands(loop.standing)
        try:
            async with serving(
                settings.http_host, settings.http_port, health, parts.metrics
            ) as port:
                log.info(
                    "started",
                    topics=sorted(source.topics),
                    source=source.way,
                    http_port=port,
                    policy_version=parts.policy.version,
                    policy_digest=parts.policy.digest,
                )
                await loop.until(stop)
        finally:
            await loop.close()
        log.info("stopped", outbox=len(parts.ledger.outbox(1)))


async def _stand_by(settings: Settings, stop: asyncio.Event) -> None:
    """Wait until no other sidecar has the ledger; alive, and not ready."""
    if Ledger.is_free(settings.ledger):
        return
    health = Health(settings.client_name, load_policy(settings.policy))
    health.away("stands by: another sidecar has the ledger")
    async with serving(settings.http_host, settings.http_port, health, Metrics()) as port:
        log.info("stands_by", http_port=port)
        while not stop.is_set() and not Ledger.is_free(settings.ledger):
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _STANDBY_SECONDS)


async def backfill(settings: Settings, since: str) -> None:
    """Judge every record modified since then as it is now, and drain the decisions.

    :raises UsageError: ``since`` is no instant.
    """
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise UsageError(
            f"expected --since in ISO 8601 (2026-11-02T10:00:00Z), got {since!r}"
        ) from None
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    async with assembled(settings) as parts:
        handled = await parts.pipeline.snapshot(moment)
        parts.flywheel.drain()
        log.info(
            "backfilled", changes=handled.changes, routed=handled.routed, stamped=handled.stamped
        )


def _on(*signals: signal.Signals) -> asyncio.Event:
    """Return the event that signals set."""
    event, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in signals:
        loop.add_signal_handler(number, event.set)
    return event
