"""Readings of one topic that overtake each other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar, cast
from uuid import UUID

from server.accounts.audit import Look
from server.realtime.joins import JoinDesk
from server.realtime.listeners import Membership, Topic
from server.realtime.session import Session
from server.realtime.snapshots import SnapshotReader
from server.realtime.topics import Audience, Parties, TopicName, parse_topic
from server.storage.event_log import Cursor
from tests.builders import a_viewer
from tests.unit.realtime.test_listeners import a_row

INCARNATION = str(UUID(int=1))
CURSOR = Cursor(INCARNATION, 100, 1)


class Gone:
    """A session whose viewer has left: he is told nothing."""

    closed = True
    topics: ClassVar[dict[str, Membership]] = {}


class Nothing:
    """A topic on which nothing has happened."""

    async def read(self, connection: Any, topic: TopicName, audience: Audience) -> tuple[Parties | None, Any]:
        return None, {}


async def nothing_to_note(looks: list[Look]) -> None:
    raise AssertionError(looks)


async def test_a_reading_that_is_overtaken_goes_on_hearing_the_log() -> None:
    gates = [asyncio.Event(), asyncio.Event()]
    begun: list[asyncio.Event] = []

    @asynccontextmanager
    async def open_reading() -> AsyncIterator[tuple[Any, Cursor]]:
        begun.append(gates[len(begun)])
        await begun[-1].wait()
        yield None, CURSOR

    finished = asyncio.Event()
    topic = Topic(parse_topic("dispatch:all"), INCARNATION)
    desk = JoinDesk(
        open_reading, cast(SnapshotReader, Nothing()), lambda _: finished.set(), lambda: 0.0, nothing_to_note
    )
    for number, audience in enumerate((Audience.STAFF, Audience.OBSERVER)):
        desk.join(Membership(cast(Session, Gone()), topic, audience), a_viewer(), None, "1")
        while len(begun) <= number:  # each has a reader of its own
            await asyncio.sleep(0)
    overtaken, overtaking = topic.joining

    gates[1].set()
    await asyncio.wait_for(finished.wait(), 5)
    topic.deliver(a_row(101))
    assert (len(overtaken), len(overtaking)) == (1, 0)
    gates[0].set()
    while topic.joining:
        await asyncio.sleep(0)
    await desk.stop()
