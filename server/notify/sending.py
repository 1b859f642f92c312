"""Sends what is due, tries again what failed, and switches off an endpoint that is gone.

One timer an endpoint says when its next delivery is due.  Its handler marks the tries that begin, each with a moment
by which it has ended or its process is dead, and sets the timer anew; the calls follow the commit, and what came of
each is recorded in a transaction of its own.  So a process may die anywhere: a try is then made again, with the same
webhook-id.  Only the handler, which alone sees all that waits, ever sets the timer to later than now.
"""

from datetime import timedelta
from functools import partial
from random import Random
from typing import Any, Protocol
from uuid import UUID

from server.clock import Clock
from server.notify.counters import GIVEN_UP, SWITCHED_OFF, TRIES
from server.notify.endpoint_log import log_event
from server.notify.model import Endpoint, Sendable, State
from server.notify.schedule import Answer, Outcome, Why, next_try_s, why_to_stop, wished_s
from server.notify.store import WebhookStore
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork
from server.wire.standard_webhooks import sign

KIND = "webhook"
LEASE = timedelta(seconds=20)  # a try ends within caller.WITHIN_S and is recorded soon after
AT_ONCE = 8  # to one endpoint: a slow one holds up nobody else
AT_ONCE_HERE = 64  # from one process
LOOK_AGAIN = timedelta(
    seconds=5
)  # all ways are taken: those under way will wake the timer, usually before that
KEEP = timedelta(days=30)
HOUSEKEEPING = "webhook_housekeeping"
HOUSEKEEPING_EVERY = timedelta(hours=1)
FORGET_AT_ONCE = 5_000
_NOBODY_S = UUID(int=0)
USER_AGENT = "Songda-Webhooks/1"


class Calls(Protocol):
    """Somebody who can post to a URL; caller.py does it over the network."""

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """What came of it."""
        ...


class Sending:
    """The tries of all endpoints; any number of processes may, each try is made by one."""

    def __init__(self, storage: Storage, calls: Calls, clock: Clock, chance: Random) -> None:
        self._storage = storage
        self._calls = calls
        self._clock = clock
        self._chance = chance
        self._under_way = 0

    async def register(self, timers: Timers) -> None:
        """Have `timers` call us; what is to be forgotten is forgotten from now on."""
        timers.on(KIND, self._due)
        timers.on(HOUSEKEEPING, _forget)
        async with self._storage.unit_of_work() as work:
            await work.set_timer(HOUSEKEEPING, _NOBODY_S, work.now)

    async def _due(self, work: UnitOfWork, endpoint_id: UUID, payload: dict[str, Any]) -> None:
        """An endpoint's timer has fired: begin what is due."""
        store = WebhookStore(work.connection)
        endpoint = await store.find(endpoint_id)
        if endpoint is None:
            return
        if not endpoint.enabled:
            _count_given_up("off", await store.give_up_waiting(endpoint_id, work.now))
            return
        free = AT_ONCE_HERE - self._under_way
        begun = await store.claim(endpoint, at=work.now, until=work.now + LEASE, at_once=AT_ONCE, free=free)
        for one in begun:
            work.after_commit(partial(self._send, one))
        next_at = await store.next_at(endpoint_id)
        if next_at is not None:
            is_more_due = (
                next_at <= work.now
            )  # than may be under way: whatever ends will set the timer to now
            await work.set_timer(KIND, endpoint_id, work.now + LOOK_AGAIN if is_more_due else next_at)

    async def _send(self, one: Sendable) -> None:
        self._under_way += 1
        try:
            now, began_s = self._clock.now(), self._clock.monotonic_s()
            headers = {
                "Content-Type": "application/json",
                "User-Agent": USER_AGENT,
                **sign(one.secrets, f"msg_{one.delivery_id.hex}", int(now.timestamp()), one.body),
            }
            answer = await self._calls.post(one.url, headers, one.body)
            took_ms = round((self._clock.monotonic_s() - began_s) * 1000)
        finally:
            self._under_way -= 1
        TRIES.labels(answer.outcome.value).inc()
        async with self._storage.unit_of_work() as work:
            await self._record(work, one, answer, took_ms)

    async def _record(self, work: UnitOfWork, one: Sendable, answer: Answer, took_ms: int) -> None:
        """What came of a try: delivered, to be tried again, or given up; perhaps the end of its endpoint."""
        store = WebhookStore(work.connection)
        endpoint = await store.find(one.endpoint_id, lock=True)
        if endpoint is None:
            return
        tries = await store.end_attempt(one, answer, took_ms)
        if answer.outcome is Outcome.DELIVERED:
            await store.succeeded(endpoint.id, work.now)
            if tries is not None:
                await store.end(one.delivery_id, State.DELIVERED, work.now)
        else:
            await store.failed(endpoint.id, work.now)
            why = why_to_stop(answer.outcome, endpoint.failing_since, work.now)
            if endpoint.enabled and why is not None:
                endpoint = await switch_off(work, endpoint, why)
            if tries is not None:
                await self._after_failure(work, one, answer, tries + 1, enabled=endpoint.enabled)
        # Never set to later than now from here: what another has just asked for would wait, too.
        if answer.outcome is not Outcome.DELIVERED or await store.is_due(endpoint.id, work.now):
            await work.set_timer(KIND, endpoint.id, work.now)

    async def _after_failure(
        self, work: UnitOfWork, one: Sendable, answer: Answer, tries: int, *, enabled: bool
    ) -> None:
        store = WebhookStore(work.connection)
        wait_s = next_try_s(tries, self._chance.random(), wished_s(answer.retry_after, work.now))
        if enabled and wait_s is not None:
            await store.put_off(one.delivery_id, tries, work.now + timedelta(seconds=wait_s))
            return
        await store.end(one.delivery_id, State.FAILED, work.now)
        _count_given_up("tried_enough" if enabled else "off", 1)


async def switch_off(work: UnitOfWork, endpoint: Endpoint, why: Why) -> Endpoint:
    """The endpoint as it is from now on; what waits for it has failed, and may be replayed when it is on again."""
    store = WebhookStore(work.connection)
    off = endpoint.switched_off(why)
    await store.replace(off)
    _count_given_up("off", await store.give_up_waiting(endpoint.id, work.now))
    if why is not Why.BY_HAND:
        SWITCHED_OFF.labels(why.value).inc()
        await work.append(log_event(off, "switched_off", actor_id=None, at=work.now))
    return off


def _count_given_up(why: str, number: int) -> None:
    if number:
        GIVEN_UP.labels(why).inc(number)


async def _forget(work: UnitOfWork, entity_id: UUID, payload: dict[str, Any]) -> None:
    store = WebhookStore(work.connection)
    await store.forget_former_secrets(work.now)
    gone = await store.forget(work.now - KEEP, most=FORGET_AT_ONCE)
    again = timedelta(seconds=1) if gone == FORGET_AT_ONCE else HOUSEKEEPING_EVERY
    await work.set_timer(HOUSEKEEPING, entity_id, work.now + again)
