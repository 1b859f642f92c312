"""Who sees a courier's position on an order's topic, and how exactly.  Pure.

A position counts for an order only while it was sent on the very version of the assignment that the log now
shows: what was measured before the bag was picked up is not shown as if it were after, and nothing is shown
after delivery.
"""

from enum import StrEnum

from server.dispatch.legs import Leg
from server.geo.cells import centre_of
from server.geo.position import Position
from server.realtime.topics import Audience
from server.wire.messages import CourierPosition


class Precision(StrEnum):
    """How exactly a position is shown."""

    EXACT = "exact"
    COARSE = "coarse"  # the centre of his H3 cell (COURIER_RES, about two blocks), no bearing, no speed
    NOTHING = "nothing"


# A customer has no business with the rounds before and after his own leg; a merchant none with the way to
# the customer's door.
PRECISION: dict[Audience, dict[Leg, Precision]] = {
    Audience.CUSTOMER: {
        Leg.TO_PICKUP: Precision.COARSE,
        Leg.TO_DROPOFF: Precision.EXACT,
        Leg.TO_RETURN: Precision.NOTHING,
    },
    Audience.MERCHANT: {
        Leg.TO_PICKUP: Precision.EXACT,
        Leg.TO_DROPOFF: Precision.NOTHING,
        Leg.TO_RETURN: Precision.EXACT,
    },
    Audience.COURIER: {
        Leg.TO_PICKUP: Precision.EXACT,
        Leg.TO_DROPOFF: Precision.EXACT,
        Leg.TO_RETURN: Precision.EXACT,
    },
    Audience.STAFF: {
        Leg.TO_PICKUP: Precision.EXACT,
        Leg.TO_DROPOFF: Precision.EXACT,
        Leg.TO_RETURN: Precision.EXACT,
    },
    Audience.OBSERVER: {
        Leg.TO_PICKUP: Precision.EXACT,
        Leg.TO_DROPOFF: Precision.EXACT,
        Leg.TO_RETURN: Precision.EXACT,
    },
    Audience.FOLLOWER: {
        Leg.TO_PICKUP: Precision.COARSE,
        Leg.TO_DROPOFF: Precision.EXACT,
        Leg.TO_RETURN: Precision.NOTHING,
    },
}


def shown_position(
    position: Position, *, duty_mark: int, leg: Leg, audience: Audience
) -> CourierPosition | None:
    """What an order's audience may be told of its courier's `position`, his assignment being at
    `duty_mark` and he on this leg of it; None: nothing.
    """
    if position.duty_mark != duty_mark:
        return None
    match PRECISION[audience][leg]:
        case Precision.EXACT:
            return CourierPosition(
                lat=position.lat,
                lng=position.lng,
                fix_time=position.fix_time_ms,
                bearing_deg=position.bearing_deg,
                speed_mps=position.speed_mps,
            )
        case Precision.COARSE:
            lat, lng = centre_of(position.cell)
            return CourierPosition(
                lat=round(lat, 6), lng=round(lng, 6), fix_time=position.fix_time_ms, coarse=True
            )
        case Precision.NOTHING:
            return None
