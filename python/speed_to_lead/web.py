"""HTTP for those who run the sidecar: ``/metrics``, ``/healthz``, ``/readyz``. Bound as the settings say."""

from __future__ import annotations

import asyncio
import base64
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from speed_to_lead.changes import ChangeSource, TopicState
from speed_to_lead.errors import UsageError
from speed_to_lead.policy import Policy
from speed_to_lead.telemetry import Metrics

_STALE_SECONDS = 330.0
"""A topic is silent for too long after this; the org sends a keepalive within 270 s."""


@dataclass(slots=True)
class Health:
    """What the sidecar knows of its own state."""

    client_name: str
    policy: Policy
    source: ChangeSource | None = None
    """What is heard; ``None`` while it stands by."""
    reason: str | None = None
    """Why it may not take traffic: the org's last refusal; ``None`` when all is well."""
    handled_at: float = field(default_factory=time.monotonic)

    def handled(self) -> None:
        """Note that a batch has been taken to its end."""
        self.reason, self.handled_at = None, time.monotonic()

    def away(self, reason: str) -> None:
        """Note that the org does not answer."""
        self.reason = reason

    @property
    def topics(self) -> Mapping[str, TopicState]:
        """The topics that are heard now."""
        return {} if self.source is None else self.source.topics

    def alive(self) -> dict[str, Any]:
        """Return the body of ``/healthz``; replay ids are base64, times are the org's."""
        return {
            "status": "alive",
            "client": self.client_name,
            "policy": {"version": self.policy.version, "digest": self.policy.digest},
            "seconds_since_batch": round(time.monotonic() - self.handled_at, 1),
            "topics": {name: _topic(state) for name, state in self.topics.items()},
        }

    def unready(self) -> list[str]:
        """Return why it may not take traffic; empty when it may."""
        reasons = [] if self.reason is None else [self.reason]
        for name, state in self.topics.items():
            if not state.essential:
                continue
            if not state.connected:
                reasons.append(f"{name}: not connected")
            elif state.last_heard_at and time.monotonic() - state.last_heard_at > _STALE_SECONDS:
                reasons.append(f"{name}: silent for more than {_STALE_SECONDS:.0f} s")
        return reasons


def _topic(state: TopicState) -> dict[str, Any]:
    replay_id = state.replay_id
    return {
        "connected": state.connected,
        "replay_id": base64.b64encode(replay_id).decode() if replay_id else None,
        "last_event_at": state.last_event_at.isoformat() if state.last_event_at else None,
        "reconnects": dict(state.reconnects),
    }


def application(health: Health, metrics: Metrics) -> FastAPI:
    """Return the HTTP application over the sidecar's state."""
    app = FastAPI(title="Speed to Lead", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/metrics")
    async def _metrics() -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/healthz")
    async def _healthz() -> JSONResponse:
        return JSONResponse(health.alive())

    @app.get("/readyz")
    async def _readyz() -> JSONResponse:
        reasons = health.unready()
        body = {"ready": not reasons, "reasons": reasons}
        return JSONResponse(body, status_code=503 if reasons else 200)

    return app


class _Server(uvicorn.Server):
    """A server beside others in one loop: signals belong to the service."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


@asynccontextmanager
async def serving(host: str, port: int, health: Health, metrics: Metrics) -> AsyncIterator[int]:
    """Serve while the block runs; lend the port, which is a free one for port 0.

    :raises UsageError: the address is taken or not ours.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by connections
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UsageError(
            f"cannot listen on {host}:{port}: {error.strerror}; set SPEED_TO_LEAD_HTTP_PORT"
        ) from error
    config = uvicorn.Config(
        application(health, metrics), log_config=None, access_log=False, lifespan="off"
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task
