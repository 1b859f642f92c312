"""Viewers who come and go while many write, for a minute: each is told everything once."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from random import Random

import pytest
from redis.asyncio import Redis

from server.clock import SystemClock
from server.storage.unit_of_work import Storage
from tests.fakes import ManualClock
from tests.integration.people import Town, a_town
from tests.integration.realtime.live import live
from tests.integration.realtime.test_joins import WhatHappened, listen, marked, write

pytestmark = pytest.mark.long

SECONDS = 60.0
VIEWERS = 8


@pytest.fixture
async def town(storage: Storage, clock: ManualClock) -> Town:
    """One merchant, one customer, one dispatcher."""
    return await a_town(storage, clock)


async def test_for_a_minute_everything_is_told_once(town: Town, redis_client: Redis, scale: float) -> None:
    topic, until, random = "dispatch:all", asyncio.Event(), Random(60)
    options = {"max_frames_per_s": 10_000.0, "max_status_backlog_bytes": 1 << 24}
    time = SystemClock()
    async with (
        live(town, redis_client, snapshots=WhatHappened(), **options) as here,
        AsyncExitStack() as stack,
    ):
        written = await write(town.storage, topic, 20, random)
        visits = [await stack.enter_async_context(here.visit(town.dispatcher)) for _ in range(VIEWERS)]
        listening = [asyncio.create_task(listen(visit, topic, until, random)) for visit in visits]
        end_s = time.monotonic_s() + SECONDS * scale
        while time.monotonic_s() < end_s and not any(task.done() for task in listening):
            written += await write(town.storage, topic, 50, random)
        written.append(await marked(here, topic))
        until.set()
        for told in await asyncio.gather(*listening):
            assert told == Counter(written)
    print(f"{len(written)} things told to {VIEWERS} viewers")
