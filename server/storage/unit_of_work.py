"""Several changes, one transaction: what a command does happens with its events and timers, or not at all.

The SQL about orders, people and so on stands in their stores; here is what they share.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
from redis.asyncio import Redis

from server.clock import Clock
from server.errors import Unavailable
from server.storage.afterwards import AfterCommit, Afterwards
from server.storage.database import DatabaseUnavailable, database_errors
from server.storage.event_log import Event, EventTail
from server.storage.hints import HintSender, listen_for_hints
from server.storage.idempotency import Answer, KeptAnswer, KeyTaken, Request, find_kept
from server.storage.pending import Pending

ACQUIRE_WITHIN_S = 10.0
ATTEMPTS = 3  # how often a command is tried that PostgreSQL chose to end a deadlock
TRY_AGAIN_AFTER_S = 0.02  # the one it was ended for should come through meanwhile


class UnitOfWork:
    """One transaction under way.  `now` is one moment for everything in it.

    Events, timers and the answer to keep are written together, by the last statement before the commit.
    """

    def __init__(
        self,
        connection: asyncpg.Connection,
        now: datetime,
        handlers: Mapping[tuple[str, str], list["EventHandler"]],
    ) -> None:
        self.connection = connection
        self.now = now
        self.transaction_id: int | None = None  # known once events were written
        self.first_due_at: datetime | None = None  # the soonest timer set here
        self.pending = Pending()
        self.afterwards: list[AfterCommit] = []
        self._handlers = handlers

    async def append(self, *events: Event) -> None:
        """Have `events` written to the log and let their handlers act, in this same transaction."""
        self.pending.events += events
        for event in events:
            for handler in self._handlers.get((event.entity, event.name), ()):
                await self.pending.write_along(self.connection)
                await handler(self, event)

    def write_along(self, sql: str, *values: object) -> None:
        """Have a row that this transaction holds written with all the rest, and before any handler acts.

        In `sql` each of the values is a `{}`.  Until then nobody reads it here: that saves most commands a round trip.
        """
        self.pending.along.append((sql, values))

    async def set_timer(
        self, kind: str, entity_id: UUID, due_at: datetime, payload: Mapping[str, Any] | None = None
    ) -> None:
        """Have the handler of `kind` called at `due_at`, once; replaces the entity's timer of this kind.

        If that one fires just now, its handler's work will be undone.
        """
        self.pending.timers[kind, entity_id] = due_at, dict(payload or {})
        self.first_due_at = min(due_at, self.first_due_at or due_at)

    async def clear_timer(self, kind: str, entity_id: UUID) -> None:
        """Forget the entity's timer of this kind, if there is one; if it fires just now, that will be undone."""
        self.pending.timers[kind, entity_id] = None

    def after_commit(self, work: AfterCommit) -> None:
        """Have `work` run in the background of this process once all this is committed; a kill may lose it."""
        self.afterwards.append(work)

    async def flush(self) -> None:
        """Write now what is gathered, for who wants to read it in this transaction; else the commit does.

        VersionConflict when the version of an event is taken.
        """
        has_events = bool(self.pending.events)
        transaction_id = await self.pending.write(self.connection, self.now)
        if has_events:
            self.transaction_id = transaction_id


EventHandler: TypeAlias = Callable[[UnitOfWork, Event], Awaitable[None]]


class Storage:
    """The record, as services use it.  `redis` only carries hints; without one the tails poll."""

    def __init__(self, pool: asyncpg.Pool, redis: Redis | None, clock: Clock, *, poll_ms: int = 500) -> None:
        self.pool = pool
        self.clock = clock
        self.tail = EventTail(pool, clock=clock, poll_ms=poll_ms)
        self._redis = redis
        self._hints = HintSender(redis) if redis is not None else None
        self._handlers: defaultdict[tuple[str, str], list[EventHandler]] = defaultdict(list)
        self._timer_wakers: list[Callable[[datetime], None]] = []
        self._afterwards = Afterwards()

    def on_event(self, entity: str, name: str, handler: EventHandler) -> None:
        """Have `handler` act inside every transaction that appends this event; if it fails, all fails."""
        self._handlers[entity, name].append(handler)

    def on_timer_set(self, waker: Callable[[datetime], None]) -> None:
        """Have `waker` told when a transaction here has set a timer, and for when."""
        self._timer_wakers.append(waker)

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[UnitOfWork]:
        """A transaction that commits when the block ends well; DatabaseUnavailable when it could not."""
        with database_errors():
            async with self.pool.acquire(timeout=ACQUIRE_WITHIN_S) as connection:
                work = UnitOfWork(connection, self.clock.now(), self._handlers)
                async with connection.transaction():
                    yield work
                    await work.flush()
        self._announce(work)

    async def once(
        self,
        account_id: UUID,
        key: str | None,
        fingerprint: bytes,
        act: Callable[[UnitOfWork], Awaitable[Answer]],
    ) -> Answer:
        """Do `act` in a unit of work, once a `key` of this account: a repeated key gets the first answer.

        KeyReused when the key came with another `fingerprint` (of the request) before.  A refusal is not
        kept: it changed nothing, and the same request may fare better later.  `act` may be called again when
        the transaction did not come about: what it does outside of it must not matter.
        """
        request = None if key is None else Request(account_id, key, fingerprint)
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._act_once(request, act)
            except KeyTaken:
                pass  # and forgotten before we could look
            except DatabaseUnavailable as error:
                if not isinstance(error.__cause__, asyncpg.DeadlockDetectedError):
                    raise
                await asyncio.sleep(TRY_AGAIN_AFTER_S)
        return await self._act_once(request, act)

    async def _act_once(
        self, request: Request | None, act: Callable[[UnitOfWork], Awaitable[Answer]]
    ) -> Answer:
        if request is None:
            async with self.unit_of_work() as work:
                return await act(work)
        try:
            async with self.unit_of_work() as work:
                answer = KeptAnswer.of(request, await act(work))
                work.pending.answer = answer
        except Unavailable:
            raise
        except Exception:
            # Refused, or the key is taken.  If the first is the reason for it, then it has committed, with its answer.
            with database_errors():
                kept = await find_kept(self.pool, request)
            if kept is None:
                raise
            answer = kept
        return answer.read()

    async def run(self) -> None:
        """Follow the log and the hints until cancelled; `tail.start()` comes first."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.tail.run())
            if self._redis is not None:
                tasks.create_task(listen_for_hints(self._redis, self.tail))

    async def close(self) -> None:
        """Let what commits set off and the last hints out.  Pool and client belong to whoever opened them."""
        await self._afterwards.close()
        if self._hints is not None:
            await self._hints.close()

    def _announce(self, work: UnitOfWork) -> None:
        if work.transaction_id is not None:
            self.tail.hint(work.transaction_id)
            if self._hints is not None:
                self._hints.send(work.transaction_id)
        if work.first_due_at is not None:
            for waker in self._timer_wakers:
                waker(work.first_due_at)
        for afterwards in work.afterwards:
            self._afterwards.start(afterwards)
