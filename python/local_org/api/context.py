"""What every request finds at hand: the org, the register of clients, jobs, faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from local_org.api.bulk_jobs import Jobs
from local_org.api.clients import Clients
from local_org.api.faults import Faults
from local_org.org import Org


@dataclass
class Context:
    """One per running org. ``admin_token`` opens ``/local-org/…`` and nothing else."""

    org: Org
    clients: Clients
    base_url: str
    admin_token: str
    jobs: Jobs = field(default_factory=Jobs)
    faults: Faults = field(default_factory=Faults)
    stop: Callable[[], None] = lambda: None
    """Ask the process to end."""
    body_seconds: float = 300.0
    """How long a client may take to send a body."""
    _schema_seen: tuple[int, datetime] | None = None

    def schema_changed_at(self) -> datetime:
        """Return when a client could first have seen the schema as it is now, in org time."""
        version = self.org.schema.version
        if self._schema_seen is None or self._schema_seen[0] != version:
            self._schema_seen = (version, self.org.clock.second())
        return self._schema_seen[1]
