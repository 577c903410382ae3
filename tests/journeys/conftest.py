"""An org with the package deployed and the cast of the demo in it, one for each test that asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from speed_to_lead.demo.actors import http_client
from speed_to_lead.demo.plan import MONDAY
from tests.journeys.stage import Scene, prepared_org

ROOT = Path(__file__).parents[2]


@pytest.fixture
def scene(tmp_path):
    """A deployed org whose clock stands still on a Monday, and a sidecar that has not started."""
    options = ("--clock", MONDAY.isoformat(), "--clock-speed", "0")
    with prepared_org(ROOT, tmp_path, *options) as org, http_client(org) as http:
        scene = Scene.build(org, http, tmp_path)
        yield scene
        scene.sidecar.kill()
