"""A fix's way through, on real servers: to the map, to the track, back to the phone."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest
from redis.asyncio import Redis

from server.clock import from_ms
from server.dispatch.duties import Duty, DutyBoard
from server.dispatch.legs import Leg
from server.dispatch.track_buffer import RecordAway
from server.dispatch.tracking import Tracking
from server.errors import Unavailable
from server.geo.courier_index import CourierIndex
from server.geo.fixes import Verdict
from server.geo.track_store import TrackStore
from server.settings import Settings
from server.storage.database import open_database
from server.wire.messages import Fix, FixesReceived

HELSINKI = (60.1699, 24.9384)
ANNA, BEN = UUID(int=0xA << 100 | 1), UUID(int=0xB << 100 | 2)
SOON_S = 10  # more than anything here takes

QUICK = Settings(place_tick_ms=2, track_flush_s=0.3, http_track_flush_ms=20)


@dataclass
class Phone:
    """What a phone hears, as events to wait for."""

    received: asyncio.Queue[FixesReceived] = field(default_factory=asyncio.Queue)
    stored: asyncio.Queue[list[int]] = field(default_factory=asyncio.Queue)

    async def answer(self) -> FixesReceived:
        return await asyncio.wait_for(self.received.get(), SOON_S)

    async def seqs_stored(self) -> list[int]:
        return await asyncio.wait_for(self.stored.get(), SOON_S)

    def on_received(self, answer: FixesReceived) -> None:
        self.received.put_nowait(answer)

    def on_stored(self, seqs: list[int]) -> None:
        self.stored.put_nowait(seqs)


class Process:
    """One server process's tracking."""

    def __init__(self, redis, pool, clock, settings=QUICK):
        self.index = CourierIndex(redis, partitions=settings.position_partitions)
        self.store = TrackStore(pool)
        self.duties = DutyBoard()
        self.clock = clock
        self.tracking = Tracking(self.index, self.store, self.duties, clock, settings)
        self.replaced: asyncio.Queue[UUID] = asyncio.Queue()
        self.tracking.on_replaced = self.replaced.put_nowait

    def fix(self, at_s=0.0, place=HELSINKI, **rest):
        return Fix(*place, self.clock.now_ms() + round(at_s * 1000), **rest)

    async def says(self, courier, *fixes) -> FixesReceived:
        phone = Phone()
        self.tracking.submit(courier, fixes, phone.on_received, phone.on_stored)
        return await phone.answer()

    async def track_of(self, courier_id):
        day = timedelta(days=1)
        return await self.store.read(courier_id, self.clock.now() - day, self.clock.now() + day)


@asynccontextmanager
async def running(process: Process):
    task = asyncio.create_task(process.tracking.run())
    try:
        yield process
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def process(redis_client, database, clock):
    async with running(Process(redis_client, database, clock)) as process:
        yield process


async def eventually(holds) -> None:
    """Wait until the awaited condition is true."""
    async with asyncio.timeout(SOON_S):
        while not await holds():
            await asyncio.sleep(0.01)


async def test_a_fix_is_received_placed_and_stored(process):
    courier = await process.tracking.adopt(ANNA)
    phone = Phone()
    fix = process.fix(accuracy_m=4.5, bearing_deg=90.0, speed_mps=5.25, seq=17)
    process.tracking.submit(courier, [fix], phone.on_received, phone.on_stored)
    assert await phone.answer() == FixesReceived(received=1)
    placed = await process.index.last(ANNA)
    assert (placed.lat, placed.lng, placed.fix_time_ms, placed.owner) == (
        *HELSINKI,
        fix.fix_time,
        courier.owner,
    )
    assert await phone.seqs_stored() == [17]
    (stored,) = await process.track_of(ANNA)
    assert (stored.fix_time_ms, stored.lat, stored.lng, stored.accuracy_m) == (fix.fix_time, *HELSINKI, 4.5)
    assert (stored.bearing_deg, stored.speed_mps) == (90.0, 5.25)


async def test_refused_fixes_are_named_with_their_reason_and_stored_nowhere(process):
    courier = await process.tracking.adopt(ANNA)
    answer = await process.says(
        courier,
        process.fix(0, seq=1),
        process.fix(1, place=(float("nan"), 24.9), seq=2),
        process.fix(2, place=(91.0, 24.9), seq=3),
        process.fix(3, place=(52.5, 13.4), seq=4),
        process.fix(600, seq=5),
    )
    assert answer.received == 1
    assert [(refused.index, refused.seq, refused.reason) for refused in answer.refused] == [
        (1, 2, Verdict.NOT_FINITE),
        (2, 3, Verdict.OUT_OF_RANGE),
        (3, 4, Verdict.IMPOSSIBLE_SPEED),
        (4, 5, Verdict.FROM_THE_FUTURE),
    ]
    await eventually(lambda: _has_stored(process, ANNA, 1))


async def _has_stored(process, courier_id, count) -> bool:
    return len(await process.track_of(courier_id)) == count


async def test_a_batch_from_a_tunnel_fills_history_and_never_moves_the_courier_back(process):
    courier = await process.tracking.adopt(ANNA)
    await process.says(courier, process.fix(0))
    now_at = await process.index.last(ANNA)
    answer = await process.says(courier, *(process.fix(-60 + n) for n in range(30)))
    assert answer == FixesReceived(received=0, history=30)
    assert await process.index.last(ANNA) == now_at
    await eventually(lambda: _has_stored(process, ANNA, 31))


async def test_a_batch_in_any_order_is_judged_in_the_order_it_was_ridden(process):
    courier = await process.tracking.adopt(ANNA)
    answer = await process.says(courier, process.fix(-1), process.fix(-3), process.fix(-2), process.fix(0))
    assert answer == FixesReceived(received=4)
    assert (await process.index.last(ANNA)).fix_time_ms == process.clock.now_ms()


async def test_a_duplicate_is_refused_but_a_repeat_after_a_crash_is_stored(process, redis_client, database):
    courier = await process.tracking.adopt(ANNA)
    fix = process.fix(seq=9)
    await process.says(courier, fix)
    (refused,) = (await process.says(courier, fix)).refused
    assert refused.reason == Verdict.DUPLICATE
    async with running(Process(redis_client, database, process.clock)) as other:
        phone = Phone()
        other.tracking.submit(await other.tracking.adopt(ANNA), [fix], phone.on_received, phone.on_stored)
        assert await phone.answer() == FixesReceived(received=0, history=1)
        assert await phone.seqs_stored() == [9]
    assert len(await process.track_of(ANNA)) == 1


async def test_what_a_mistake_of_ours_dropped_is_heard_when_it_comes_again(process, monkeypatch):
    courier = await process.tracking.adopt(ANNA)
    fix, phone = process.fix(seq=1), Phone()
    failed = asyncio.Event()

    async def mistaken(positions):
        failed.set()
        raise ValueError

    with monkeypatch.context() as mistake:
        mistake.setattr(process.index, "place", mistaken)
        process.tracking.submit(courier, [fix], phone.on_received, phone.on_stored)
        await asyncio.wait_for(failed.wait(), SOON_S)
        assert phone.received.empty()
    process.tracking.submit(courier, [fix], phone.on_received, phone.on_stored)
    assert (await phone.answer()).refused == []
    assert await phone.seqs_stored() == [1]


async def test_one_listener_hears_of_all_its_fixes_at_once(process):
    courier = await process.tracking.adopt(ANNA)
    phone = Phone()
    for seq in range(5):
        process.tracking.submit(courier, [process.fix(seq, seq=seq)], None, phone.on_stored)
    assert await phone.seqs_stored() == [0, 1, 2, 3, 4]


async def test_a_newer_owner_elsewhere_ends_the_older_at_his_next_fix(process, redis_client, database):
    older = await process.tracking.adopt(ANNA)
    await process.says(older, process.fix(0))
    async with running(Process(redis_client, database, process.clock)) as other:
        newer = await other.tracking.adopt(ANNA)
        assert newer.owner > older.owner
        assert newer.last.fix_time_ms == older.last.fix_time_ms
        await eventually(lambda: _is_owned_by(process, newer.owner))
        await process.says(older, process.fix(1))
        assert await asyncio.wait_for(process.replaced.get(), SOON_S) == ANNA
        assert (await process.index.last(ANNA)).owner == newer.owner
        assert other.replaced.empty()


async def _is_owned_by(process, owner) -> bool:
    return (await process.index.last(ANNA)).owner == owner


async def test_a_silent_older_owner_learns_it_by_asking(process, redis_client, database):
    older = await process.tracking.adopt(ANNA)
    async with running(Process(redis_client, database, process.clock)) as other:
        await other.tracking.adopt(ANNA)
        assert await asyncio.wait_for(process.replaced.get(), SOON_S) == ANNA
    assert older.replaced


async def test_a_second_socket_in_the_same_process_takes_over_without_a_word(process):
    older = await process.tracking.adopt(ANNA)
    newer = await process.tracking.adopt(ANNA)
    assert older.replaced
    process.tracking.claimed(ANNA, newer.owner)  # our own claim comes back to us
    await process.says(newer, process.fix(0))
    await process.says(older, process.fix(1))
    assert (await process.index.last(ANNA)).fix_time_ms == process.clock.now_ms()
    assert process.replaced.empty()


async def test_a_released_courier_is_nobodys(process):
    courier = await process.tracking.adopt(ANNA)
    process.tracking.release(courier)
    process.tracking.claimed(ANNA, courier.owner + 1)
    assert process.replaced.empty()


async def test_availability_is_on_the_map_at_once_and_outlives_the_socket(process):
    courier = await process.tracking.adopt(ANNA)
    await process.says(courier, process.fix(0))
    process.tracking.set_available(courier, False)
    await eventually(lambda: _is_available(process, False))
    again = await process.tracking.adopt(ANNA)
    assert again.available is False
    await process.says(again, process.fix(1))
    assert (await process.index.last(ANNA)).available is False


async def _is_available(process, available) -> bool:
    return (await process.index.last(ANNA)).available is available


async def test_a_position_carries_the_mark_of_its_duty(process):
    courier = await process.tracking.adopt(ANNA)
    await process.says(courier, process.fix(0))
    duty = Duty(UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4), 6, Leg.TO_PICKUP)
    process.duties._set(ANNA, duty)

    async def has_its_mark():
        return (await process.index.last(ANNA)).duty_mark == duty.mark

    await eventually(has_its_mark)


async def test_an_http_phone_waits_for_the_commit(process):
    answer = await process.tracking.submit_and_store(BEN, [process.fix(-4), process.fix(0)])
    assert answer == FixesReceived(received=2)
    assert len(await process.track_of(BEN)) == 2
    assert (await process.index.last(BEN)).owner == 0


async def test_an_http_phone_that_asks_again_meanwhile_waits_for_the_commit_too(process, monkeypatch):
    fix, may_commit = process.fix(), asyncio.Event()
    append = process.store.append

    async def slow_append(*packed, **moment):
        await may_commit.wait()
        await append(*packed, **moment)

    monkeypatch.setattr(process.store, "append", slow_append)
    first = asyncio.create_task(process.tracking.submit_and_store(BEN, [fix]))

    async def placed():
        return await process.index.last(BEN) is not None

    await eventually(placed)
    again = asyncio.create_task(process.tracking.submit_and_store(BEN, [fix]))
    await process.tracking.submit_and_store(ANNA, [process.fix(place=(0.0, 0.0))])  # a tick later
    assert not first.done()
    assert not again.done()
    may_commit.set()
    assert (await again).refused == []
    await first
    assert len(await process.track_of(BEN)) == 1


async def test_an_http_phone_whose_fixes_are_all_refused_is_answered(process):
    answer = await process.tracking.submit_and_store(BEN, [process.fix(place=(0.0, 0.0))])
    assert [refused.reason for refused in answer.refused] == [Verdict.NULL_ISLAND]


async def test_an_http_phone_does_not_end_a_socket_and_newest_wins(process):
    courier = await process.tracking.adopt(ANNA)
    await process.says(courier, process.fix(0))
    await process.tracking.submit_and_store(ANNA, [process.fix(5)])
    assert (await process.index.last(ANNA)).fix_time_ms == process.clock.now_ms() + 5_000
    await process.says(courier, process.fix(3))
    placed = await process.index.last(ANNA)
    assert placed.fix_time_ms == process.clock.now_ms() + 5_000
    assert placed.owner == courier.owner
    assert process.replaced.empty()


async def test_an_http_phone_is_judged_by_what_other_processes_know(process, redis_client, database):
    await process.tracking.submit_and_store(BEN, [process.fix(0)])
    async with running(Process(redis_client, database, process.clock)) as other:
        answer = await other.tracking.submit_and_store(BEN, [process.fix(4, place=(52.5, 13.4))])
        assert answer.refused[0].reason == Verdict.IMPOSSIBLE_SPEED
        assert (await other.tracking.submit_and_store(BEN, [process.fix(-4)])).history == 1


async def test_stopping_stores_everything_first(redis_client, database, clock):
    slow = Settings(place_tick_ms=2, track_flush_s=3_600)
    phone = Phone()
    async with running(Process(redis_client, database, clock, slow)) as process:
        courier = await process.tracking.adopt(ANNA)
        await process.says(courier, process.fix(0))
        process.tracking.submit(courier, [process.fix(1, seq=1)], None, phone.on_stored)
    assert phone.stored.get_nowait() == [1]
    assert len(await process.track_of(ANNA)) == 2


async def test_a_stop_without_a_record_ends_and_acknowledges_nothing(redis_client, database_url, clock):
    pool = await open_database(database_url, pool_size=2)
    phone = Phone()
    async with running(Process(redis_client, pool, clock)) as process:
        courier = await process.tracking.adopt(ANNA)
        await pool.close()
        process.tracking.submit(courier, [process.fix(0, seq=1)], phone.on_received, phone.on_stored)
        assert await phone.answer() == FixesReceived(received=1)
        with pytest.raises(Unavailable):
            await process.tracking.submit_and_store(BEN, [process.fix(0)])
    assert phone.stored.empty()


async def test_without_redis_the_track_goes_on(database, clock, tmp_path):
    nobody = Redis.from_url(f"unix://{tmp_path}/nobody", socket_timeout=1)
    async with running(Process(nobody, database, clock)) as process:
        courier = await process.tracking.adopt(ANNA)
        phone = Phone()
        process.tracking.submit(courier, [process.fix(0, seq=3)], phone.on_received, phone.on_stored)
        assert await phone.answer() == FixesReceived(received=1)
        assert await phone.seqs_stored() == [3]
        assert (await process.tracking.submit_and_store(BEN, [process.fix(0)])).received == 1


async def test_what_redis_lost_is_put_again(process, redis_client):
    for number in range(1, 41):
        await process.says(await _adopted(process, UUID(int=number)), process.fix(0))
    await process.tracking.submit_and_store(BEN, [process.fix(0)])
    await redis_client.flushall()

    async def are_all_back():
        return sum([len(batch) async for batch in process.index.load()]) == 41

    await eventually(are_all_back)


_sockets = []


async def _adopted(process, courier_id):
    _sockets.append(await process.tracking.adopt(courier_id))
    return _sockets[-1]


async def test_a_full_buffer_takes_no_more_and_says_so(process):
    process.tracking._buffer._max_fixes = 0
    courier = await process.tracking.adopt(ANNA)
    assert await process.says(courier, process.fix(0)) == FixesReceived(received=1)
    with pytest.raises(RecordAway):
        await process.tracking.submit_and_store(BEN, [process.fix(0)])
    process.tracking._buffer._max_fixes = 10
    answer = await process.says(courier, process.fix(0))  # it comes again, not having heard `stored`
    assert answer.history == 1
    await eventually(lambda: _has_stored(process, ANNA, 1))


async def test_the_silent_leave_the_map(process):
    courier = await process.tracking.adopt(ANNA)
    await process.says(courier, process.fix(0))
    process.clock.turn(QUICK.gone_after_s + 1)
    await process.tracking._owners.sweep()
    assert await process.index.last(ANNA) is None
    assert from_ms(courier.last.fix_time_ms) < process.clock.now()
