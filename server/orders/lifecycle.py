"""What may happen to an order next, as a table.  Pure.  `python -m tools.lifecycle_page` prints docs/lifecycle.md.

Read it aloud and you have explained the product.  What moves beside the order has small tables of its own: the kitchen
(kitchen.py), the courier's assignment (dispatch/legs.py), a ticket (tickets.py), a checkout (checkouts.py).
"""

from datetime import timedelta
from enum import StrEnum

from server.errors import Refused


class Status(StrEnum):
    """Where an order is in its life."""

    SCHEDULED = "scheduled"  # 已预约
    PENDING_ACCEPTANCE = "pending_acceptance"  # 待接单
    ACCEPTED = "accepted"  # 已接单
    DELIVERING = "delivering"  # 配送中
    DELIVERED = "delivered"  # 已送达
    COMPLETED = "completed"  # 已完成
    REJECTED = "rejected"  # 已拒单
    EXPIRED = "expired"  # 已过期
    CANCELLED = "cancelled"  # 已取消
    DELIVERY_EXCEPTION = "delivery_exception"  # 配送异常
    RETURNED = "returned"  # 已退回
    CLOSED = "closed"  # 已结案: settled without delivery


class Event(StrEnum):
    """What can happen to it; imperatives, since somebody commands it."""

    RELEASE = "release"
    ACCEPT = "accept"
    REJECT = "reject"
    EXPIRE = "expire"
    CANCEL = "cancel"
    UNDO = "undo"
    UNDO_EARLY = "undo_early"
    PICK_UP = "pick_up"
    DELIVER = "deliver"
    FAIL = "fail"
    REDELIVER = "redeliver"
    REMAKE = "remake"
    RETURN = "return"
    SETTLE = "settle"
    UPHOLD = "uphold"
    CONFIRM_RECEIPT = "confirm_receipt"
    DISPUTE = "dispute"


# fmt: off
TRANSITIONS: dict[Status, dict[Event, Status]] = {
    # Wanted for later: the merchant hears of it when it is time.
    Status.SCHEDULED: {Event.RELEASE: Status.PENDING_ACCEPTANCE, Event.CANCEL: Status.CANCELLED},
    Status.PENDING_ACCEPTANCE: {
        Event.ACCEPT: Status.ACCEPTED, Event.REJECT: Status.REJECTED,
        Event.EXPIRE: Status.EXPIRED, Event.CANCEL: Status.CANCELLED,
    },
    Status.ACCEPTED: {Event.PICK_UP: Status.DELIVERING, Event.CANCEL: Status.CANCELLED},
    # From here the food exists and is on the road: no cancelling, only returning.
    Status.DELIVERING: {Event.DELIVER: Status.DELIVERED, Event.FAIL: Status.DELIVERY_EXCEPTION},
    Status.DELIVERY_EXCEPTION: {
        Event.REDELIVER: Status.DELIVERING, Event.RETURN: Status.RETURNED, Event.SETTLE: Status.CLOSED,
        # The bag is lost or spoilt, and the kitchen makes it again; a dispute finds that the delivery was right.
        Event.REMAKE: Status.ACCEPTED, Event.UPHOLD: Status.DELIVERED,
    },
    Status.DELIVERED: {Event.CONFIRM_RECEIPT: Status.COMPLETED, Event.DISPUTE: Status.DELIVERY_EXCEPTION},
    # A slip may be undone for a minute; money and archive wait for that minute.
    Status.REJECTED: {Event.UNDO: Status.PENDING_ACCEPTANCE},
    Status.CANCELLED: {Event.UNDO: Status.PENDING_ACCEPTANCE, Event.UNDO_EARLY: Status.SCHEDULED},
    Status.COMPLETED: {}, Status.RETURNED: {}, Status.CLOSED: {}, Status.EXPIRED: {},
}
# fmt: on
FIRST = Status.PENDING_ACCEPTANCE
TERMINAL = frozenset(status for status, row in TRANSITIONS.items() if not row)
UNDOABLE = frozenset(status for status, row in TRANSITIONS.items() if Event.UNDO in row)
UNDO_WITHIN = timedelta(seconds=60)
# Nothing is under way any more, though a slip may still be undone.
ENDED = TERMINAL | UNDOABLE

# The log speaks of what has happened, so in participles.
PLACED = "placed"
HAPPENED: dict[Event, str] = {
    Event.RELEASE: "released",
    Event.ACCEPT: "accepted",
    Event.REJECT: "rejected",
    Event.EXPIRE: "expired",
    Event.CANCEL: "cancelled",
    Event.UNDO: "undone",
    Event.UNDO_EARLY: "undone_early",
    Event.PICK_UP: "picked_up",
    Event.DELIVER: "delivered",
    Event.FAIL: "failed",
    Event.REDELIVER: "redelivering",
    Event.REMAKE: "remade",
    Event.RETURN: "returned",
    Event.SETTLE: "settled",
    Event.UPHOLD: "upheld",
    Event.CONFIRM_RECEIPT: "completed",
    Event.DISPUTE: "disputed",
}


class IllegalTransition(Refused):
    """The order is not in a status in which this can happen."""

    code = "illegal_transition"

    def __init__(self, status: str, event: str) -> None:
        super().__init__(f"{event!s} is not possible when {status!s}", current=str(status), event=str(event))


def next_status(status: Status, event: Event) -> Status:
    """Where `event` takes an order in `status`; IllegalTransition if nowhere."""
    try:
        return TRANSITIONS[status][event]
    except KeyError:
        raise IllegalTransition(status, event) from None
