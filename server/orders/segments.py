"""Which part of an order's time was too long, and who answers for it.  Pure.

The seven segments lie one after the other, but for the kitchen, which works beside the courier's way: a courier who
comes late to food that is not ready has cost nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from server.accounts.roles import Role
from server.orders.model import Order


class Segment(StrEnum):
    """A part of an order's time, with a clock of its own."""

    ACCEPT = "accept"  # placed → accepted by the merchant
    PREPARE = "prepare"  # accepted → the food is ready
    ASSIGN = "assign"  # accepted → a courier has taken it
    REACH_PICKUP = "reach_pickup"  # taken → the courier is at the merchant
    WAIT = "wait"  # courier and food are there → picked up
    RIDE = "ride"  # picked up → at the customer's door
    HAND_OVER = "hand_over"  # at the door → delivered


RESPONSIBLE: dict[Segment, Role] = {
    Segment.ACCEPT: Role.MERCHANT,
    Segment.PREPARE: Role.MERCHANT,
    Segment.ASSIGN: Role.DISPATCHER,
    Segment.REACH_PICKUP: Role.COURIER,
    Segment.WAIT: Role.MERCHANT,
    Segment.RIDE: Role.COURIER,
    Segment.HAND_OVER: Role.COURIER,
}
# The reason that a delay ticket bears when this segment is at fault (ticket_reasons.py).
REASON_OF: dict[Segment, str] = {
    Segment.ACCEPT: "slow_acceptance",
    Segment.PREPARE: "food_not_ready",
    Segment.ASSIGN: "no_courier_found",
    Segment.REACH_PICKUP: "courier_late_to_pickup",
    Segment.WAIT: "bag_not_handed_out",
    Segment.RIDE: "slow_ride",
    Segment.HAND_OVER: "slow_hand_over",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowances:
    """How long each segment may take; the kitchen's own word counts for `prepare`."""

    accept_s: float = 120.0
    assign_s: float = 120.0
    reach_pickup_s: float = 480.0
    wait_s: float = 120.0
    ride_s: float = 900.0
    hand_over_s: float = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierMoments:
    """When the courier who has the order did what, as far as he has said."""

    taken_at: datetime | None = None
    arrived_at_pickup_at: datetime | None = None
    arrived_at_dropoff_at: datetime | None = None


def overruns(
    order: Order, courier: CourierMoments, *, now: datetime, allowed: Allowances
) -> dict[Segment, timedelta]:
    """How far each segment that has begun is, or was, beyond what it may take; none is negative."""
    until = order.delivered_at or now
    wanted_at = order.placed_at if order.scheduled_from is None else None  # a scheduled one waits by wish
    ready_at = order.ready_at or order.picked_up_at
    there_at = courier.arrived_at_pickup_at or order.picked_up_at
    met_at = max(there_at, ready_at) if there_at is not None and ready_at is not None else None
    # From here on a courier who is not there yet costs time.
    missed_from = None
    if courier.taken_at is not None and ready_at is not None:
        missed_from = max(courier.taken_at + timedelta(seconds=allowed.reach_pickup_s), ready_at)
    spans = {
        Segment.ACCEPT: (wanted_at, order.accepted_at, allowed.accept_s),
        Segment.PREPARE: (order.accepted_at, ready_at, order.preparation_s or 0),
        Segment.ASSIGN: (order.accepted_at, courier.taken_at or order.picked_up_at, allowed.assign_s),
        Segment.REACH_PICKUP: (missed_from, there_at, 0.0),
        Segment.WAIT: (met_at, order.picked_up_at, allowed.wait_s),
        Segment.RIDE: (
            order.picked_up_at,
            courier.arrived_at_dropoff_at or order.delivered_at,
            allowed.ride_s,
        ),
        Segment.HAND_OVER: (courier.arrived_at_dropoff_at, order.delivered_at, allowed.hand_over_s),
    }
    nothing = timedelta()
    return {
        segment: max(nothing, (end or until) - begin - timedelta(seconds=allowed_s))
        for segment, (begin, end, allowed_s) in spans.items()
        if begin is not None
    }


def segment_at_fault(
    order: Order, courier: CourierMoments, *, now: datetime, allowed: Allowances | None = None
) -> Segment:
    """The segment that is furthest beyond its clock; when none is, the latest that has begun."""
    found = overruns(order, courier, now=now, allowed=allowed or Allowances())
    worst = max(found, key=lambda segment: found[segment], default=Segment.ACCEPT)
    return worst if found.get(worst) else list(found)[-1] if found else Segment.ACCEPT
