"""When sockets are written: status at the end of this turn of the loop, positions with the next tick.

However many frames a socket is given in that time, it is written once.  Nothing runs while nothing waits.
"""

import asyncio
from typing import Protocol

# Positions arrive in batches of settings.place_tick_ms already; this joins those of several processes.
POSITION_TICK_S = 0.002


class Flushable(Protocol):
    """A socket with something in its outbox."""

    def flush(self) -> None:
        """Write it."""
        ...


class Flusher:
    """The sockets waiting to be written."""

    def __init__(self, tick_s: float = POSITION_TICK_S) -> None:
        self._tick_s = tick_s
        self._soon: list[Flushable] = []
        self._on_tick: list[Flushable] = []

    def soon(self, item: Flushable) -> None:
        """Write `item` once what is happening now is done."""
        if not self._soon:
            asyncio.get_running_loop().call_soon(self._flush_soon)
        self._soon.append(item)

    def on_tick(self, item: Flushable) -> None:
        """Write `item` with the next tick."""
        if not self._on_tick:
            asyncio.get_running_loop().call_later(self._tick_s, self._flush_on_tick)
        self._on_tick.append(item)

    def _flush_soon(self) -> None:
        items, self._soon = self._soon, []
        for item in items:
            item.flush()

    def _flush_on_tick(self) -> None:
        items, self._on_tick = self._on_tick, []
        for item in items:
            item.flush()
