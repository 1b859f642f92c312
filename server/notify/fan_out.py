"""From the event log to deliveries: exactly one for each event and each endpoint that wants it, and none is lost.

Nothing of this is on a command's way.  Every process looks when its tail of the log tells of something, and now and
then anyway; whoever gets hold of the stored place in the log writes the deliveries, their timers and the new place in
one transaction.  While nobody listens, nothing is read and nothing written.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import structlog

from server.clock import Clock
from server.errors import Unavailable
from server.ids import new_id
from server.notify.counters import MADE, OLDEST_WAITING_S, OVERDUE_S
from server.notify.cursor_store import CursorStore, Level, NewDelivery, Place
from server.notify.happenings import HAPPENINGS, Happened, message
from server.notify.sending import KIND
from server.notify.store import WebhookStore
from server.orders.store import OrderStore
from server.storage.event_log import LogRow
from server.storage.unit_of_work import Storage, UnitOfWork
from server.telemetry import FAILURES

BATCH_ROWS = 200
GATHER_S = 0.1  # one look for what comes together: a commit for each event would cost commands their disk
POLL_S = 2.0  # what another process was told of and died with
MEASURE_EVERY_S = 15.0
# With nothing to tell the place is not moved, but after so many transactions: reading over them costs, too.  And
# when it lies so far ahead, in another life of this database.
SKIP_TRANSACTIONS = 10_000

log = structlog.get_logger(__name__)


class FanOut:
    """Follows the log for webhooks; any number of processes may, one works at a time."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._woken = asyncio.Event()
        self._measured_s = float("-inf")
        storage.tail.subscribe(self._hear)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self.catch_up()
                await self._measure()
            except Unavailable as error:
                log.warning("webhooks wait for the database", error=type(error.__cause__).__name__)
            except Exception as error:
                FAILURES.labels("webhooks").inc()
                log.error("the log could not be turned into webhooks; trying again", exc_info=error)
            await asyncio.sleep(GATHER_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._woken.wait()

    async def catch_up(self) -> int:
        """Make the deliveries of all that has been committed; how many were made here."""
        made, level = 0, False
        while not level:
            async with self._storage.unit_of_work() as work:
                now_made, level = await self._step(work)
            made += now_made
            MADE.inc(now_made)
        return made

    async def _step(self, work: UnitOfWork) -> tuple[int, bool]:
        """One batch of rows, and whether that were all, or another process does the rest."""
        store = CursorStore(work.connection)
        if not await store.hold():
            return 0, True
        upto = await store.level()
        if upto.since is None:
            return 0, True
        place = _start(upto)
        rows = await store.rows_after(place, upto.below, most=BATCH_ROWS)
        at_end = len(rows) < BATCH_ROWS
        made = await self._deliveries(work.connection, store, rows, upto)
        if made:
            await store.add(made, work.now)
            for endpoint_id in sorted({one.endpoint_id for one in made}):
                await work.set_timer(KIND, endpoint_id, work.now)
        after = Place(upto.below, 0) if at_end else rows[-1][0]
        if rows or abs(after.transaction_id - upto.kept.transaction_id) > SKIP_TRANSACTIONS:
            await store.move_to(after)
        return len(made), at_end

    async def _deliveries(
        self, connection: Any, store: CursorStore, rows: Sequence[tuple[Place, Happened]], upto: Level
    ) -> list[NewDelivery]:
        if not rows:
            return []
        order_ids = {happened.order_id for _, happened in rows if happened.order_id}
        orders = await OrderStore(connection).named(order_ids)
        listening = await store.listening({one.merchant_id for _, one in rows if one.merchant_id})
        now_ms = self._clock.now_ms()
        made = []
        for number, (place, happened) in enumerate(rows):
            order = orders.get(happened.order_id) if happened.order_id else None
            type_ = happened.told.type
            for endpoint in listening:
                if endpoint.wants(type_, happened.merchant_id, place.transaction_id, upto.not_yet_given):
                    made.append(
                        NewDelivery(
                            id=new_id(now_ms + number),  # so that lists by id show them as they happened
                            endpoint_id=endpoint.id,
                            place=place,
                            type=type_,
                            order_id=happened.order_id,
                            body=message(happened, order),
                        )
                    )
        return made

    async def _measure(self) -> None:
        """Tell how far behind we are, now and then."""
        now_s = self._clock.monotonic_s()
        if now_s - self._measured_s < MEASURE_EVERY_S:
            return
        self._measured_s = now_s
        async with self._storage.unit_of_work() as work:
            oldest_s, overdue_s = await WebhookStore(work.connection).waiting_s(work.now)
        OLDEST_WAITING_S.set(oldest_s)
        OVERDUE_S.set(overdue_s)

    def _hear(self, rows: Sequence[LogRow]) -> None:
        if any((row.entity, row.name) in HAPPENINGS for row in rows):
            self._woken.set()


def _start(upto: Level) -> Place:
    """From where to read: what was before anybody listened, nobody wants."""
    if upto.kept.transaction_id - upto.not_yet_given > SKIP_TRANSACTIONS:  # of another life of this database
        return Place(upto.below, 0)
    since = upto.since if upto.since is not None and upto.since <= upto.not_yet_given else 0
    return max(upto.kept, Place(since, 0), key=lambda one: (one.transaction_id, one.position))
