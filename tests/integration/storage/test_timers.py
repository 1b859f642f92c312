"""A timer fires once, in whatever process, whatever dies; one that fails holds nobody up."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from server.storage.database import open_database
from server.storage.housekeeping import KEEP_ANSWERS, keep_house
from server.storage.timers import BATCH, LONGEST_BACKOFF_S, Timers, backoff_s
from server.storage.unit_of_work import Storage, UnitOfWork
from tests.builders import an_event
from tests.fakes import NOON, ManualClock
from tests.tables import make_table
from tests.waiting import eventually

Fired = list[tuple[UUID, dict[str, Any]]]


def timers_that_note(storage: Storage, clock: ManualClock, fired: Fired) -> Timers:
    timers = Timers(storage, clock)

    async def note(work: UnitOfWork, entity_id: UUID, payload: dict[str, Any]) -> None:
        fired.append((entity_id, payload))

    timers.on("expire", note)
    return timers


async def set_timer(
    storage: Storage, entity_id: UUID, in_s: float, kind: str = "expire", **payload: Any
) -> None:
    async with storage.unit_of_work() as work:
        await work.set_timer(kind, entity_id, work.now + timedelta(seconds=in_s), payload)


async def test_a_timer_fires_when_it_is_due_with_what_it_was_given(
    storage: Storage, clock: ManualClock
) -> None:
    fired: Fired = []
    timers = timers_that_note(storage, clock, fired)
    order = uuid4()
    await set_timer(storage, order, 60.0, why="silence")
    assert await timers.run_due() == 0
    clock.turn(60.0)
    assert await timers.run_due() == 1
    assert await timers.run_due() == 0
    assert fired == [(order, {"why": "silence"})]


async def test_the_earliest_fires_first(storage: Storage, clock: ManualClock) -> None:
    fired: Fired = []
    timers = timers_that_note(storage, clock, fired)
    ids = [uuid4() for _ in range(5)]
    for in_s, entity_id in zip((5, 1, 4, 2, 3), ids, strict=True):
        await set_timer(storage, entity_id, in_s)
    clock.turn(10.0)
    assert await timers.run_due() == 5
    assert [entity_id for entity_id, _ in fired] == [ids[index] for index in (1, 3, 4, 2, 0)]


async def test_two_processes_fire_each_timer_once(storage: Storage, clock: ManualClock) -> None:
    """A handler may begin when another process has just finished, but nothing it does counts then."""

    async def expire(work: UnitOfWork, entity_id: UUID, payload: dict[str, Any]) -> None:
        await work.connection.execute("INSERT INTO expired VALUES ($1)", entity_id)

    await make_table(storage.pool, "CREATE TABLE expired (id uuid NOT NULL)")
    several = [Timers(storage, clock) for _ in range(2)]
    for timers in several:
        timers.on("expire", expire)
    ids = [uuid4() for _ in range(40)]
    for entity_id in ids:
        await set_timer(storage, entity_id, 0.0)
    counts = await asyncio.gather(*(timers.run_due() for timers in several))
    assert sum(counts) == 40
    rows = await storage.pool.fetch("SELECT id FROM expired")
    assert sorted(row["id"] for row in rows) == sorted(ids)


async def test_setting_a_timer_again_moves_it_and_clearing_forgets_it(
    storage: Storage, clock: ManualClock
) -> None:
    fired: Fired = []
    timers = timers_that_note(storage, clock, fired)
    moved, cleared = uuid4(), uuid4()
    await set_timer(storage, moved, 1.0, n=1)
    await set_timer(storage, cleared, 1.0)
    await set_timer(storage, moved, 5.0, n=2)
    async with storage.unit_of_work() as work:
        await work.clear_timer("expire", cleared)
    clock.turn(2.0)
    assert await timers.run_due() == 0
    clock.turn(4.0)
    assert await timers.run_due() == 1
    assert fired == [(moved, {"n": 2})]


async def test_a_failing_handler_is_tried_again_later_and_holds_nobody_up(
    storage: Storage, clock: ManualClock
) -> None:
    fired: Fired = []
    timers = timers_that_note(storage, clock, fired)
    broken = True

    async def fails(work: UnitOfWork, entity_id: UUID, payload: dict[str, Any]) -> None:
        await work.append(an_event())
        if broken:
            raise ZeroDivisionError

    timers.on("assign", fails)
    await set_timer(storage, uuid4(), 0.0, kind="assign")
    good = uuid4()
    await set_timer(storage, good, 1.0)
    clock.turn(1.0)
    assert await timers.run_due() == 1
    assert [entity_id for entity_id, _ in fired] == [good]
    assert timers.failures == 1
    assert await storage.pool.fetchval("SELECT count(*) FROM event_log") == 0
    assert await storage.pool.fetchval("SELECT attempts FROM timers") == 1
    broken = False
    clock.turn(backoff_s(0))
    assert await timers.run_due() == 1
    assert await storage.pool.fetchval("SELECT count(*) FROM timers") == 0


async def test_a_handler_may_set_its_own_timer_again(storage: Storage, clock: ManualClock) -> None:
    timers = Timers(storage, clock)
    times = []

    async def again(work: UnitOfWork, entity_id: UUID, payload: dict[str, Any]) -> None:
        times.append(work.now)
        await work.set_timer("assign", entity_id, work.now + timedelta(seconds=3))

    timers.on("assign", again)
    await set_timer(storage, uuid4(), 0.0, kind="assign")
    for _ in range(3):
        assert await timers.run_due() == 1
        clock.turn(3.0)
    assert times == [NOON, NOON + timedelta(seconds=3), NOON + timedelta(seconds=6)]


async def test_a_kind_this_process_does_not_know_is_left_to_others(
    storage: Storage, clock: ManualClock
) -> None:
    await set_timer(storage, uuid4(), 0.0, kind="from a newer release")
    assert await timers_that_note(storage, clock, []).run_due() == 0
    assert await storage.pool.fetchval("SELECT count(*) FROM timers") == 1


async def test_a_timer_whose_process_died_in_its_handler_fires_elsewhere(
    storage: Storage, clock: ManualClock, database_url: str
) -> None:
    """The dead one held the claim; when its connection ends, the timer is as it was."""
    fired: Fired = []
    timers = timers_that_note(storage, clock, fired)
    order = uuid4()
    await set_timer(storage, order, 0.0)
    pool = await open_database(database_url, pool_size=2)
    dying = Timers(Storage(pool, None, clock), clock)
    begun = asyncio.Event()

    async def hang(work: UnitOfWork, entity_id: UUID, payload: dict[str, Any]) -> None:
        begun.set()
        await asyncio.Event().wait()

    dying.on("expire", hang)
    running = asyncio.create_task(dying.run_due())
    async with asyncio.timeout(5):
        await begun.wait()
    assert await timers.run_due() == 0
    pool.terminate()

    async def fires() -> bool:
        return await timers.run_due() == 1

    await eventually(fires)
    assert fired == [(order, {})]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_run_fires_a_timer_set_for_now_at_once(storage: Storage, clock: ManualClock) -> None:
    timers = Timers(storage, clock)
    called = asyncio.Event()

    async def call(work: UnitOfWork, entity_id: UUID, payload: dict[str, Any]) -> None:
        called.set()

    timers.on("assign", call)
    running = asyncio.create_task(timers.run())
    await set_timer(storage, uuid4(), 0.0, kind="assign")
    async with asyncio.timeout(5):
        await called.wait()
    running.cancel()


async def test_a_slow_handler_does_not_hold_up_the_others(storage: Storage, clock: ManualClock) -> None:
    timers = Timers(storage, clock)
    called: list[UUID] = []
    slow, done = uuid4(), asyncio.Event()

    async def call(work: UnitOfWork, entity_id: UUID, payload: dict[str, Any]) -> None:
        if entity_id == slow:
            await done.wait()
        called.append(entity_id)

    timers.on("assign", call)
    running = asyncio.create_task(timers.run())
    await set_timer(storage, slow, 0.0, kind="assign")
    others = [uuid4() for _ in range(BATCH + 10)]
    async with storage.unit_of_work() as work:
        for entity_id in others:
            await work.set_timer("assign", entity_id, work.now)

    async def others_were_called() -> bool:
        return len(called) == len(others)

    await eventually(others_were_called)
    assert slow not in called
    done.set()

    async def all_were_called() -> bool:
        return await storage.pool.fetchval("SELECT count(*) FROM timers") == 0

    await eventually(all_were_called)
    assert sorted(called) == sorted([slow, *others])
    running.cancel()


class Firing:
    """An order whose timer is firing: the handler waits for the order's row, which a command holds."""

    def __init__(self, storage: Storage, clock: ManualClock) -> None:
        self.storage = storage
        self.order = uuid4()
        self.timers = Timers(storage, clock)
        self.begun = asyncio.Event()
        self.timers.on("expire", self._expire)

    async def _expire(self, work: UnitOfWork, entity_id: UUID, payload: dict[str, Any]) -> None:
        self.begun.set()
        await self._lock(work)
        await work.append(an_event(name="expired"))
        await work.set_timer("remind", entity_id, work.now)
        if payload.get("again"):
            await work.set_timer("expire", entity_id, work.now + timedelta(seconds=1))

    async def _lock(self, work: UnitOfWork) -> None:
        await work.connection.execute("SELECT FROM orders_held WHERE id = $1 FOR UPDATE", self.order)

    async def while_a_command(self, command: Callable[[UnitOfWork], Awaitable[None]], **payload: Any) -> int:
        """How many timers fired, when `command` had the order first."""
        await make_table(self.storage.pool, "CREATE TABLE orders_held (id uuid PRIMARY KEY)")
        await self.storage.pool.execute("INSERT INTO orders_held VALUES ($1)", self.order)
        await set_timer(self.storage, self.order, 0.0, **payload)
        async with self.storage.unit_of_work() as work:
            await self._lock(work)
            firing = asyncio.create_task(self.timers.run_due())
            async with asyncio.timeout(5):
                await self.begun.wait()
            await command(work)
        return await firing

    async def events(self) -> int:
        count: int = await self.storage.pool.fetchval("SELECT count(*) FROM event_log")
        return count


@pytest.mark.parametrize("again", [False, True])
async def test_a_command_that_clears_a_firing_timer_neither_waits_for_it_nor_is_overtaken(
    storage: Storage, clock: ManualClock, again: bool
) -> None:
    firing = Firing(storage, clock)

    async def clear(work: UnitOfWork) -> None:
        await work.clear_timer("expire", firing.order)

    async with asyncio.timeout(0.9):  # PostgreSQL looks for deadlocks after a second
        assert await firing.while_a_command(clear, again=again) == 0
    assert await firing.events() == 0
    assert await storage.pool.fetchval("SELECT count(*) FROM timers") == 0


@pytest.mark.parametrize("again", [False, True])
async def test_a_command_that_moves_a_firing_timer_is_what_counts(
    storage: Storage, clock: ManualClock, again: bool
) -> None:
    firing = Firing(storage, clock)
    later = NOON + timedelta(hours=1)

    async def move(work: UnitOfWork) -> None:
        await work.set_timer("expire", firing.order, later, {"moved": True})

    async with asyncio.timeout(0.9):
        assert await firing.while_a_command(move, again=again) == 0
    assert await firing.events() == 0
    row = await storage.pool.fetchrow("SELECT kind, due_at, payload FROM timers")
    assert tuple(row) == ("expire", later, {"moved": True})


@pytest.mark.parametrize("again", [False, True])
async def test_a_command_that_leaves_the_timer_lets_it_fire_afterwards(
    storage: Storage, clock: ManualClock, again: bool
) -> None:
    firing = Firing(storage, clock)

    async def leave(work: UnitOfWork) -> None:
        await work.append(an_event())

    assert await firing.while_a_command(leave, again=again) == 1
    assert await firing.events() == 2
    kinds = await storage.pool.fetch("SELECT kind, due_at FROM timers ORDER BY kind")
    moved = [("expire", NOON + timedelta(seconds=1))] if again else []
    assert [tuple(row) for row in kinds] == [*moved, ("remind", NOON)]


@pytest.mark.parametrize(("attempts", "expected_s"), [(0, 1.0), (3, 8.0), (100_000, LONGEST_BACKOFF_S)])
def test_backoff(attempts: int, expected_s: float) -> None:
    assert backoff_s(attempts) == expected_s


async def test_old_answers_are_forgotten_and_younger_ones_kept(storage: Storage, clock: ManualClock) -> None:
    async def nothing(work: UnitOfWork) -> None:
        return None

    timers = Timers(storage, clock)
    await storage.once(uuid4(), "old", b"f", nothing)
    clock.turn(KEEP_ANSWERS.total_seconds() + 1.0)
    await storage.once(uuid4(), "young", b"f", nothing)
    await keep_house(storage, timers)
    assert await timers.run_due() == 1
    assert [row["key"] for row in await storage.pool.fetch("SELECT key FROM idempotency_keys")] == ["young"]
    clock.turn(3600.0)
    assert await timers.run_due() == 1
