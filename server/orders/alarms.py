"""What the clock is to do about an order, as one table: which timer runs while, and from which moment it counts.  Pure.

Timers are rows (storage/timers.py): each move of an order sets those that begin with it and clears those that it ends,
in its own transaction.  What they do when they fire stands in order_clock.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from server.orders.kitchen import Kitchen
from server.orders.lifecycle import Status
from server.orders.model import Order
from server.settings import Settings


class Alarm(StrEnum):
    """The kinds of an order's timers."""

    RELEASE = "release"  # a scheduled order goes to its merchant
    ACCEPT_DEADLINE = "accept_deadline"  # a silent merchant's order expires
    READY_LATE = "ready_late"  # the kitchen's time is up, and it has not said ready
    PICKUP_LATE = "pickup_late"  # the food is ready, and nobody has fetched it
    PROMISE_DUE = "promise_due"  # the customer should have it by now
    RECEIPT_REMINDER = "receipt_reminder"  # delivered, and the customer has not confirmed
    RECEIPT_DUE = "receipt_due"  # … nor will: silence confirms


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long people are waited for, in seconds."""

    accept_s: float
    ready_s: float
    pickup_s: float
    remind_s: float
    receipt_s: float

    @classmethod
    def of(cls, settings: Settings) -> "Patience":
        """As the settings say."""
        return cls(
            accept_s=settings.accept_within_s,
            ready_s=settings.ready_grace_s,
            pickup_s=settings.pickup_within_s,
            remind_s=settings.receipt_remind_s,
            receipt_s=settings.receipt_within_s,
        )


NOW = "now"  # it counts from when it is set: from when people were told, not from when it happened
Anchor = datetime | str | None


@dataclass(frozen=True, slots=True)
class Watch:
    """One alarm: `anchor` of an order is the moment from which `wait_s` is counted, None while it does not run."""

    anchor: Callable[[Order], Anchor]
    wait_s: Callable[[Patience], float]


def _ready_by(order: Order) -> datetime | None:
    cooking = order.status is Status.ACCEPTED and order.kitchen is Kitchen.PREPARING
    return order.ready_by if cooking else None


def _ready_at(order: Order) -> datetime | None:
    waiting = order.status is Status.ACCEPTED and order.kitchen is Kitchen.READY
    return order.ready_at if waiting else None


_UNDER_WAY = frozenset({Status.ACCEPTED, Status.DELIVERING})

# fmt: off
WATCHES: dict[Alarm, Watch] = {
    Alarm.RELEASE: Watch(
        lambda order: order.release_at if order.status is Status.SCHEDULED else None, lambda patience: 0.0),
    Alarm.ACCEPT_DEADLINE: Watch(
        lambda order: order.accept_by if order.status is Status.PENDING_ACCEPTANCE else None, lambda patience: 0.0),
    Alarm.READY_LATE: Watch(_ready_by, lambda patience: patience.ready_s),
    Alarm.PICKUP_LATE: Watch(_ready_at, lambda patience: patience.pickup_s),
    Alarm.PROMISE_DUE: Watch(
        lambda order: order.promised_at if order.status in _UNDER_WAY else None, lambda patience: 0.0),
    # A courier who reports late must not cost the customer the time to look and to complain.
    Alarm.RECEIPT_REMINDER: Watch(
        lambda order: NOW if order.status is Status.DELIVERED else None, lambda patience: patience.remind_s),
    Alarm.RECEIPT_DUE: Watch(
        lambda order: NOW if order.status is Status.DELIVERED else None, lambda patience: patience.receipt_s),
}
# fmt: on


def changes(
    before: Order | None, after: Order, *, now: datetime, patience: Patience
) -> dict[Alarm, datetime | None]:
    """The alarms to be set, and when they are due, or to be cleared (None), as an order moves; the others stay."""
    found: dict[Alarm, datetime | None] = {}
    for alarm, watch in WATCHES.items():
        was = None if before is None else watch.anchor(before)
        begins = watch.anchor(after)
        if begins == was:
            continue
        if begins is None:
            found[alarm] = None
        else:
            counted_from = begins if isinstance(begins, datetime) else now
            found[alarm] = counted_from + timedelta(seconds=watch.wait_s(patience))
    return found
