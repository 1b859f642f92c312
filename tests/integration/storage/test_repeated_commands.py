"""A command that comes twice, at once or later, with or without a lock in common: one effect, one answer."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.errors import Refused
from server.storage.database import DatabaseUnavailable, open_database
from server.storage.idempotency import Answer, KeyReused
from server.storage.unit_of_work import ATTEMPTS, Storage, UnitOfWork
from tests.builders import an_event
from tests.fakes import ManualClock
from tests.tables import make_table

ACCOUNT = UUID(int=7)


@dataclass(frozen=True)
class Sent:
    """A command as somebody sends it: what it does, the key, the body, and how long it dawdles on the way."""

    does: str
    key: str
    body: bytes
    before: int
    between: int


@dataclass
class Counters:
    """A table of numbers that commands move, and what they were answered."""

    storage: Storage
    answers: list[tuple[Sent, bytes]] = field(default_factory=list)
    refused: list[Sent] = field(default_factory=list)
    reused: list[Sent] = field(default_factory=list)

    @classmethod
    async def fresh(cls, pool: asyncpg.Pool) -> "Counters":
        await make_table(
            pool, "CREATE TABLE IF NOT EXISTS counters (name text PRIMARY KEY, value int NOT NULL)"
        )
        await pool.execute(
            "DELETE FROM counters; DELETE FROM event_log; DELETE FROM idempotency_keys;"
            "INSERT INTO counters VALUES ('stock', 2), ('seen', 0)"
        )
        return cls(Storage(pool, None, ManualClock()))

    async def send(self, sent: Sent) -> None:
        """Give the command; whatever becomes of it is noted."""
        for _ in range(sent.before):
            await asyncio.sleep(0)
        try:
            answer = await self.storage.once(ACCOUNT, sent.key, sent.body, self._act(sent))
        except KeyReused:
            self.reused.append(sent)
        except Refused:
            self.refused.append(sent)
        else:
            self.answers.append((sent, orjson.dumps(answer)))

    def _act(self, sent: Sent) -> Callable[[UnitOfWork], Awaitable[Answer]]:
        async def act(work: UnitOfWork) -> Answer:
            seen = await {"place": self._place, "take": self._take, "count": self._count}[sent.does](work)
            for _ in range(sent.between):
                await asyncio.sleep(0)
            event = an_event(fields={"key": sent.key, "body": sent.body.decode()})
            await work.append(event)
            return {
                "zebra": str(event.entity_id),
                "a": [seen, 0.1, None],
                "when": {"b": 1, "aa": "\u9001\x00"},
            }

        return act

    async def _place(self, work: UnitOfWork) -> int:
        """Nothing in common with anybody."""
        return 0

    async def _take(self, work: UnitOfWork) -> int:
        """Refused, once there is none left."""
        left: int = await work.connection.fetchval(
            "SELECT value FROM counters WHERE name = 'stock' FOR UPDATE"
        )
        if left == 0:
            raise Refused
        await work.connection.execute("UPDATE counters SET value = value - 1 WHERE name = 'stock'")
        return left

    async def _count(self, work: UnitOfWork) -> int:
        """Always possible, one after the other."""
        value: int = await work.connection.fetchval(
            "UPDATE counters SET value = value + 1 WHERE name = 'seen' RETURNING value"
        )
        return value

    async def check(self) -> None:
        """Each key that was answered has had one effect, and all who gave it with that body had one answer."""
        rows = await self.storage.pool.fetch("SELECT fields FROM event_log")
        effects = Counter((row["fields"]["key"], row["fields"]["body"].encode()) for row in rows)
        answers: dict[str, set[bytes]] = {}
        for sent, answer in self.answers:
            answers.setdefault(sent.key, set()).add(answer)
            assert effects[sent.key, sent.body] == 1
        assert all(len(different) == 1 for different in answers.values())
        assert len({key for key, _ in effects}) == effects.total() == len(answers)
        assert all(sent.key in answers for sent in self.reused)


SENT = st.builds(
    Sent,
    does=st.sampled_from(["place", "take", "count"]),
    key=st.sampled_from(["k1", "k2", "k3"]),
    body=st.sampled_from([b"one", b"one", b"other"]),
    before=st.integers(0, 8),
    between=st.integers(0, 8),
)


def test_whatever_is_sent_twice_happens_once(database_url: str) -> None:
    async def play(at_once: list[Sent]) -> None:
        pool = await open_database(database_url, pool_size=6)
        try:
            counters = await Counters.fresh(pool)
            await asyncio.gather(*map(counters.send, at_once))
            await counters.check()
            kept = {sent.key: (sent.body, answer) for sent, answer in counters.answers}
            later = Counters(counters.storage)
            for (
                sent
            ) in at_once:  # all of them again, when it is quiet: the answer kept, or another body refused
                await later.send(sent)
                if sent.key in kept and sent.body == kept[sent.key][0]:
                    assert later.answers[-1] == (sent, kept[sent.key][1])
                elif sent.key in kept:
                    assert later.reused[-1] == sent
            counters.answers += later.answers
            counters.reused += later.reused
            await counters.check()
        finally:
            await pool.close()

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(SENT, min_size=2, max_size=10))
    def histories(at_once: list[Sent]) -> None:
        asyncio.run(play(at_once))

    histories()


async def test_who_is_refused_because_his_first_try_came_through_gets_its_answer(
    database: asyncpg.Pool,
) -> None:
    """Ten at once for one thing: nine find it gone, and hear of the one."""
    counters = await Counters.fresh(database)
    await database.execute("UPDATE counters SET value = 1 WHERE name = 'stock'")
    await asyncio.gather(*(counters.send(Sent("take", "k", b"same", n, 3)) for n in range(10)))
    assert len(counters.answers) == 10
    await counters.check()


@pytest.mark.parametrize("does", ["take", "place"])
async def test_another_body_is_told_so_whether_it_would_be_refused_or_not(
    database: asyncpg.Pool, does: str
) -> None:
    counters = await Counters.fresh(database)
    await database.execute("UPDATE counters SET value = 1 WHERE name = 'stock'")
    await counters.send(Sent("take", "k", b"one", 0, 0))
    await counters.send(Sent(does, "k", b"other", 0, 0))
    assert [sent.body for sent in counters.reused] == [b"other"]
    await counters.check()


async def test_an_answer_whose_sender_never_heard_it_is_there_for_the_next_process(
    database: asyncpg.Pool, database_url: str, clock: ManualClock
) -> None:
    """Killed between the commit and the answer: another process gives it."""
    counters = await Counters.fresh(database)
    await counters.send(Sent("count", "k", b"one", 0, 0))
    (_, first), *_ = counters.answers
    pool = await open_database(database_url, pool_size=1)
    elsewhere = Counters(Storage(pool, None, clock))
    await elsewhere.send(Sent("count", "k", b"one", 0, 0))
    assert elsewhere.answers[0][1] == first
    await pool.close()


class Crossing:
    """Commands that take two rows, each in its own order; the first time they wait until both have one."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.tries = 0
        self.both_have_one = asyncio.Barrier(2)

    async def act(self, work: UnitOfWork, first: str, second: str) -> Answer:
        self.tries += 1
        meets = self.tries <= 2
        await work.append(an_event())
        await work.connection.execute("SET LOCAL ROLE NONE; SET LOCAL deadlock_timeout = '10ms'")
        await work.connection.execute("UPDATE counters SET value = value + 1 WHERE name = $1", first)
        if meets:
            await self.both_have_one.wait()
        await work.connection.execute("UPDATE counters SET value = value + 1 WHERE name = $1", second)
        return first


@pytest.mark.parametrize("keyed", [True, False])
async def test_of_two_commands_that_wait_for_each_other_the_one_that_is_ended_is_tried_again(
    database: asyncpg.Pool, keyed: bool
) -> None:
    storage = (await Counters.fresh(database)).storage
    crossing = Crossing(storage)

    def give(first: str, second: str) -> Awaitable[Answer]:
        key = first if keyed else None
        return storage.once(ACCOUNT, key, b"f", lambda work: crossing.act(work, first, second))

    assert await asyncio.gather(give("stock", "seen"), give("seen", "stock")) == ["stock", "seen"]
    assert crossing.tries > 2
    assert await database.fetchval("SELECT count(*) FROM event_log") == 2


async def test_a_deadlock_each_time_is_unavailable_in_the_end_and_may_be_sent_again(
    database: asyncpg.Pool,
) -> None:
    storage = (await Counters.fresh(database)).storage
    tries = 0

    async def act(work: UnitOfWork) -> Answer:
        nonlocal tries
        tries += 1
        if tries <= ATTEMPTS:
            raise asyncpg.DeadlockDetectedError
        return tries

    with pytest.raises(DatabaseUnavailable):
        await storage.once(ACCOUNT, "k", b"f", act)
    assert tries == ATTEMPTS
    assert await storage.once(ACCOUNT, "k", b"f", act) == ATTEMPTS + 1


async def test_an_answer_of_an_earlier_release_is_given_as_it_was_kept(storage: Storage) -> None:
    """They kept it as JSON, not as its text."""
    await storage.pool.execute(
        "INSERT INTO idempotency_keys VALUES ($1, 'k', 'f', $2, now())", ACCOUNT, {"number": 5}
    )

    async def act(work: UnitOfWork) -> Answer:
        raise AssertionError(uuid4())

    assert await storage.once(ACCOUNT, "k", b"f", act) == {"number": 5}
