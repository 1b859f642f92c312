"""Who could carry an order: for now, the nearest free couriers.  Pure: the index is asked, nothing is waited for."""

from uuid import UUID

from server.geo.nearest import NearestIndex
from server.settings import Settings

# More than one, since another order may take the nearest in the same moment, here or in another process.
CANDIDATES = 16


def nearest_free(
    index: NearestIndex, *, lat: float, lng: float, now_ms: int, settings: Settings
) -> list[UUID]:
    """Free couriers around the pickup, nearest first; empty when nobody is within reach."""
    neighbours = index.nearest(
        lat,
        lng,
        CANDIDATES,
        max_radius_m=settings.nearest_max_radius_m,
        now_ms=now_ms,
        gone_after_ms=round(settings.gone_after_s * 1000),
    )
    return [neighbour.courier_id for neighbour in neighbours]
