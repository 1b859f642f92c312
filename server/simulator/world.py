"""What everybody in a simulated city shares."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any

from server.clock import Clock
from server.simulator.agenda import Agenda
from server.simulator.cards import Cards
from server.simulator.city import City
from server.simulator.doors import Doors
from server.simulator.tally import CityTally


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The city, its time and its people's deeds; `tasks` holds all that waits for the server."""

    city: City
    agenda: Agenda
    clock: Clock
    random: Random
    tally: CityTally
    fix_every_s: float  # of our time
    doors: Doors = field(default_factory=Doors)
    cards: Cards
    tasks: asyncio.TaskGroup

    def start(self, deed: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something that waits; an error nobody foresaw ends the simulation rather than hiding."""
        return self.tasks.create_task(deed)

    def act(self, doing: Callable[[str], Coroutine[Any, Any, None]], about: str) -> Callable[[], None]:
        """For the agenda: start doing it then."""

        def begin() -> None:
            self.start(doing(about))

        return begin
