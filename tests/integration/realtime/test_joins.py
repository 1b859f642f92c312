"""Join and rejoin while the log is being written, by transactions that commit in any order: no hole, no repeat."""

import asyncio
from collections import Counter
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from server.clock import Clock
from server.realtime.topics import Audience, Parties, TopicName
from server.storage.event_log import Event
from server.storage.unit_of_work import Storage
from tests.integration.people import Town
from tests.integration.realtime.live import Live, live
from tests.visits import Visit


class WhatHappened:
    """A snapshot that is simply everything that has happened on the topic, so that tests can count."""

    async def parties(self, connection: Any, topic: TopicName, audience: Audience) -> Parties | None:
        return None

    async def read(self, connection: Any, topic: TopicName, audience: Audience) -> tuple[Parties | None, Any]:
        rows = await connection.fetch(
            "SELECT entity_id FROM event_log WHERE topics @> ARRAY[$1::text]", str(topic)
        )
        return None, {"seen": [str(row["entity_id"]) for row in rows]}


def something(topic: str, clock: Clock, entity_id: UUID | None = None) -> Event:
    return Event(
        entity="thing",
        entity_id=entity_id or uuid4(),
        version=1,
        name="happened",
        topics=(topic,),
        fields={},
        actor_id=None,
        occurred_at=clock.now(),
    )


async def write(storage: Storage, topic: str, count: int, random: Random) -> list[str]:
    """`count` things happen, each in its own transaction, several at once, some slow, some rolled back."""
    written: list[str] = []
    turn = asyncio.Semaphore(4)

    async def one() -> None:
        async with turn, storage.unit_of_work() as work:
            event = something(topic, storage.clock)
            await work.append(event)
            await work.flush()  # the tail waits for it while it is slow
            if random.random() < 0.3:
                await asyncio.sleep(random.random() * 0.02)
        written.append(str(event.entity_id))

    await asyncio.gather(*(one() for _ in range(count)))
    return written


async def listen(visit: Visit, topic: str, until: asyncio.Event, random: Random) -> Counter[str]:
    """Join, hear some, leave, rejoin with the cursor, again and again; how often each thing was told."""
    told: Counter[str] = Counter()
    reply = await visit.join(topic)
    told.update(reply["payload"]["ok"]["snapshot"]["seen"])
    cursor = reply["cursor"]
    while True:
        is_last = until.is_set()
        for _ in range(random.randrange(20)):
            await asyncio.sleep(0)
        await visit.say(topic, "leave", ref="bye")
        while (frame := await visit.next())["event"] != "reply":
            told[frame["payload"]["id"]] += 1
            cursor = frame["cursor"]
        reply = await visit.join(topic, cursor)
        assert "changes" in reply["payload"]["ok"]
        if is_last:
            break
    for _ in range(reply["payload"]["ok"]["changes"]):
        told[(await visit.next())["payload"]["id"]] += 1
    return told


@pytest.mark.parametrize("seed", range(3))
async def test_everything_is_told_once_however_often_one_comes_back(
    town: Town, redis_client: Redis, seed: int
):
    topic, until = "dispatch:all", asyncio.Event()
    random = Random(seed)
    async with (
        live(town, redis_client, snapshots=WhatHappened(), max_frames_per_s=10_000.0) as here,
        here.visit(town.dispatcher) as first,
        here.visit(town.dispatcher) as second,
    ):
        before = await write(town.storage, topic, 20, random)
        listening = [asyncio.create_task(listen(visit, topic, until, random)) for visit in (first, second)]
        during = await write(town.storage, topic, 200, random)
        during.append(await marked(here, topic))
        until.set()
        for told in await asyncio.gather(*listening):
            assert told == Counter(before + during)


async def marked(here: Live, topic: str) -> str:
    """Let one more thing happen and wait until a newcomer has been told: then the log's tail is past all before it."""
    async with here.visit(here.town.dispatcher) as newcomer:
        await newcomer.join(topic)
        (marker,) = await write(here.town.storage, topic, 1, Random(0))
        while (await newcomer.event("changed"))["payload"]["id"] != marker:
            pass
    return marker


async def test_joiners_of_the_same_moment_share_one_reading(town: Town, redis_client: Redis):
    class Counting(WhatHappened):
        reads = 0

        async def read(
            self, connection: Any, topic: TopicName, audience: Audience
        ) -> tuple[Parties | None, Any]:
            self.reads += 1
            await connection.fetchval("SELECT pg_sleep(0.05)")
            return await super().read(connection, topic, audience)

    counting = Counting()
    async with live(town, redis_client, snapshots=counting) as here:
        async with asyncio.TaskGroup() as visitors:
            together = asyncio.Barrier(20)

            async def come() -> None:
                async with here.visit(town.dispatcher) as visit:
                    await together.wait()
                    assert "snapshot" in (await visit.join("dispatch:all"))["payload"]["ok"]

            for _ in range(20):
                visitors.create_task(come())
        assert counting.reads <= 3


class Slow(WhatHappened):
    """A snapshot that takes long enough for something to come in between."""

    async def read(self, connection: Any, topic: TopicName, audience: Audience) -> tuple[Parties | None, Any]:
        await connection.fetchval("SELECT pg_sleep(0.05)")
        return await super().read(connection, topic, audience)


async def test_a_join_that_was_overtaken_is_answered_too(town: Town, redis_client: Redis):
    topic = "dispatch:all"
    async with live(town, redis_client, snapshots=Slow()) as here, here.visit(town.dispatcher) as visit:
        await visit.say(topic, "join", ref="left")
        await visit.say(topic, "leave", ref="leaving")
        await visit.say(topic, "join", ref="overtaken")
        await visit.say(topic, "join", ref="last")
        answers = {}
        for _ in range(4):
            reply = await visit.event("reply")
            answers[reply["ref"]] = reply["payload"]
        assert answers["leaving"] == {"ok": {}}
        assert "snapshot" in answers["last"]["ok"]
        for ref in ("left", "overtaken"):
            assert answers[ref]["error"]["code"] == "join_overtaken"
