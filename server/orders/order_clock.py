"""What the clock does when an alarm of an order (alarms.py) rings, in the transaction that ends the timer."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from server.orders.alarms import WATCHES, Alarm, Patience
from server.orders.moves import (
    PICKUP_LATE,
    PROMISE_BROKEN,
    READY_LATE,
    RECEIPT_REMINDED,
    REVIEW_REQUESTED,
    ConfirmReceipt,
    Expire,
    Release,
)
from server.orders.record import Story, record
from server.orders.store import OrderStore
from server.storage.timers import Timers
from server.storage.unit_of_work import UnitOfWork


class OrderClock:
    """The handlers of the order's timers."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience

    def register(self, timers: Timers) -> None:
        """Have each alarm rung here."""
        for alarm, ring in RINGS.items():
            timers.on(alarm, partial(self._ring, alarm, ring))

    async def _ring(
        self, alarm: Alarm, ring: "Ring", work: UnitOfWork, order_id: UUID, payload: Mapping[str, Any]
    ) -> None:
        story = Story(await OrderStore(work.connection).hold(order_id))
        if WATCHES[alarm].anchor(story.order) is None:
            return  # somebody was faster by a moment
        ring(story, work, self._patience)
        await record(work, story, patience=self._patience, by=None)


Ring = Callable[[Story, UnitOfWork, Patience], object]


def _release(story: Story, work: UnitOfWork, patience: Patience) -> None:
    # The merchant hears of it for the first time, so with all that lists need.
    accept_by = work.now + timedelta(seconds=patience.accept_s)
    story.move(Release(accept_by), at=work.now, **story.order.introduction())


def _expire(story: Story, work: UnitOfWork, patience: Patience) -> None:
    story.move(Expire(), at=work.now)


def _complete(story: Story, work: UnitOfWork, patience: Patience) -> None:
    story.move(ConfirmReceipt(), at=work.now)
    story.note(REVIEW_REQUESTED, at=work.now)


def _note(name: str) -> Ring:
    return lambda story, work, patience: story.note(name, at=work.now)


RINGS: dict[Alarm, Ring] = {
    Alarm.RELEASE: _release,
    Alarm.ACCEPT_DEADLINE: _expire,
    Alarm.READY_LATE: _note(READY_LATE),
    Alarm.PICKUP_LATE: _note(PICKUP_LATE),
    Alarm.PROMISE_DUE: _note(PROMISE_BROKEN),
    Alarm.RECEIPT_REMINDER: _note(RECEIPT_REMINDED),
    Alarm.RECEIPT_DUE: _complete,
}
