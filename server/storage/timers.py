"""What is to happen later, and happens once: a table of moments, worked through by any process.

A timer is deleted in the transaction in which its handler acts; a process that dies in between leaves it to the
others.  Who fires one holds an advisory lock, not its row: a command may set it anew or clear it meanwhile without
waiting for the handler, which may be waiting for the command.  Then the handler's work is undone, when it wants to
commit.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import structlog

from server.clock import Clock
from server.errors import Unavailable
from server.storage.database import database_errors
from server.storage.pending import Firing, TimerMoved
from server.storage.unit_of_work import Storage, UnitOfWork

POLL_S = 0.5  # other processes' timers, and clocks that were set
AT_ONCE = 4  # handlers that run at the same time in a process: a slow one does not hold up the others
BATCH = 64
FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 300.0

TimerHandler: TypeAlias = Callable[[UnitOfWork, UUID, dict[str, Any]], Awaitable[None]]

log = structlog.get_logger(__name__)

# What is due, and when the next will be.  A kind that this process does not know is passed over: during a rolling
# restart it belongs to the newer ones.
_LOOK = """
    SELECT id, kind, entity_id, due_at, payload, attempts, xmin AS row_version FROM timers
    WHERE kind = ANY($1) AND id <> ALL($2::bigint[]) ORDER BY due_at LIMIT $3
"""
# The lock is ours until the transaction ends; nobody else of us begins meanwhile what we began.
_LOCKS = 0x74696D65  # "time": the first half of our advisory locks' names
_CLAIM = f"""
    SELECT pg_try_advisory_xact_lock({_LOCKS}, (id % 2147483647)::int) FROM timers WHERE id = $1 AND xmin = $2
"""  # noqa: S608  constants only
# Only if nobody has set it anew or tried it meanwhile.
_PUT_OFF = "UPDATE timers SET due_at = $3, attempts = attempts + 1 WHERE id = $1 AND xmin = $2"


def backoff_s(attempts: int) -> float:
    """Seconds until a timer is tried again that has failed `attempts` times before."""
    return float(min(FIRST_BACKOFF_S * 2.0 ** min(attempts, 30), LONGEST_BACKOFF_S))


class Timers:
    """Runs the handlers of due timers; any number of processes may, each timer fires in one."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self.failures = 0  # handlers that raised, for the metrics
        self._storage = storage
        self._clock = clock
        self._handlers: dict[str, TimerHandler] = {}
        self._woken = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._firing: set[int] = set()
        storage.on_timer_set(self._wake)

    def on(self, kind: str, handler: TimerHandler) -> None:
        """Have `handler` called for timers of this kind, in the transaction that removes the timer.

        What it does outside of the transaction must not matter: it is called again when that failed.
        """
        self._handlers[kind] = handler

    async def run(self) -> None:
        """Fire what is due, when it is due, several at once, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._woken.clear()
                pause_s = POLL_S
                try:
                    pause_s = await self._start_due(tasks)
                except Unavailable as error:
                    _log_waiting(error)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._woken.wait()

    async def run_due(self) -> int:
        """Fire all that is due now, one after the other, the earliest first; how many fired well."""
        fired = 0
        not_ours: set[tuple[int, int]] = set()
        while due := [
            timer
            for timer in await self._look(())
            if timer["due_at"] <= self._clock.now() and _identity(timer) not in not_ours
        ]:
            for timer in due:
                done = await self._fire(timer)
                fired += done is True
                if done is None:
                    not_ours.add(_identity(timer))
        return fired

    async def _start_due(self, tasks: asyncio.TaskGroup) -> float:
        """Begin to fire what is due; the seconds until it is worth to look again."""
        timers = await self._look(self._firing)
        for timer in timers:
            wait_s: float = (timer["due_at"] - self._clock.now()).total_seconds()
            if wait_s > 0.0:
                return min(wait_s, POLL_S)
            await self._slots.acquire()
            self._firing.add(timer["id"])
            tasks.create_task(self._fire_in_slot(timer))
        return POLL_S if len(timers) < BATCH else 0.0

    async def _fire_in_slot(self, timer: asyncpg.Record) -> None:
        try:
            await self._fire(timer)
        except Unavailable as error:
            _log_waiting(error)
        finally:
            self._firing.discard(timer["id"])
            self._slots.release()

    async def _look(self, passing_over: Collection[int]) -> list[asyncpg.Record]:
        """The earliest timers, due or not."""
        with database_errors():
            timers: list[asyncpg.Record] = await self._storage.pool.fetch(
                _LOOK, list(self._handlers), list(passing_over), BATCH
            )
        return timers

    async def _fire(self, timer: asyncpg.Record) -> bool | None:
        """Whether the timer fired well; None when it was not ours to fire."""
        identity = _identity(timer)
        claimed = False
        now = self._clock.now()
        try:
            async with self._storage.unit_of_work() as work:
                claimed = bool(await work.connection.fetchval(_CLAIM, *identity))
                if not claimed:
                    return None
                work.pending.firing = Firing(*identity, (timer["kind"], timer["entity_id"]))
                await self._handlers[timer["kind"]](work, timer["entity_id"], timer["payload"])
        except TimerMoved:
            return None
        except Exception as error:
            if not claimed:  # the database failed us before there was a timer
                raise
            await self._put_off(timer, now)
            self.failures += 1
            log.error(
                "a timer failed and will be tried again",
                kind=timer["kind"],
                entity_id=str(timer["entity_id"]),
                attempts=timer["attempts"] + 1,
                exc_info=error,
            )
            return False
        return True

    async def _put_off(self, timer: asyncpg.Record, now: datetime) -> None:
        due_at = now + timedelta(seconds=backoff_s(timer["attempts"]))
        with database_errors():
            await self._storage.pool.execute(_PUT_OFF, timer["id"], timer["row_version"], due_at)

    def _wake(self, due_at: datetime) -> None:
        if (due_at - self._clock.now()).total_seconds() < POLL_S:  # later ones the next look will find
            self._woken.set()


def _identity(timer: asyncpg.Record) -> tuple[int, int]:
    """The timer as it was set: set anew it is another."""
    return timer["id"], timer["row_version"]


def _log_waiting(error: Unavailable) -> None:
    log.warning("timers wait for the database", error=type(error.__cause__).__name__)
