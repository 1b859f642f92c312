"""Who owns a courier: the process with his newest socket.  What an owner owes Redis, and how it ends.

An owner number from Redis, greater than all before, goes with every position.  An older owner learns of a
newer one at once by a published claim, at his next fix from the script that refuses it, and within seconds
by asking, whichever comes first.  When Redis has lost a region, each owner puts the last positions of his
couriers again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from uuid import UUID
from weakref import WeakValueDictionary

import prometheus_client
import structlog

from server.clock import Clock
from server.dispatch.arrivals import Courier, MicroBatch
from server.geo.courier_index import CourierIndex, LiveStateAway
from server.geo.position import Position
from server.geo.position_messages import Claim

# HTTP phones remembered between two requests, for what Redis does not hold of them: which fix was doubted.
MAX_PHONES = 10_000
ASK_OWNERS_EVERY = 4  # watches

LIVE_STATE_AWAY = prometheus_client.Counter(
    "songda_live_state_away_total", "Times that Redis did not answer tracking"
)
PUT_AGAIN = prometheus_client.Counter(
    "songda_positions_put_again_total", "Positions put again after Redis lost them"
)
REPLACED = prometheus_client.Counter(
    "songda_owners_replaced_total", "Couriers who went over to a newer socket elsewhere"
)
OWNED = prometheus_client.Gauge(
    "songda_couriers_owned", "Couriers whose sockets are here", multiprocess_mode="livesum"
)

log = structlog.get_logger()


class Owners:
    """The couriers of this process: those owned, whose socket is here, and the HTTP phones heard lately."""

    def __init__(
        self, index: CourierIndex, clock: Clock, *, gone_after_ms: int, put_again: Callable[[Courier], None]
    ) -> None:
        self.on_replaced: Callable[[UUID], None] = _nobody_listens
        self._index = index
        self._clock = clock
        self._gone_after_ms = gone_after_ms
        self._put_again = put_again
        # Weak: a session that was dropped without `release` leaves nothing behind.
        self._owned: WeakValueDictionary[UUID, Courier] = WeakValueDictionary()
        self._adopting: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self._phones: OrderedDict[UUID, Courier] = OrderedDict()
        self._is_away = False
        self._watches = 0

    def of(self, courier_id: UUID) -> Courier | None:
        """The courier, if he is owned here."""
        return self._owned.get(courier_id)

    async def adopt(self, courier_id: UUID) -> Courier:
        """Claim the courier and take over his last position.

        Without Redis he is adopted all the same, under the number it would have given him: his track goes on.
        """
        lock = self._adopting.get(courier_id) or asyncio.Lock()
        self._adopting[courier_id] = lock
        async with lock:  # two sockets of one courier here: the later call gets the greater number
            courier = await self._claim(courier_id)
            before = self._owned.get(courier_id)
            if before is not None:
                before.replaced = True
            self._owned[courier_id] = courier
            OWNED.set(len(self._owned))
        if courier.last is not None:
            self._put_again(courier)  # under the new number: the older owner's next fix is refused
        with suppress(LiveStateAway):  # it is told to those who ask, too
            await self._index.publish_claim(Claim(courier_id, courier.owner), now_ms=self._clock.now_ms())
        return courier

    def release(self, courier: Courier) -> None:
        """His socket is gone."""
        if self._owned.get(courier.courier_id) is courier:
            del self._owned[courier.courier_id]
            OWNED.set(len(self._owned))

    def claimed(self, courier_id: UUID, owner: int) -> None:
        """Somebody claimed this courier under the number `owner`."""
        courier = self._owned.get(courier_id)
        if courier is not None and courier.owner < owner:
            self._replace(courier)

    async def phone(self, courier_id: UUID) -> Courier:
        """The courier of an HTTP phone, who belongs to nobody: his last position is read each time."""
        courier = self._phones.pop(courier_id, None) or Courier(courier_id, owner=0)
        self._phones[courier_id] = courier
        if len(self._phones) > MAX_PHONES:
            self._phones.popitem(last=False)
        try:
            _learn(courier, await self._index.last(courier_id))
        except LiveStateAway:
            self._missed()
        return courier

    def after(self, batch: MicroBatch) -> None:
        """What the place step has learnt: Redis is away, or a newer owner has spoken."""
        if batch.is_live_state_away:
            self._missed()
        for position in batch.replaced:
            courier = self._owned.get(position.courier_id)
            if courier is not None and courier.owner == position.owner:
                self._replace(courier)

    async def watch(self) -> None:
        """Look whether Redis still holds what it was given, and whether our couriers are still ours."""
        try:
            await self._index.look_for_loss()
            self._watches += 1
            if self._watches % ASK_OWNERS_EVERY == 0:
                for courier_id, owner in (await self._index.owners(list(self._owned))).items():
                    self.claimed(courier_id, owner)
        except LiveStateAway:
            self._missed()
            return
        if self._is_away or self._index.lost_regions:
            log.info("positions are put again", lost_regions=len(self._index.lost_regions))
            self._is_away = False
            self._index.lost_regions.clear()
            self._put_all_again()

    async def sweep(self) -> None:
        """Take the silent off the map, here and everywhere."""
        now_ms = self._clock.now_ms()
        try:
            gone = await self._index.sweep(now_ms, self._gone_after_ms)
            await self._index.publish_left(gone, now_ms=now_ms)
        except LiveStateAway:
            self._missed()

    async def _claim(self, courier_id: UUID) -> Courier:
        try:
            owner = await self._index.claim(courier_id)
            last = await self._index.last(courier_id)
        except LiveStateAway:
            self._missed()
            return Courier(courier_id, owner=self._clock.now_ms() * 1000)
        if last is None:
            return Courier(courier_id, owner)
        return Courier(courier_id, owner, replace(last, owner=owner), last.available)

    def _put_all_again(self) -> None:
        heard_after_ms = self._clock.now_ms() - self._gone_after_ms
        for courier in (*self._owned.values(), *self._phones.values()):
            if courier.last is not None and courier.last.received_at_ms > heard_after_ms:
                PUT_AGAIN.inc()
                self._put_again(courier)

    def _replace(self, courier: Courier) -> None:
        lock = self._adopting.get(courier.courier_id)
        if lock is not None and lock.locked():
            return  # a newer socket of his is being adopted here: nobody else is to be told
        courier.replaced = True
        self.release(courier)
        REPLACED.inc()
        self.on_replaced(courier.courier_id)

    def _missed(self) -> None:
        if not self._is_away:
            log.warning("Redis does not answer; positions will be put again")
        self._is_away = True
        LIVE_STATE_AWAY.inc()


def _learn(courier: Courier, last: Position | None) -> None:
    """Another process, or a socket, may have heard of him since his last request here."""
    if last is not None and (courier.last is None or last.fix_time_ms > courier.last.fix_time_ms):
        courier.last = replace(last, owner=courier.owner)
        courier.available = last.available
        courier.doubt = None


def _nobody_listens(_courier_id: UUID) -> None:
    """Until a hub listens: a replaced courier's fixes are refused by Redis anyway."""
