"""The one loop that moves everybody: a heap of what is to be done when, in the city's time.

The city's time may run faster than ours.  What is due is done in order, by plain functions that never wait;
what has to wait for the server is a task of its own.
"""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

from server.clock import Clock

# Looked at this often: a thousand couriers with a fix each 4 s are ten fixes a tick.
TICK_S = 0.04


class Agenda:
    """What is to be done; moments are seconds of the city's time since it began."""

    def __init__(self, clock: Clock, *, speed: float = 1.0) -> None:
        self.speed = speed
        self._clock = clock
        self._began_s = clock.monotonic_s()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def now_s(self) -> float:
        """The moment in the city's time."""
        return (self._clock.monotonic_s() - self._began_s) * self.speed

    def at(self, moment_s: float, act: Callable[[], None]) -> None:
        """Do `act` at a moment of the city's time, or at the next tick if that has passed."""
        heapq.heappush(self._due, (moment_s, next(self._order), act))

    def after(self, delay_s: float, act: Callable[[], None]) -> None:
        """Do `act` in so many seconds of the city's time."""
        self.at(self.now_s() + delay_s, act)

    def run_due(self) -> int:
        """Do what is due by now, in order; how many there were.  What they add for now waits for the next tick."""
        now_s = self.now_s()
        due = []
        while self._due and self._due[0][0] <= now_s:
            due.append(heapq.heappop(self._due)[2])
        for act in due:
            act()
        return len(due)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.run_due()
            await asyncio.sleep(TICK_S)
