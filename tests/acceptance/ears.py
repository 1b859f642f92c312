"""Who hears what: people on real websockets, told of each change once, each entity's versions without a gap."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from server.clock import SystemClock
from tests.started import Person
from tests.visits import Visit, visiting

clock = SystemClock()


@dataclass
class Ear:
    """Somebody's socket: what they are told of each change, once, each entity's versions without a gap."""

    who: str
    visit: Visit
    told: list[dict[str, Any]] = field(default_factory=list)
    unheard: list[dict[str, Any]] = field(default_factory=list)
    versions: dict[tuple[str, str, str], int] = field(default_factory=dict)

    async def joins(self, topic: str) -> Any:
        """Listen to a topic; its snapshot."""
        reply = await self.visit.join(topic)
        assert "ok" in reply["payload"], reply
        snapshot = reply["payload"]["ok"]["snapshot"]
        for entity in ("order", "assignment", "merchant"):
            if isinstance(snapshot.get(entity), dict):
                self.versions[topic, entity, snapshot[entity]["id"]] = snapshot[entity]["version"]
        for order in snapshot.get("orders", ()):
            self.versions[topic, "order", order["id"]] = order["version"]
        for ticket in snapshot.get("tickets", ()):
            entity = "ticket" if "severity" in ticket else "ticket_notice"
            self.versions[topic, entity, ticket["id"]] = ticket["version"]
        return snapshot

    async def hears(self, entity: str, name: str, about: str) -> dict[str, Any]:
        """The next change of this name to this entity of this order (or ticket, or courier)."""
        for payload in self.unheard:
            if _is(payload, entity, name, about):
                self.unheard.remove(payload)
                return payload
        while True:
            payload = await self._next(f"{entity} {name}")
            if payload is None:
                continue
            if _is(payload, entity, name, about):
                return payload
            self.unheard.append(payload)

    def has_heard(self, entity: str, name: str, about: str) -> bool:
        """Whether they were told of it before what they heard last."""
        return any(_is(payload, entity, name, about) for payload in self.told)

    async def says(self, topic: str, event: str, **payload: object) -> Any:
        """Command something; what is answered once it is committed."""
        reply = (await self.visit.ask(topic, event, payload))["payload"]
        assert "ok" in reply, reply
        return reply["ok"]

    async def _next(self, awaited: str) -> dict[str, Any] | None:
        try:
            frame = await self.visit.event("changed")
        except TimeoutError:
            heard = [f"{one['entity']} {one['name']}" for one in self.unheard]
            raise AssertionError(f"{self.who} does not hear {awaited}, but {heard}") from None
        payload: dict[str, Any] = frame["payload"]
        known = (frame["topic"], payload["entity"], payload["id"])
        if known in self.versions:
            assert payload["version"] == self.versions[known] + 1, (self.who, payload, self.versions[known])
        self.versions[known] = payload["version"]
        # Who listens to several topics is told by each of them.
        twins = [(one["entity"], one["id"], one["version"]) for one in self.told]
        if (payload["entity"], payload["id"], payload["version"]) in twins:
            return None
        self.told.append(payload)
        return payload


def _is(payload: dict[str, Any], entity: str, name: str, about: str) -> bool:
    fields = payload["fields"]
    return (payload["entity"], payload["name"]) == (entity, name) and about in (
        payload["id"], fields.get("order_id"), fields.get("courier_id"),
    )  # fmt: skip


@dataclass
class Listening:
    """People who listen, and the order they all hear of."""

    ears: dict[str, Ear]
    about: str = ""

    def __getattr__(self, who: str) -> Ear:
        return self.ears[who]

    async def hear(self, change: str, by: str) -> dict[str, Any]:
        """All of these hear of this change, pushed, at the same version."""
        entity, name = change.split()
        heard = [await self.ears[who].hears(entity, name, self.about) for who in by.split()]
        assert len({(one["id"], one["version"]) for one in heard}) == 1, heard
        return heard[0]

    def never(self, change: str, by: str) -> None:
        """None of these was told of this change, before what they heard last."""
        entity, name = change.split()
        for who in by.split():
            assert not self.ears[who].has_heard(entity, name, self.about), (who, change)


@asynccontextmanager
async def several(url: str, people: list[Person]) -> AsyncIterator[list[Visit]]:
    """An authenticated socket for each of these people."""
    if not people:
        yield []
        return
    async with visiting(url, people[0].token) as visit, several(url, people[1:]) as others:
        yield [visit, *others]


@asynccontextmanager
async def phones(url: str, *people: Person) -> AsyncIterator[list[Ear]]:
    """Somebody else's phones, each on a socket of its own."""
    async with several(url, list(people)) as visits:
        yield [Ear(person.login, visit) for person, visit in zip(people, visits, strict=True)]


async def rides(ear: Ear, courier: Person, lat: float, lng: float, *, available: bool | None = None) -> None:
    """The courier's phone says where he is now, and whether he takes work; it is answered when it is on the map."""
    topic = f"courier:{courier.id}"
    if available is not None:
        await ear.says(topic, "availability", available=available)
    told = await ear.says(topic, "fix", lat=lat, lng=lng, fix_time=clock.now_ms(), accuracy_m=5.0)
    assert not told.get("refused"), told
