"""GPX files: each track is one person's way.  Pure: text in, traces out.  gpxpy is an optional part (`replay`)."""

import importlib
from datetime import UTC
from typing import Any

from server.errors import StartupError
from server.simulator.replay.traces import BadTrace, Reading, Trace


def read_gpx(text: str, source: str, name: str) -> list[Trace]:
    """The traces of one GPX file; a track without a name is `name`'s, and so is a file's only track. BadTrace."""
    gpxpy = _gpxpy()
    try:
        document = gpxpy.parse(text)
    except gpxpy.gpx.GPXException as error:
        raise BadTrace(source, None, f"not GPX: {error}.") from error
    traces = []
    for number, track in enumerate(document.tracks, start=1):
        points = [point for segment in track.segments for point in segment.points]
        if any(point.time is None for point in points):
            raise BadTrace(source, None, f"track {number} has points without a time.")
        readings = tuple(_reading(point) for point in points)
        who = name if len(document.tracks) == 1 else track.name or f"{name}-{number}"
        traces.append(Trace(who, readings, source))
    return traces


def _reading(point: Any) -> Reading:
    moment = point.time if point.time.tzinfo else point.time.replace(tzinfo=UTC)  # GPX times are in UTC
    return Reading(
        moment.timestamp(), point.latitude, point.longitude, bearing_deg=point.course, speed_mps=point.speed
    )


def _gpxpy() -> Any:
    try:
        return importlib.import_module("gpxpy")
    except ImportError as error:
        raise StartupError("GPX files need gpxpy: install songda[replay].") from error
