"""What a command does happens whole, once, and with its handlers; or not at all."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest
from redis.asyncio import Redis

from server.storage.database import DatabaseUnavailable
from server.storage.event_log import Event
from server.storage.idempotency import Answer, BadKey, KeyReused
from server.storage.unit_of_work import Storage, UnitOfWork
from tests.builders import an_event
from tests.fakes import ManualClock


async def events_in(storage: Storage) -> int:
    count: int = await storage.pool.fetchval("SELECT count(*) FROM event_log")
    return count


async def test_a_handler_acts_in_the_same_transaction(storage: Storage) -> None:
    withdrawn = an_event(entity="assignment", name="withdrawn")

    async def withdraw(work: UnitOfWork, event: Event) -> None:
        assert event.name == "cancelled"
        await work.append(withdrawn)

    storage.on_event("order", "cancelled", withdraw)
    async with storage.unit_of_work() as work:
        await work.append(an_event(name="cancelled"), an_event(name="placed"))
    rows = await storage.pool.fetch("SELECT name, transaction_id FROM event_log ORDER BY position")
    assert [row["name"] for row in rows] == ["cancelled", "placed", "withdrawn"]
    assert len({row["transaction_id"] for row in rows}) == 1


async def test_a_handler_that_fails_undoes_the_command(storage: Storage) -> None:
    async def fails(work: UnitOfWork, event: Event) -> None:
        raise ZeroDivisionError

    storage.on_event("order", "cancelled", fails)
    with pytest.raises(ZeroDivisionError):
        async with storage.unit_of_work() as work:
            await work.append(an_event(name="cancelled"))
    assert await events_in(storage) == 0


async def test_what_was_said_is_written_in_its_order_and_may_be_written_early(storage: Storage) -> None:
    events = [an_event(name=f"e{number}", topics=(f"a:{number}", 'b:"{},\\')) for number in range(40)]

    async with storage.unit_of_work() as work:
        await work.append(*events[:15])
        await work.append(*events[15:30])
        assert await work.connection.fetchval("SELECT count(*) FROM event_log") == 0
        await work.flush()
        first_id = work.transaction_id
        assert await work.connection.fetchval("SELECT count(*) FROM event_log") == 30
        await work.append(*events[30:])
    assert work.transaction_id == first_id is not None
    rows = await storage.pool.fetch("SELECT name, topics, transaction_id FROM event_log ORDER BY position")
    assert [(row["name"], tuple(row["topics"])) for row in rows] == [(e.name, e.topics) for e in events]
    assert {row["transaction_id"] for row in rows} == {first_id}


async def test_a_unit_that_says_nothing_writes_nothing(storage: Storage) -> None:
    async with storage.unit_of_work() as work:
        await work.connection.fetchval("SELECT 1")
        await work.flush()
        assert await work.connection.fetchval("SELECT pg_current_xact_id_if_assigned()") is None
    assert work.transaction_id is None


async def test_of_a_timer_the_last_word_counts(storage: Storage) -> None:
    entity = uuid4()
    async with storage.unit_of_work() as work:
        for kind in ("kept", "moved"):
            await work.set_timer(kind, entity, work.now)
    async with storage.unit_of_work() as work:
        await work.set_timer("set and cleared", entity, work.now)
        await work.clear_timer("set and cleared", entity)
        await work.clear_timer("moved", entity)
        await work.set_timer("moved", entity, work.now, {"n": 2})
        await work.clear_timer("never set", uuid4())
        await work.set_timer("kept", uuid4(), work.now)
        await work.clear_timer("kept", entity)
    rows = await storage.pool.fetch("SELECT kind, payload FROM timers ORDER BY kind")
    assert [tuple(row) for row in rows] == [("kept", {}), ("moved", {"n": 2})]


async def test_a_command_does_not_wait_for_a_redis_that_has_gone(
    database: asyncpg.Pool, clock: ManualClock
) -> None:
    nowhere = Redis.from_url("unix:///nowhere/redis.sock")
    storage = Storage(database, nowhere, clock)
    async with storage.unit_of_work() as work:
        await work.append(an_event())
    assert await events_in(storage) == 1
    await storage.close()
    await nowhere.aclose()


class Placing:
    """A command without any lock: each time it is tried it would do, and answer, something else."""

    async def act(self, work: UnitOfWork) -> Answer:
        event = an_event()
        await work.append(event)
        return {"order_id": str(event.entity_id), "ready": None}


async def test_a_repeated_key_gets_the_same_answer_and_no_second_effect(storage: Storage) -> None:
    placing, account = Placing(), uuid4()
    answers = [await storage.once(account, "k", b"same", placing.act) for _ in range(3)]
    assert answers == [answers[0]] * 3
    assert await events_in(storage) == 1


async def test_the_first_answer_is_already_what_the_repeated_one_will_be(storage: Storage) -> None:
    class Rich:
        async def act(self, work: UnitOfWork) -> Answer:
            return {"id": UUID(int=1), "at": work.now, "pair": (1, 2)}

    account = uuid4()
    first = await storage.once(account, "k", b"f", Rich().act)
    assert first == await storage.once(account, "k", b"f", Rich().act)


async def test_a_key_belongs_to_its_account_and_none_is_no_key(storage: Storage) -> None:
    placing = Placing()
    for account, key in ((uuid4(), "k"), (uuid4(), "k"), (uuid4(), None), (uuid4(), None)):
        await storage.once(account, key, b"f", placing.act)
    assert await events_in(storage) == 4


async def test_a_key_with_another_request_is_refused(storage: Storage) -> None:
    placing, account = Placing(), uuid4()
    await storage.once(account, "k", b"one", placing.act)
    with pytest.raises(KeyReused):
        await storage.once(account, "k", b"two", placing.act)
    assert await events_in(storage) == 1


async def test_the_same_key_at_the_same_time_takes_effect_once(storage: Storage) -> None:
    placing, account = Placing(), uuid4()
    answers = await asyncio.gather(*(storage.once(account, "k", b"f", placing.act) for _ in range(6)))
    assert answers == [answers[0]] * 6
    assert await events_in(storage) == 1


async def test_a_refusal_is_not_kept(storage: Storage) -> None:
    placing, account = Placing(), uuid4()

    async def refused(work: UnitOfWork) -> Answer:
        raise KeyError

    with pytest.raises(KeyError):
        await storage.once(account, "k", b"f", refused)
    await storage.once(account, "k", b"f", placing.act)
    assert await events_in(storage) == 1


@pytest.mark.parametrize("key", ["", "k" * 201, "a\x00b"])
async def test_a_key_that_is_none_is_bad_input(storage: Storage, key: str) -> None:
    with pytest.raises(BadKey):
        await storage.once(uuid4(), key, b"f", Placing().act)


async def test_a_database_that_cuts_us_off_is_unavailable_and_nothing_is_half_done(
    storage: Storage, database_url: str
) -> None:
    async def cut_off(work: UnitOfWork) -> Answer:
        await work.append(an_event())
        other = await asyncpg.connect(database_url)
        await other.execute("SELECT pg_terminate_backend($1, 1000)", work.connection.get_server_pid())
        await other.close()
        await work.append(an_event())
        return None

    with pytest.raises(DatabaseUnavailable):
        await storage.once(uuid4(), "k", b"f", cut_off)
    assert await events_in(storage) == 0
