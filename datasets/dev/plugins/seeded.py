# ruff: noqa: INP001  # Snowfakery reads its plugins as files

"""Seeds what Snowfakery draws, so that a recipe gives equal rows on equal days."""

from __future__ import annotations

import random

from faker import Faker
from snowfakery import SnowfakeryPlugin


class Seeded(SnowfakeryPlugin):
    """Snowfakery draws from the ``random`` module and from Faker, and has no seed of its own."""

    class Functions:
        """What a recipe can call."""

        def start(self, seed: int) -> int:
            """Draw the same from here on for the same seed; return it."""
            random.seed(seed)
            Faker.seed(seed)
            return seed
