"""A city is small: places on it, with distances and directions as on a flat map.  Pure.

Within 50 km and away from the poles the flat map is wrong by less than 0.1 %, which no courier notices.
"""

import math
from typing import NamedTuple

# Mean Earth radius 6,371,008.8 m (IUGG).
METRES_PER_DEGREE = math.pi / 180.0 * 6_371_008.8


class Place(NamedTuple):
    """Somewhere in the city."""

    lat: float
    lng: float


def distance_m(here: Place, there: Place) -> float:
    """Metres between two places."""
    east_m, north_m = offset_m(here, there)
    return math.hypot(east_m, north_m)


def bearing_deg(here: Place, there: Place) -> float:
    """The direction from here to there in degrees clockwise from north; 0 when they are the same."""
    east_m, north_m = offset_m(here, there)
    return math.degrees(math.atan2(east_m, north_m)) % 360.0


def offset_m(here: Place, there: Place) -> tuple[float, float]:
    """How far there is east and north of here, in metres."""
    shrink = math.cos(math.radians((here.lat + there.lat) / 2.0))
    # Across the antimeridian the short way round.
    lng_deg = (there.lng - here.lng + 180.0) % 360.0 - 180.0
    return lng_deg * METRES_PER_DEGREE * shrink, (there.lat - here.lat) * METRES_PER_DEGREE


def moved(here: Place, east_m: float, north_m: float) -> Place:
    """The place so many metres east and north of here; within the map, also over the antimeridian."""
    lat = min(90.0, max(-90.0, here.lat + north_m / METRES_PER_DEGREE))
    shrink = max(math.cos(math.radians((here.lat + lat) / 2.0)), 1e-9)
    lng = here.lng + east_m / (METRES_PER_DEGREE * shrink)
    return Place(lat, (lng + 180.0) % 360.0 - 180.0)
