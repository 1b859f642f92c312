"""GeoJSON files of positions: LineStrings with times, Points with a time.  Pure: bytes in, traces out.

Times of a LineString stand in `coordTimes`, `times` or `timestamps` of its properties (togeojson, geojson.io
and others), or, without any, as the fourth number of each vertex in Unix seconds.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from server.simulator.replay.moments import parse_moment
from server.simulator.replay.traces import BadTrace, Reading, Trace

USUAL_TIMES = ("coordTimes", "times", "timestamps", "coordinateProperties")
USUAL_TIME = ("time", "timestamp", "fix_time", "at")
USUAL_COURIER = ("courier", "courier_id", "id", "vehicle", "vehicle_id", "device_id", "name")

Properties = dict[str, Any]


def read_geojson(
    data: bytes, source: str, name: str, *, time: str | None = None, courier: str | None = None,
    time_unit: str = "s", time_format: str | None = None,
) -> list[Trace]:  # fmt: skip
    """The traces of one GeoJSON file; features that say not whose are `name`'s.  BadTrace names the feature."""
    try:
        document = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise BadTrace(source, None, f"not JSON: {error}.") from error
    readings: dict[str, list[Reading]] = {}
    for number, feature in enumerate(_features(document, source), start=1):
        properties = feature.get("properties") or {}
        named = _first(properties, (courier,) if courier else USUAL_COURIER)
        who = str(named) if named is not None else str(feature.get("id") or name)
        try:
            found = _readings(feature.get("geometry") or {}, properties, time, time_unit, time_format)
            readings.setdefault(who, []).extend(found)
        except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
            raise BadTrace(source, None, f"feature {number}: {error}.") from error
    return [Trace(who, tuple(theirs), source) for who, theirs in readings.items()]


def _features(document: Any, source: str) -> list[dict[str, Any]]:
    kind = document.get("type") if isinstance(document, dict) else None
    features: list[dict[str, Any]]
    if kind == "FeatureCollection" and isinstance(document.get("features"), list):
        features = document["features"]
    elif kind == "Feature":
        features = [document]
    else:
        raise BadTrace(source, None, "neither a GeoJSON Feature nor a FeatureCollection.")
    if not all(isinstance(feature, dict) for feature in features):
        raise BadTrace(source, None, "a feature is no object.")
    return features


def _readings(
    geometry: dict[str, Any], properties: Properties, time: str | None, unit: str, pattern: str | None
) -> Iterator[Reading]:
    match geometry.get("type"):
        case "Point":
            moment = _first(properties, (time,) if time else USUAL_TIME)
            if moment is None:
                raise ValueError(f"a Point needs its time in the property {time or 'time'}")
            lng, lat = _lng_lat(geometry["coordinates"])
            accuracy = properties.get("accuracy_m", properties.get("horizontal_accuracy"))
            yield Reading(parse_moment(str(moment), unit=unit, pattern=pattern), lat, lng, accuracy)
        case "LineString":
            yield from _line(geometry["coordinates"], properties, time, unit, pattern)
        case "MultiLineString":
            times = _times(properties, time)
            for index, line in enumerate(geometry["coordinates"]):
                part = times[index] if times is not None else None
                yield from _line(line, properties if part is None else {"times": part}, None, unit, pattern)
        case other:
            raise ValueError(f"{other} is neither a Point nor a LineString")


def _line(
    vertices: Sequence[Any], properties: Properties, time: str | None, unit: str, pattern: str | None
) -> Iterator[Reading]:
    times = _times(properties, time)
    if times is not None and len(times) != len(vertices):
        raise ValueError(f"{len(vertices)} vertices with {len(times)} times")
    for index, vertex in enumerate(vertices):
        lng, lat = _lng_lat(vertex)
        if times is not None:
            yield Reading(parse_moment(str(times[index]), unit=unit, pattern=pattern), lat, lng)
        elif len(vertex) == 4:
            yield Reading(parse_moment(str(vertex[3])), lat, lng)
        else:
            raise ValueError(
                f"a LineString needs a time for each vertex, in the property {time or 'coordTimes'}"
            )


def _times(properties: Properties, time: str | None) -> list[Any] | None:
    found = _first(properties, (time,) if time else USUAL_TIMES)
    if isinstance(found, dict):  # {"coordinateProperties": {"times": [...]}}
        found = found.get("times")
    return found if isinstance(found, list) else None


def _lng_lat(vertex: Any) -> tuple[float, float]:
    """GeoJSON's order, as numbers."""
    lng, lat = float(vertex[0]), float(vertex[1])
    if not (math.isfinite(lng) and math.isfinite(lat)):
        raise ValueError("a coordinate that is not finite")
    return lng, lat


def _first(properties: Properties, names: Sequence[str]) -> Any:
    return next((properties[name] for name in names if properties.get(name) is not None), None)
