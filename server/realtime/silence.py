"""Couriers who have been silent for too long leave this process's picture, whatever Redis says of them.

The word that somebody left comes by pub/sub, which may lose it, and an emptied Redis no longer knows whom to
speak of.  So each process also looks by itself.
"""

import asyncio
from collections.abc import Callable
from uuid import UUID

from server.clock import Clock
from server.geo.nearest import NearestIndex

LOOK_EVERY_S = 5.0


class Silence:
    """Looks for the silent in one index; `on_gone` hears of those it has forgotten."""

    def __init__(
        self,
        nearest: NearestIndex,
        clock: Clock,
        *,
        gone_after_ms: int,
        on_gone: Callable[[list[UUID]], None],
    ) -> None:
        self._nearest = nearest
        self._clock = clock
        self._gone_after_ms = gone_after_ms
        self._on_gone = on_gone

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Forget whoever is gone by now."""
        gone = self._nearest.silent_since(self._clock.now_ms() - self._gone_after_ms + 1)
        if gone:
            self._nearest.forget(gone)
            self._on_gone(gone)
