"""The way an order was ridden, as the archive keeps it: without its ends, which are people's doors.  Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from server.geo.distances import distance_m
from server.geo.track import TrackFix

CUT_M = 150.0  # around both ends; a city block or two
COORDINATE_DIGITS = 5  # about a metre


def kept_track(courier_id: UUID, fixes: Sequence[TrackFix]) -> dict[str, Any] | None:
    """One ride as `[lng, lat, Unix s]` rows, without the `CUT_M` around its first and last place; None: nothing."""
    if not fixes:
        return None
    first, last = fixes[0], fixes[-1]
    line = [
        [round(fix.lng, COORDINATE_DIGITS), round(fix.lat, COORDINATE_DIGITS), fix.fix_time_ms // 1000]
        for fix in fixes
        if min(
            distance_m(fix.lat, fix.lng, first.lat, first.lng),
            distance_m(fix.lat, fix.lng, last.lat, last.lng),
        )
        > CUT_M
    ]
    return {"courier_id": str(courier_id), "line": line} if line else None


def ridden(
    moments: Mapping[str, str], created_at: datetime | None, ended_at: datetime | None
) -> tuple[datetime, datetime] | None:
    """From when to when the bag was on the bike, by an assignment's moments; None when it never was."""
    picked_up = moments.get("picked_up")
    if picked_up is None or created_at is None or ended_at is None:
        return None
    return max(datetime.fromisoformat(picked_up), created_at), ended_at
