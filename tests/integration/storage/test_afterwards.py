"""What a commit sets off runs behind it, never without it, and holds nobody up."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest
from prometheus_client import REGISTRY

from server.storage import afterwards
from server.storage.idempotency import Answer
from server.storage.unit_of_work import Storage, UnitOfWork
from tests.builders import an_event
from tests.fakes import ManualClock


@pytest.fixture
async def quiet(database: asyncpg.Pool, clock: ManualClock) -> Storage:
    """The record without tail and hints, closed by the test itself."""
    return Storage(database, None, clock)


def failures() -> float:
    return REGISTRY.get_sample_value("songda_failures_total", {"where": "after_commit"}) or 0.0


async def test_it_runs_once_the_change_is_there_and_the_caller_does_not_wait(quiet: Storage) -> None:
    seen: list[int] = []
    gate = asyncio.Event()

    async def look() -> None:
        await gate.wait()
        seen.append(await quiet.pool.fetchval("SELECT count(*) FROM event_log"))

    async with quiet.unit_of_work() as work:
        work.after_commit(look)
        await work.append(an_event())
    assert seen == []
    gate.set()
    await quiet.close()
    assert seen == [1]


async def test_it_does_not_run_when_nothing_was_committed(quiet: Storage) -> None:
    ran: list[str] = []

    async def run() -> None:
        ran.append("ran")

    async def refused(work: UnitOfWork) -> Answer:
        work.after_commit(run)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await quiet.once(uuid4(), None, b"", refused)
    await quiet.close()
    assert ran == []


async def test_one_that_fails_is_counted_and_the_others_run(quiet: Storage) -> None:
    ran: list[str] = []
    before = failures()

    async def fail() -> None:
        raise ZeroDivisionError

    async def run() -> None:
        ran.append("ran")

    async with quiet.unit_of_work() as work:
        work.after_commit(fail)
        work.after_commit(run)
    await quiet.close()
    assert ran == ["ran"]
    assert failures() == before + 1


async def test_what_never_ends_is_cut_off_when_the_server_stops(
    quiet: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afterwards, "FINISH_WITHIN_S", 0.01)
    cut_off: list[str] = []

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cut_off.append("hang")

    async with quiet.unit_of_work() as work:
        work.after_commit(hang)
    await quiet.close()
    assert cut_off == ["hang"]


async def test_what_it_sets_off_itself_is_waited_for_too(quiet: Storage) -> None:
    ran: list[str] = []

    async def second() -> None:
        ran.append("second")

    async def first() -> None:
        async with quiet.unit_of_work() as work:
            work.after_commit(second)

    async with quiet.unit_of_work() as work:
        work.after_commit(first)
    await quiet.close()
    assert ran == ["second"]
