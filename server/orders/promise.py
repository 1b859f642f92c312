"""When an order will be at its door, as we tell the customer, and when a scheduled one must reach its merchant.  Pure.

How long the ride takes is a plain estimate for now, behind the one function `ride_s`: a model that knows streets and
hours will take its place, and nothing else has to change.
"""

from datetime import datetime, timedelta
from math import ceil

from server.geo.distances import distance_m

# Streets are longer than the crow's way: 1.2 to 1.4 in European cities, by most studies of circuity; the cautious end.
DETOUR = 1.4
CRUISING_MPS = 4.5  # 16 km/h: a bicycle in a city, lights included
# From the kitchen's word to the wheels turning, and from the kerb to the customer's hands.
FETCH_S = 120.0
HAND_OVER_S = 180.0
# A scheduled order comes to its merchant so much earlier than it strictly must.
RELEASE_SLACK_S = 300.0
MINUTE = timedelta(minutes=1)


def ride_s(lat: float, lng: float, to_lat: float, to_lng: float) -> int:
    """Seconds from the merchant to the door."""
    return ceil(distance_m(lat, lng, to_lat, to_lng) * DETOUR / CRUISING_MPS)


def promised_at(
    at: datetime, *, preparation_s: float, ride_s: float, not_before: datetime | None = None
) -> datetime:
    """When the customer will have it, of food that is begun `at`; in whole minutes, and not before the end of the
    window that was asked for.
    """
    ready_s = preparation_s + FETCH_S + ride_s + HAND_OVER_S
    there_at = at + timedelta(seconds=ready_s)
    whole = there_at.replace(second=0, microsecond=0)
    there_at = whole if whole == there_at else whole + MINUTE
    return there_at if not_before is None else max(there_at, not_before)


def release_at(
    wanted_from: datetime, *, placed_at: datetime, accept_s: float, preparation_s: float, ride_s: float
) -> datetime:
    """When a scheduled order must be with its merchant, so that it can be there when its window opens."""
    needed_s = accept_s + preparation_s + FETCH_S + ride_s + HAND_OVER_S + RELEASE_SLACK_S
    return max(placed_at, wanted_from - timedelta(seconds=needed_s))
