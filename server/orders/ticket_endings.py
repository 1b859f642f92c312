"""How a ticket ends without anybody's word: what happened to its order, and what that makes of the trouble.  Pure."""

from server.orders.lifecycle import HAPPENED, Event, Status
from server.orders.model import Order
from server.orders.ticket_kinds import Decision, Kind
from server.orders.tickets import Outcome, Ticket

_DELIVERED, _RETURNED = HAPPENED[Event.DELIVER], HAPPENED[Event.RETURN]
_SETTLED, _UPHELD = HAPPENED[Event.SETTLE], HAPPENED[Event.UPHOLD]
_CALLED_OFF = (HAPPENED[Event.CANCEL], HAPPENED[Event.REJECT], HAPPENED[Event.EXPIRE])
READY = "ready"

# Trouble on the way to the customer: it is over when the order is there, back, or ended.
_ON_THE_WAY = frozenset(
    {Kind.DELAY, Kind.REFUSAL, Kind.WRONG_ADDRESS, Kind.UNREACHABLE, Kind.MERCHANT_LATE, Kind.ACCIDENT}
)
# What was found at the door, or after it.
WITH_WHAT_CAME = frozenset({Kind.ITEM_MISSING, Kind.ITEM_DAMAGED, Kind.NOT_RECEIVED})

ENDINGS: dict[str, dict[Kind, Outcome]] = {
    READY: {Kind.MERCHANT_LATE: Outcome.READY},
    # The food has left the kitchen, whatever its button says.
    HAPPENED[Event.PICK_UP]: {Kind.MERCHANT_LATE: Outcome.READY},
    _DELIVERED: dict.fromkeys(_ON_THE_WAY | WITH_WHAT_CAME, Outcome.DELIVERED),
    _RETURNED: dict.fromkeys(_ON_THE_WAY | WITH_WHAT_CAME, Outcome.RETURNED),
    _SETTLED: dict.fromkeys(_ON_THE_WAY | WITH_WHAT_CAME, Outcome.SETTLED),
    _UPHELD: dict.fromkeys(_ON_THE_WAY | WITH_WHAT_CAME, Outcome.UPHELD),
    **{name: dict.fromkeys(_ON_THE_WAY, Outcome.CANCELLED) for name in _CALLED_OFF},
}

# When such trouble can be at all: else a ticket would wait for an end that has already been.
_UNDER_WAY = frozenset({Status.ACCEPTED, Status.DELIVERING, Status.DELIVERY_EXCEPTION})
_ARRIVED = frozenset(
    {Status.DELIVERING, Status.DELIVERED, Status.COMPLETED, Status.DELIVERY_EXCEPTION, Status.RETURNED}
)
POSSIBLE_WHILE: dict[Kind, frozenset[Status]] = {
    Kind.DELAY: _UNDER_WAY | {Status.PENDING_ACCEPTANCE},
    Kind.MERCHANT_LATE: frozenset({Status.PENDING_ACCEPTANCE, Status.ACCEPTED}),
    Kind.ACCIDENT: _UNDER_WAY,
    Kind.REFUSAL: frozenset({Status.DELIVERING, Status.DELIVERY_EXCEPTION}),
    Kind.WRONG_ADDRESS: _UNDER_WAY,
    Kind.UNREACHABLE: frozenset({Status.DELIVERING, Status.DELIVERY_EXCEPTION}),
    **dict.fromkeys(WITH_WHAT_CAME, _ARRIVED),
    Kind.MISCONDUCT: frozenset(Status),
    Kind.PAYMENT_TROUBLE: frozenset(Status),
}


def ending(ticket: Ticket, happened: str, order: Order) -> Outcome | None:
    """The outcome of this ticket when `happened` befell its order; None: it stays open."""
    outcome = ENDINGS.get(happened, {}).get(ticket.kind)
    if outcome is not Outcome.DELIVERED:
        return outcome
    if ticket.kind is Kind.DELAY:
        return Outcome.RECOVERED if _was_in_time(order) else Outcome.DELIVERED_LATE
    # A soup that spilt on the way is no less spilt for having arrived; only one brought anew is.
    if ticket.kind in WITH_WHAT_CAME and ticket.decision not in (Decision.REDELIVER, Decision.REMAKE):
        return None
    return outcome


def _was_in_time(order: Order) -> bool:
    """Whether it came when the customer was first told it would; what was promised later does not count."""
    promised_at = order.first_promised_at
    return promised_at is None or order.delivered_at is None or order.delivered_at <= promised_at
