"""What the event log hears of orders: their events' form, and which topics those concern.  No I/O."""

from uuid import UUID

import msgspec

from server.orders.model import Happening, Order
from server.storage.event_log import Event

ENTITY = "order"
DISPATCH_TOPIC = "dispatch:all"  # one zone until zones are drawn


def topics_of(order: Order, courier_id: UUID | None = None) -> tuple[str, ...]:
    """Who is told: those listening to the order, its merchant, the dispatchers, and the courier who has it."""
    topics = (f"order:{order.id}", f"merchant:{order.merchant_id}", DISPATCH_TOPIC)
    return topics if courier_id is None else (*topics, f"courier:{courier_id}")


def log_event(
    order: Order, happening: Happening, *, actor_id: UUID | None, courier_id: UUID | None = None
) -> Event:
    """The event for the log, of `order` as it is after what happened; no actor: the clock did it."""
    return Event(
        entity=ENTITY,
        entity_id=order.id,
        version=order.version,
        name=happening.name,
        topics=topics_of(order, courier_id),
        fields=msgspec.to_builtins(happening.fields),
        actor_id=actor_id,
        occurred_at=happening.at,
    )
