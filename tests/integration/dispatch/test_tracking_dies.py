"""Tracking when processes are killed: its own, and Redis.  Nothing acknowledged is lost, and the map comes back."""

import asyncio
import os
import shutil
import signal
import sys
from contextlib import aclosing
from datetime import timedelta
from uuid import UUID

import pytest

from server.clock import SystemClock, from_ms
from server.dispatch.duties import DutyBoard
from server.dispatch.tracking import Tracking
from server.geo.courier_index import CourierIndex
from server.geo.track_store import TrackStore
from server.settings import Settings
from server.storage.embedded import EmbeddedValkey
from server.storage.redis import open_redis
from server.wire.messages import Fix

ANNA = UUID(int=0xA << 100 | 1)
SOON_S = 20
BACK_WITHIN_S = 2.0  # the promise of faults.md, row 6


async def test_every_fix_acknowledged_as_stored_outlives_kill_9(database_url, redis_url, database):
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.dispatch.tracking_process", database_url, redis_url, str(ANNA),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    acknowledged: list[int] = []
    try:
        async with asyncio.timeout(SOON_S):
            while len(acknowledged) < 300:
                acknowledged.append(int(await child.stdout.readline()))
    finally:
        child.kill()
    said_before_it_died, _ = await child.communicate()
    acknowledged += [
        int(line) for line in said_before_it_died.splitlines(keepends=True) if line.endswith(b"\n")
    ]
    assert child.returncode == -signal.SIGKILL
    begin, end = from_ms(acknowledged[0]), from_ms(acknowledged[-1]) + timedelta(hours=1)
    stored = {fix.fix_time_ms for fix in await TrackStore(database).read(ANNA, begin, end)}
    assert set(acknowledged) <= stored


@pytest.fixture
def own_valkey(tmp_path_factory):
    """A Valkey that this test may kill."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


async def count(index: CourierIndex) -> int:
    """How many couriers Redis has; none while it does not answer."""
    async with aclosing(index.load()) as batches:
        return sum([len(batch) async for batch in batches])


async def test_a_redis_killed_and_restarted_empty_is_filled_again(own_valkey, database):
    redis = await open_redis(own_valkey.url)
    clock = SystemClock()
    index = CourierIndex(redis, partitions=4)
    tracking = Tracking(index, TrackStore(database), DutyBoard(), clock, Settings(place_tick_ms=2))
    running = asyncio.create_task(tracking.run())
    couriers = [await tracking.adopt(UUID(int=number)) for number in range(1, 201)]
    placed: asyncio.Queue[object] = asyncio.Queue()
    for courier in couriers:
        tracking.submit(courier, [Fix(60.1699, 24.9384, clock.now_ms())], placed.put_nowait, None)
    for _ in couriers:
        await asyncio.wait_for(placed.get(), SOON_S)
    assert await count(index) == 200

    os.kill(own_valkey.pid, signal.SIGKILL)
    while own_valkey._child.running:
        await asyncio.sleep(0.01)
    shutil.rmtree(own_valkey.data_dir / "valkey")
    await asyncio.to_thread(own_valkey.start)
    probe = CourierIndex(await open_redis(own_valkey.url), partitions=4)
    async with asyncio.timeout(BACK_WITHIN_S):
        while await count(probe) < 200:
            await asyncio.sleep(0.02)
    assert {courier.owner for courier in couriers} == set(await owners_in(probe, couriers))

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await redis.aclose()
    await probe._redis.aclose()


async def owners_in(index: CourierIndex, couriers) -> list[int]:
    """The owner numbers that stand with the positions."""
    return [(await index.last(courier.courier_id)).owner for courier in couriers]
