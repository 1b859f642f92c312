"""What the event log hears of assignments.  No I/O."""

from datetime import datetime
from typing import Any

from server.dispatch.legs import Assignment, State
from server.orders.log import By, topics_of, who
from server.orders.model import Order
from server.storage.event_log import Event

ENTITY = "assignment"


def log_event(
    assignment: Assignment, order: Order, *, by: By, at: datetime, late: State | None = None
) -> Event:
    """The event for the log, of `assignment` as it is now; its name is the state it has reached.

    `late`: it reached that one earlier, and we hear of it only now; `fields` say where it stands.
    """
    actor_id, role = who(by)
    more = {} if late is None else {"late": True}
    return Event(
        entity=ENTITY,
        entity_id=assignment.id,
        version=assignment.version,
        name=(late or assignment.state).value,
        topics=topics_of(order, assignment.courier_id),
        fields={**fields_of(assignment, order), **more, "by": role},
        actor_id=actor_id,
        occurred_at=at,
    )


def fields_of(assignment: Assignment, order: Order) -> dict[str, Any]:
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
