"""What the event log hears of assignments.  No I/O."""

from datetime import datetime
from uuid import UUID

from server.dispatch.legs import Assignment
from server.orders.log import topics_of
from server.orders.model import Order
from server.storage.event_log import Event

ENTITY = "assignment"


def log_event(assignment: Assignment, order: Order, *, actor_id: UUID | None, at: datetime) -> Event:
    """The event for the log, of `assignment` as it is now; its name is the state it has reached."""
    return Event(
        entity=ENTITY,
        entity_id=assignment.id,
        version=assignment.version,
        name=assignment.state.value,
        topics=topics_of(order, assignment.courier_id),
        fields=fields_of(assignment, order),
        actor_id=actor_id,
        occurred_at=at,
    )


def fields_of(assignment: Assignment, order: Order) -> dict[str, str | None]:
    """All that listeners need to know whose assignment it is, and where it stands."""
    leg = assignment.leg
    return {
        "order_id": str(order.id),
        "merchant_id": str(order.merchant_id),
        "customer_id": str(order.customer_id),
        "courier_id": str(assignment.courier_id),
        "courier_name": assignment.courier_name,
        "state": assignment.state.value,
        "leg": None if leg is None else leg.value,
    }
