"""What the event log hears of orders: their events' form, and which topics those concern.  No I/O."""

from typing import TypeAlias
from uuid import UUID

import msgspec

from server.accounts.viewer import Viewer
from server.orders.model import Happening, Order
from server.storage.event_log import Event

ENTITY = "order"
DISPATCH_TOPIC = "dispatch:all"  # one zone until zones are drawn
CLOCK = "clock"  # who did it when nobody did


def topics_of(order: Order, courier_id: UUID | None = None) -> tuple[str, ...]:
    """Who is told: those listening to the order, its merchant once it is with them, the dispatchers, and the courier
    who has it.
    """
    topics = [f"order:{order.id}"]
    if order.is_with_merchant:
        topics.append(f"merchant:{order.merchant_id}")
    topics.append(DISPATCH_TOPIC)
    if courier_id is not None:
        topics.append(f"courier:{courier_id}")
    return tuple(topics)


# Somebody; or, for what follows from an event in its own transaction, whoever did that; None: the clock.
By: TypeAlias = Viewer | Event | None


def log_event(order: Order, happening: Happening, *, by: By, courier_id: UUID | None = None) -> Event:
    """The event for the log, of `order` as it is after what happened; nobody: the clock did it.

    Its fields are the facts that changed, what listeners are told beside them, and the role that did it.
    """
    actor_id, role = who(by)
    return Event(
        entity=ENTITY,
        entity_id=order.id,
        version=order.version,
        name=happening.name,
        topics=topics_of(order, courier_id),
        fields=msgspec.to_builtins({**happening.fields, **happening.more, "by": role}),
        actor_id=actor_id,
        occurred_at=happening.at,
    )


def who(by: By) -> tuple[UUID | None, str]:
    """Who did something, and in which role."""
    if by is None:
        return None, CLOCK
    if isinstance(by, Event):
        return by.actor_id, by.fields.get("by", CLOCK)
    return by.account_id, by.role.value
