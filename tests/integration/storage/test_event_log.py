"""Nothing of the log is skipped or repeated, whatever order transactions commit in and whatever dies between."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from redis.asyncio import Redis

from server.storage.database import open_database
from server.storage.event_log import (
    Cursor,
    Event,
    EventTail,
    LogRow,
    VersionConflict,
    changes_since,
    read_at,
)
from server.storage.hints import CHANNEL
from server.storage.pending import Pending
from server.storage.unit_of_work import Storage
from tests.builders import an_event
from tests.fakes import NOON, ManualClock
from tests.waiting import eventually

TOPIC = "dispatch:all"


class Heard:
    """A subscriber that can be waited for."""

    def __init__(self, tail: EventTail) -> None:
        self.rows: list[LogRow] = []
        self._more = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        tail.subscribe(self._hear)

    def _hear(self, rows: Sequence[LogRow]) -> None:
        self.rows += rows
        task = asyncio.create_task(self._tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self) -> None:
        async with self._more:
            self._more.notify_all()

    async def until(self, *ids: UUID) -> None:
        """Wait until all these entities were heard of."""
        async with asyncio.timeout(10), self._more:
            await self._more.wait_for(lambda: set(ids) <= set(self.ids))

    @property
    def ids(self) -> list[UUID]:
        return [row.entity_id for row in self.rows]


async def insert_events(connection: asyncpg.Connection, events: Sequence[Event]) -> None:
    """As a unit of work does it, on a connection of the test's own."""
    await Pending(events=list(events)).write(connection, NOON)


async def append(storage: Storage, *events: Event) -> None:
    async with storage.unit_of_work() as work:
        await work.append(*events)


async def test_a_row_says_what_the_command_said(storage: Storage) -> None:
    heard = Heard(storage.tail)
    actor = uuid4()
    event = an_event(actor_id=actor, fields={"status": "accepted", "reason": None}, topics=("a:1", "b:2"))
    await append(storage, event)
    await heard.until(event.entity_id)
    row = heard.rows[0]
    assert {name: getattr(row, name) for name in Event.__slots__} == {
        name: getattr(event, name) for name in Event.__slots__
    }
    assert row.received_at == NOON
    assert (row.transaction_id, row.position) > (0, 0)


async def test_transactions_that_commit_out_of_order_are_both_heard_in_the_order_of_the_log(
    storage: Storage, database: asyncpg.Pool
) -> None:
    heard = Heard(storage.tail)
    early, late = an_event(), an_event()
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await insert_events(connection, [early])
        await append(storage, late)  # commits first, with the greater number
        assert heard.rows == []
        await transaction.commit()
    await heard.until(early.entity_id, late.entity_id)
    assert heard.ids == [early.entity_id, late.entity_id]


async def test_a_row_held_back_is_heard_soon_after_without_another_hint(
    storage: Storage, database: asyncpg.Pool
) -> None:
    """20 ms re-looks: the poll of this tail would take an hour."""
    tail = EventTail(database, clock=ManualClock(), poll_ms=3_600_000)
    heard = Heard(tail)
    await tail.start()
    running = asyncio.create_task(tail.run())
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.fetchval("SELECT pg_current_xact_id()")
        event = an_event()
        async with storage.unit_of_work() as work:
            await work.append(event)
        tail.hint(work.transaction_id)
        await asyncio.sleep(0.05)
        assert heard.rows == []
        await transaction.rollback()
    await heard.until(event.entity_id)
    running.cancel()


async def test_a_row_whose_hint_was_lost_is_found_by_polling(
    storage: Storage, database: asyncpg.Pool
) -> None:
    heard = Heard(storage.tail)
    event = an_event()
    async with database.acquire() as connection:
        await insert_events(connection, [event])
    await heard.until(event.entity_id)


async def test_a_hint_of_another_process_wakes_the_tail(
    storage: Storage, database: asyncpg.Pool, redis_client: Redis
) -> None:
    other = Storage(database, redis_client, ManualClock(), poll_ms=3_600_000)
    heard = Heard(other.tail)
    await other.tail.start()
    running = asyncio.create_task(other.run())

    async def both_listen() -> bool:
        return bool((await redis_client.pubsub_numsub(CHANNEL))[0][1] == 2)

    await eventually(both_listen)
    event = an_event()
    await append(storage, event)
    await heard.until(event.entity_id)
    running.cancel()


async def test_a_hint_of_another_database_does_not_keep_the_tail_busy(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    look = storage.tail._look

    async def counted(connection: asyncpg.Connection) -> None:
        looks.append(1)
        await look(connection)

    monkeypatch.setattr(storage.tail, "_look", counted)
    storage.tail.hint(2**60)
    await asyncio.sleep(0.09)
    assert len(looks) <= 2


async def test_more_rows_than_one_batch_all_come(storage: Storage) -> None:
    heard = Heard(storage.tail)
    events = [an_event() for _ in range(2500)]
    async with storage.unit_of_work() as work:
        for first in range(0, 2500, 500):
            await work.append(*events[first : first + 500])
    await heard.until(events[-1].entity_id)
    assert heard.ids == [event.entity_id for event in events]


async def test_one_subscriber_s_mistake_keeps_nothing_from_the_others(storage: Storage) -> None:
    def fails(rows: Sequence[LogRow]) -> None:
        raise ZeroDivisionError

    storage.tail.subscribe(fails)
    heard = Heard(storage.tail)
    first, second = an_event(), an_event()
    await append(storage, first)
    await heard.until(first.entity_id)
    await append(storage, second)
    await heard.until(second.entity_id)


async def test_a_tail_whose_connections_are_cut_comes_back_where_it_was(
    storage: Storage, database_url: str
) -> None:
    heard = Heard(storage.tail)
    before, between = an_event(), an_event()
    await append(storage, before)
    await heard.until(before.entity_id)
    admin = await asyncpg.connect(database_url)
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await admin.close()
    pool = await open_database(database_url, pool_size=1)
    await insert_events_alone(pool, between)
    await heard.until(between.entity_id)
    assert heard.ids == [before.entity_id, between.entity_id]
    await pool.close()


async def insert_events_alone(pool: asyncpg.Pool, *events: Event) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await insert_events(connection, events)


async def test_a_version_that_is_taken_is_a_conflict_and_nothing_happens(storage: Storage) -> None:
    event = an_event()
    await append(storage, event)
    with pytest.raises(VersionConflict):
        await append(storage, an_event(), event)
    assert await storage.pool.fetchval("SELECT count(*) FROM event_log") == 1


async def changes(pool: asyncpg.Pool, cursor: Cursor, **options: Any) -> tuple[list[LogRow], Cursor] | None:
    async with read_at(pool) as (connection, _):
        found = await changes_since(connection, TOPIC, cursor, **options)
    return None if found is None else (found[0], cursor.level_with(found[1]))


async def test_a_rejoin_gets_the_changes_of_his_topic_and_no_others(storage: Storage) -> None:
    async with read_at(storage.pool) as (_, cursor):
        pass
    mine, other = an_event(topics=(TOPIC, "order:1")), an_event(topics=("order:1",))
    await append(storage, mine, other)
    found = await changes(storage.pool, cursor)
    assert found is not None
    assert [row.entity_id for row in found[0]] == [mine.entity_id]
    assert await changes(storage.pool, found[1]) == ([], found[1])


async def test_a_cursor_too_far_behind_or_of_another_database_means_resync(storage: Storage) -> None:
    async with read_at(storage.pool) as (_, cursor):
        pass
    await append(storage, *(an_event(topics=(TOPIC,)) for _ in range(3)))
    assert await changes(storage.pool, cursor, limit=3) is not None
    assert await changes(storage.pool, cursor, limit=2) is None
    assert await changes(storage.pool, Cursor(str(uuid4()), cursor.transaction_id, 0)) is None
    assert await changes(storage.pool, Cursor(cursor.incarnation, 2**50, 0)) is None


class Viewer:
    """Joins once, then rejoins with the cursor of the last row he had, as text."""

    def __init__(self) -> None:
        self.had: list[UUID] = []
        self._cursor = ""

    async def join(self, pool: asyncpg.Pool) -> None:
        async with read_at(pool) as (connection, cursor):
            self.had = [row[0] for row in await connection.fetch("SELECT entity_id FROM event_log")]
        self._cursor = str(cursor)

    async def rejoin(self, pool: asyncpg.Pool, choose: random.Random) -> None:
        cursor = Cursor.parse(self._cursor)
        found = await changes(pool, cursor)
        assert found is not None
        rows, level = found
        cut = choose.randint(0, len(rows))  # he may vanish after any of them
        self.had += [row.entity_id for row in rows[:cut]]
        if cut == len(rows):
            self._cursor = str(level)
        elif cut > 0:
            self._cursor = str(cursor.after(rows[cut - 1]))


@pytest.mark.parametrize("seed", range(4))
async def test_snapshot_and_rejoins_give_each_change_once_among_open_transactions(
    database: asyncpg.Pool, seed: int
) -> None:
    """Transactions begin, write, commit and roll back in any order while viewers join and rejoin at random.

    What a snapshot showed and what came after must together be what was committed, each row once.
    """
    choose = random.Random(seed)
    open_now: list[tuple[Any, Any, list[UUID]]] = []
    committed: set[UUID] = set()
    viewers: list[Viewer] = []

    async def begin() -> None:
        connection = await database.acquire()
        transaction = connection.transaction()
        await transaction.start()
        open_now.append((connection, transaction, []))

    async def write() -> None:
        connection, _, ids = choose.choice(open_now)
        event = an_event(topics=(TOPIC,))
        await insert_events(connection, [event])
        ids.append(event.entity_id)

    async def end(*, well: bool) -> None:
        connection, transaction, ids = open_now.pop(choose.randrange(len(open_now)))
        await (transaction.commit() if well else transaction.rollback())
        await database.release(connection)
        if well:
            committed.update(ids)

    async def join() -> None:
        viewers.append(Viewer())
        await viewers[-1].join(database)
        assert set(viewers[-1].had) == committed

    for _ in range(100):
        match choose.choices(("begin", "write", "end", "join", "rejoin"), (3, 5, 2, 1, 2))[0]:
            case "begin" if len(open_now) < 6:
                await begin()
            case "write" if open_now:
                await write()
            case "end" if open_now:
                await end(well=choose.random() < 0.8)
            case "join":
                await join()
            case "rejoin" if viewers:
                await choose.choice(viewers).rejoin(database, choose)
    while open_now:
        await end(well=True)
    for viewer in viewers:
        for _ in range(30):
            await viewer.rejoin(database, choose)
        assert sorted(viewer.had) == sorted(committed)


async def test_a_join_while_the_tail_goes_on_has_no_gap_and_no_repeat(storage: Storage) -> None:
    """The hub's way: keep what the tail brings, read a snapshot, then pass on what the cursor needs."""
    kept: list[LogRow] = []
    storage.tail.subscribe(kept.extend)
    heard = Heard(storage.tail)
    stop = asyncio.Event()
    written: list[UUID] = []

    async def write() -> None:
        while not stop.is_set():
            event = an_event(topics=(TOPIC,))
            await append(storage, event)
            written.append(event.entity_id)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(write())
        for _ in range(10):
            async with read_at(storage.pool) as (connection, cursor):
                shown = [r[0] for r in await connection.fetch("SELECT entity_id FROM event_log")]
            so_far = list(written)
            await heard.until(*so_far)
            later = [row.entity_id for row in kept if cursor.needs(row)]
            assert len(shown) + len(later) == len({*shown, *later})
            assert set(so_far) <= {*shown, *later}
        stop.set()
