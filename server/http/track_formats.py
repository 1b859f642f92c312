"""A track as JSON, GeoJSON (RFC 7946) or GPX 1.1, for replaying it or opening it in other programs.  Pure."""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID
from xml.sax.saxutils import quoteattr

import msgspec

from server.clock import from_ms
from server.geo.track import TrackFix


class Format(NamedTuple):
    """How to write a track, and what to call the result."""

    media_type: str
    write: Callable[[UUID, Sequence[TrackFix]], bytes]


def as_json(courier_id: UUID, fixes: Sequence[TrackFix]) -> bytes:
    """All that is known of each fix; times in Unix ms, as phones send them."""
    return msgspec.json.encode(
        {
            "courier_id": courier_id,
            "fixes": [
                {
                    "lat": fix.lat,
                    "lng": fix.lng,
                    "fix_time": fix.fix_time_ms,
                    "received_at": fix.received_at_ms,
                    "accuracy_m": fix.accuracy_m,
                    "bearing_deg": fix.bearing_deg,
                    "speed_mps": fix.speed_mps,
                }
                for fix in fixes
            ],
        }
    )


def as_geojson(courier_id: UUID, fixes: Sequence[TrackFix]) -> bytes:
    """One Feature; a LineString needs two fixes, so a shorter track has the geometry null.

    `coordTimes` beside the coordinates is the custom of programs that replay such lines.
    """
    line = {"type": "LineString", "coordinates": [[fix.lng, fix.lat] for fix in fixes]}
    return msgspec.json.encode(
        {
            "type": "Feature",
            "geometry": line if len(fixes) >= 2 else None,
            "properties": {
                "courier_id": courier_id,
                "coordTimes": [from_ms(fix.fix_time_ms) for fix in fixes],
            },
        }
    )


def as_gpx(courier_id: UUID, fixes: Sequence[TrackFix]) -> bytes:
    """One track of one segment; GPX 1.1 has no place for accuracy, speed and bearing."""
    points = "".join(
        f"<trkpt lat={quoteattr(f'{fix.lat:.7f}')} lon={quoteattr(f'{fix.lng:.7f}')}>"
        f"<time>{from_ms(fix.fix_time_ms).isoformat(timespec='milliseconds').replace('+00:00', 'Z')}</time></trkpt>\n"
        for fix in fixes
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gpx version="1.1" creator="Songda" xmlns="http://www.topografix.com/GPX/1/1">\n'
        f"<trk><name>{courier_id}</name><trkseg>\n{points}</trkseg></trk>\n</gpx>\n"
    ).encode()


FORMATS = {
    "json": Format("application/json", as_json),
    "geojson": Format("application/geo+json", as_geojson),
    "gpx": Format("application/gpx+xml", as_gpx),
}
