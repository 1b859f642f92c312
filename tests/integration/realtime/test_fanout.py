"""Positions from one process to another, through a real Redis that may die."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from server.clock import SystemClock
from server.geo.cells import cell_of
from server.geo.courier_index import CourierIndex
from server.geo.position import Position
from server.geo.position_messages import Claim
from server.realtime import fanout as fanout_module
from server.realtime.fanout import PositionFanout
from server.storage.embedded import EmbeddedValkey
from server.storage.redis import open_listener, open_redis

SOON_S = 10
CLOCK = SystemClock()


def a_position(number=1, *, lat=60.1699, lng=24.9384):
    now_ms = CLOCK.now_ms()
    return Position(
        courier_id=UUID(int=number),
        lat=lat,
        lng=lng,
        fix_time_ms=now_ms,
        received_at_ms=now_ms,
        cell=cell_of(lat, lng),
        owner=1,
    )


class Heard:
    """What a process hears, as queues to wait on."""

    def __init__(self) -> None:
        self.batches: asyncio.Queue = asyncio.Queue()
        self.left: asyncio.Queue[list[UUID]] = asyncio.Queue()
        self.claims: asyncio.Queue[tuple[UUID, int]] = asyncio.Queue()

    async def couriers(self, count: int) -> set[int]:
        """The numbers of the next `count` couriers heard of."""
        found: set[int] = set()
        async with asyncio.timeout(SOON_S):
            while len(found) < count:
                batch = await self.batches.get()
                found |= {UUID(bytes=row.tobytes()[:16]).int for row in batch}
        return found


@asynccontextmanager
async def listening(url, index):
    """A fan-out that runs, proven to be subscribed, and what it hears."""
    heard = Heard()
    client = open_listener(url)
    fanout = PositionFanout(
        client,
        index,
        CLOCK,
        on_batch=lambda batch: heard.batches.put_nowait(batch.copy()),
        on_left=heard.left.put_nowait,
        on_claimed=lambda *claim: heard.claims.put_nowait(claim),
    )
    task = asyncio.create_task(fanout.run())
    try:
        await proven(fanout)
        yield fanout, heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.aclose()


async def proven(fanout, within_s=1.0):
    async with asyncio.timeout(SOON_S):
        while fanout.probe_age_s > within_s:
            await asyncio.sleep(0.01)


@pytest.fixture
def index(redis_client):
    return CourierIndex(redis_client, partitions=4)


async def test_positions_arrive_on_all_partitions(redis_url, index):
    async with listening(redis_url, index) as (_, heard):
        await index.publish([a_position(number) for number in range(1, 101)], now_ms=CLOCK.now_ms())
        assert await heard.couriers(100) == set(range(1, 101))


async def test_what_was_placed_before_is_loaded(redis_url, index):
    await index.place([a_position(number) for number in range(1, 51)])
    async with listening(redis_url, index) as (_, heard):
        assert await heard.couriers(50) == set(range(1, 51))


async def test_leaving_and_claiming_are_heard(redis_url, index):
    async with listening(redis_url, index) as (_, heard):
        await index.publish_left([UUID(int=5), UUID(int=9)], now_ms=0)
        await index.publish_claim(Claim(UUID(int=5), 77), now_ms=0)
        async with asyncio.timeout(SOON_S):
            assert await heard.left.get() == [UUID(int=5), UUID(int=9)]
            assert await heard.claims.get() == (UUID(int=5), 77)


async def test_what_nobody_understands_is_passed_over(redis_url, redis_client, index):
    async with listening(redis_url, index) as (_, heard):
        for message in (
            b"",
            b"\x09",
            b"\xff" * 40,
            b"\x01\x01" + bytes(14) + b"half a position",
            b"\x03" + bytes(17),
        ):
            await redis_client.execute_command("SPUBLISH", "{p:0}:positions", message)
        await index.publish([a_position(3)], now_ms=0)
        assert await heard.couriers(1) == {3}


async def test_a_listener_that_fails_does_not_stop_the_reading(redis_url, index):
    async with listening(redis_url, index) as (fanout, heard):
        fanout._on_left = None  # not even callable
        await index.publish_left([UUID(int=5)], now_ms=0)
        await index.publish([a_position(3)], now_ms=0)
        assert await heard.couriers(1) == {3}


async def test_a_reader_that_was_cut_off_comes_back_and_reads_what_it_missed(redis_url, redis_client, index):
    await index.place([a_position(7)])
    async with listening(redis_url, index) as (_, heard):
        assert await heard.couriers(1) == {7}
        await index.place([a_position(8)])  # told to nobody: it can only be read, anew
        await redis_client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        assert await heard.couriers(2) == {7, 8}
        await index.publish([a_position(9)], now_ms=0)
        assert await heard.couriers(1) == {9}


@pytest.fixture
def own_valkey(tmp_path_factory):
    """A Valkey that this test may kill."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


async def test_a_redis_that_stays_away_is_one_line_in_the_log(tmp_path, monkeypatch):
    monkeypatch.setattr(fanout_module, "CONNECT_AGAIN_AFTER_S", 0.001)
    nowhere = f"unix://{tmp_path}/nobody"
    listener, client = open_listener(nowhere), Redis.from_url(nowhere)
    fanout = PositionFanout(
        listener,
        CourierIndex(client, partitions=4),
        CLOCK,
        on_batch=lambda _: None,
        on_left=lambda _: None,
        on_claimed=lambda *_: None,
    )
    before = fanout_module.RECONNECTS._value.get()
    with capture_logs() as lines:
        task = asyncio.create_task(fanout.run())
        async with asyncio.timeout(SOON_S):
            while fanout_module.RECONNECTS._value.get() < before + 3:
                await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert [line["event"] for line in lines] == ["the connection that brings positions was lost"]
    await listener.aclose()
    await client.aclose()


async def test_a_redis_that_hangs_is_noticed_by_the_probe_and_forgiven_later(own_valkey):
    client = await open_redis(own_valkey.url)
    index = CourierIndex(client, partitions=4)
    async with listening(own_valkey.url, index) as (fanout, heard):
        os.kill(own_valkey.pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(SOON_S):
                while fanout.probe_age_s < 2.0:
                    await asyncio.sleep(0.05)
        finally:
            os.kill(own_valkey.pid, signal.SIGCONT)
        await index.look_for_loss()
        await proven(fanout)
        await index.publish([a_position(4)], now_ms=0)
        assert 4 in await heard.couriers(1)
    await client.aclose()
