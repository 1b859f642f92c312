"""What the event log hears of money: checkouts, refunds, an order's payment.  No I/O.  Ids, codes and sums only."""

from datetime import datetime
from uuid import UUID

import msgspec

from server.accounts.viewer import Viewer
from server.orders.checkouts import Checkout
from server.orders.ledger import Compensation
from server.orders.log import DISPATCH_TOPIC, who
from server.orders.refunds import Refund
from server.storage.event_log import Event

CHECKOUT, REFUND, COMPENSATION = "checkout", "refund", "compensation"  # entities of the log
PAYMENT_CHANGED = "payment_changed"  # an order's event
GIVEN = "given"


def checkout_event(
    checkout: Checkout, name: str, *, at: datetime, by: Viewer | None = None, **more: object
) -> Event:
    """The checkout as it is after what happened: only those who listen to its order-to-be are told."""
    actor_id, role = who(by)
    fields = {
        "status": checkout.status,
        "customer_id": checkout.customer_id,
        "total_minor": checkout.total_minor,
        "currency": checkout.currency,
        "lapses_at": checkout.lapses_at,
        "ended_at": checkout.ended_at,
        **more,
        "by": role,
    }
    return Event(
        entity=CHECKOUT,
        entity_id=checkout.id,
        version=checkout.version,
        name=name,
        topics=(f"order:{checkout.id}",),
        fields=msgspec.to_builtins(fields),
        actor_id=actor_id,
        occurred_at=at,
    )


def refund_event(refund: Refund, name: str, *, at: datetime, actor_id: UUID | None = None) -> Event:
    """The refund as it is after what happened."""
    fields = {
        "order_id": refund.order_id,
        "status": refund.status,
        "amount_minor": refund.amount_minor,
        "currency": refund.currency,
        "method": refund.method,
        "reason": refund.reason,
        "ticket_id": refund.ticket_id,
        "attempts": refund.attempts,
        "failure": refund.failure,
    }
    return Event(
        entity=REFUND,
        entity_id=refund.id,
        version=refund.version,
        name=name,
        topics=(f"order:{refund.order_id}", DISPATCH_TOPIC),
        fields=msgspec.to_builtins(fields),
        actor_id=actor_id,
        occurred_at=at,
    )


def compensation_event(given: Compensation, *, form: str, reason: str, by: Viewer, at: datetime) -> Event:
    """Somebody gets something beyond the price."""
    fields = {
        "order_id": given.order_id,
        "to": given.beneficiary,
        "amount_minor": given.amount_minor,
        "currency": given.currency,
        "form": form,
        "reason": reason,
    }
    return Event(
        entity=COMPENSATION,
        entity_id=given.id,
        version=1,
        name=GIVEN,
        topics=(f"order:{given.order_id}", DISPATCH_TOPIC),
        fields=msgspec.to_builtins(fields),
        actor_id=by.account_id,
        occurred_at=at,
    )
