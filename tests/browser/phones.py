"""A courier's phone in a browser test: on the real socket, riding north in small steps."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from server.clock import SystemClock
from tests.started import Person, StartedServer
from tests.visits import Visit, visiting

STEP_DEG = 0.00008  # 9 m of latitude: a second of a moped


@dataclass
class Phone:
    """One signed-in courier at a place."""

    person: Person
    visit: Visit
    lat: float
    lng: float
    seq: int = 0

    @property
    def topic(self) -> str:
        return f"courier:{self.person.id}"

    async def tell(self) -> None:
        """One fix from where he is; returns when it is on the map."""
        self.seq += 1
        reply = await self.visit.ask(
            self.topic,
            "fix",
            {
                "lat": self.lat,
                "lng": self.lng,
                "fix_time": SystemClock().now_ms(),
                "seq": self.seq,
                "accuracy_m": 5,
                "bearing_deg": 0,
            },
        )
        assert reply["payload"]["ok"]["received"] == 1, reply

    async def ride(self) -> None:
        """A step north, and tell."""
        self.lat += STEP_DEG
        await self.tell()


@asynccontextmanager
async def riding(server: StartedServer, lat: float, lng: float) -> AsyncIterator[Phone]:
    """A new courier who is free, at this place."""
    person = server.person("courier")
    async with visiting(server.socket_url, person.token) as visit:
        phone = Phone(person, visit, lat, lng)
        await visit.ask(phone.topic, "availability", {"available": True})
        await phone.tell()
        yield phone
