"""How money looks on the wire: plain JSON values, sums in minor units.  Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from server.orders.payments import Payment
from server.orders.refunds import Refund
from server.orders.views import Json

# What a customer need not know of a refund: who pays for it, who decided it, and what went wrong on the way.
_INTERNAL = ("borne_by", "bearer_id", "decided_by", "ticket_id", "attempts", "failure")


def refund_json(refund: Refund, *, for_staff: bool) -> Json:
    """A refund at its version."""
    view: Json = msgspec.to_builtins(refund)
    return view if for_staff else {name: value for name, value in view.items() if name not in _INTERNAL}


def payment_json(payment: Payment) -> Json:
    """The money that came in for an order."""
    return {
        "method": payment.method.value,
        "amount_minor": payment.money.amount_minor,
        "currency": payment.money.currency,
        "came_at": msgspec.to_builtins(payment.came_at),
        "given_back_minor": payment.given_back_minor,
    }


def plain(row: Mapping[str, Any]) -> Json:
    """A row of the record as JSON."""
    view: Json = msgspec.to_builtins(dict(row))
    return view
