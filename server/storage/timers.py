"""What is to happen later, and happens once: a table of moments, worked through by any process.

A timer is deleted in the transaction in which its handler acts; a process that dies in between leaves it to
the others.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

import structlog

from server.clock import Clock
from server.errors import Unavailable
from server.storage.unit_of_work import Storage, UnitOfWork

POLL_S = 0.5  # other processes' timers, and clocks that were set
FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 300.0

TimerHandler: TypeAlias = Callable[[UnitOfWork, UUID, dict[str, Any]], Awaitable[None]]

log = structlog.get_logger(__name__)

# A timer that somebody else is working on is passed over, and so is one whose kind this process does not
# know: during a rolling restart it belongs to the newer ones.
_CLAIM = """
    DELETE FROM timers WHERE id = (
        SELECT id FROM timers WHERE due_at <= $1 AND kind = ANY($2)
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING id, kind, entity_id, payload, attempts
"""
# Only if nobody has set it anew or tried it meanwhile.
_PUT_OFF = (
    "UPDATE timers SET due_at = $3, attempts = attempts + 1 WHERE id = $1 AND attempts = $2 AND due_at <= $4"
)


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
        storage.on_timer_set(self._wake)

    def on(self, kind: str, handler: TimerHandler) -> None:
        """Have `handler` called for timers of this kind, in the transaction that removes the timer."""
        self._handlers[kind] = handler

    async def run(self) -> None:
        """Fire what is due, when it is due, until cancelled."""
        while True:
            self._woken.clear()
            next_due_at = None
            try:
                await self.run_due()
                next_due_at = await self._earliest()
            except Unavailable as error:
                log.warning("timers wait for the database", error=type(error.__cause__).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s(next_due_at)):
                    await self._woken.wait()

    async def run_due(self) -> int:
        """Fire all that is due now, the earliest first; how many fired well."""
        fired = 0
        while (done := await self._run_one()) is not None:
            fired += done
        return fired

    async def _run_one(self) -> bool | None:
        """Whether the earliest due timer fired well; None when there is none."""
        claimed = None
        now = self._clock.now()
        try:
            async with self._storage.unit_of_work() as work:
                claimed = await work.connection.fetchrow(_CLAIM, now, list(self._handlers))
                if claimed is None:
                    return None
                await self._handlers[claimed["kind"]](work, claimed["entity_id"], claimed["payload"])
        except Exception as error:
            if claimed is None:  # the database failed us before there was a timer
                raise
            await self._put_off(claimed["id"], claimed["attempts"], now)
            self.failures += 1
            log.error(
                "a timer failed and will be tried again",
                kind=claimed["kind"],
                entity_id=str(claimed["entity_id"]),
                attempts=claimed["attempts"] + 1,
                exc_info=error,
            )
            return False
        return True

    async def _put_off(self, timer_id: int, attempts: int, now: datetime) -> None:
        due_at = now + timedelta(seconds=backoff_s(attempts))
        async with self._storage.unit_of_work() as work:
            await work.connection.execute(_PUT_OFF, timer_id, attempts, due_at, now)

    async def _earliest(self) -> datetime | None:
        async with self._storage.unit_of_work() as work:
            moment: datetime | None = await work.connection.fetchval(
                "SELECT min(due_at) FROM timers WHERE kind = ANY($1)", list(self._handlers)
            )
        return moment

    def _wake(self, due_at: datetime) -> None:
        if (due_at - self._clock.now()).total_seconds() < POLL_S:  # later ones the next look will find
            self._woken.set()

    def _pause_s(self, next_due_at: datetime | None) -> float:
        if next_due_at is None:
            return POLL_S
        return min(max((next_due_at - self._clock.now()).total_seconds(), 0.0), POLL_S)
