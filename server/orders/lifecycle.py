"""What may happen to an order next, as a table.  Pure.  `python -m server.orders.lifecycle` prints docs/lifecycle.md.

Read it aloud and you have explained the product.  Only what can be commanded today stands in it.
"""

from enum import StrEnum

from server.errors import Refused


class Status(StrEnum):
    """Where an order is in its life."""

    PENDING_ACCEPTANCE = "pending_acceptance"  # 待接单
    ACCEPTED = "accepted"  # 已接单
    DELIVERING = "delivering"  # 配送中
    DELIVERED = "delivered"  # 已送达
    REJECTED = "rejected"  # 已拒单
    EXPIRED = "expired"  # 已过期
    CANCELLED = "cancelled"  # 已取消


class Event(StrEnum):
    """What can happen to it; imperatives, since somebody commands it."""

    ACCEPT = "accept"
    REJECT = "reject"
    EXPIRE = "expire"
    CANCEL = "cancel"
    PICK_UP = "pick_up"
    DELIVER = "deliver"


# fmt: off
TRANSITIONS: dict[Status, dict[Event, Status]] = {
    Status.PENDING_ACCEPTANCE: {
        Event.ACCEPT: Status.ACCEPTED, Event.REJECT: Status.REJECTED,
        Event.EXPIRE: Status.EXPIRED, Event.CANCEL: Status.CANCELLED,
    },
    Status.ACCEPTED: {Event.PICK_UP: Status.DELIVERING, Event.CANCEL: Status.CANCELLED},
    # From here the food exists and is on the road: no cancelling.
    Status.DELIVERING: {Event.DELIVER: Status.DELIVERED},
    Status.DELIVERED: {}, Status.REJECTED: {}, Status.EXPIRED: {}, Status.CANCELLED: {},
}
# fmt: on
FIRST = Status.PENDING_ACCEPTANCE
TERMINAL = frozenset(status for status, row in TRANSITIONS.items() if not row)

# The log speaks of what has happened, so in participles.
PLACED = "placed"
HAPPENED: dict[Event, str] = {
    Event.ACCEPT: "accepted",
    Event.REJECT: "rejected",
    Event.EXPIRE: "expired",
    Event.CANCEL: "cancelled",
    Event.PICK_UP: "picked_up",
    Event.DELIVER: "delivered",
}


class IllegalTransition(Refused):
    """The order is not in a status in which this can happen."""

    code = "illegal_transition"

    def __init__(self, status: StrEnum, event: StrEnum) -> None:
        super().__init__(
            f"{event.value} is not possible when {status.value}", current=status.value, event=event.value
        )


def next_status(status: Status, event: Event) -> Status:
    """Where `event` takes an order in `status`; IllegalTransition if nowhere."""
    try:
        return TRANSITIONS[status][event]
    except KeyError:
        raise IllegalTransition(status, event) from None


def picture() -> str:
    """The table as a mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {FIRST.value}: place"]
    for status, row in TRANSITIONS.items():
        lines += [f"    {status.value} --> {after.value}: {event.value}" for event, after in row.items()]
    lines += [f"    {status.value} --> [*]" for status in Status if status in TERMINAL]
    return "\n".join(lines)


def page() -> str:
    """The page docs/lifecycle.md."""
    return (
        "# An order's life\n\n"
        "Printed by `python -m server.orders.lifecycle` from the table in `server/orders/lifecycle.py`; a test\n"
        "compares the two.  The courier's side of it, the assignment, has its own small table in\n"
        "`server/dispatch/legs.py`.\n\n"
        f"```mermaid\n{picture()}\n```\n"
    )


if __name__ == "__main__":
    print(page(), end="")
