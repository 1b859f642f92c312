"""What stock phone apps send, as our fixes.  Pure: bytes and parameters in, fixes in our units out.

OwnTracks (JSON, km/h, seconds), the OsmAnd protocol (parameters, knots, every form of time) and the JSON of
Traccar Client 9 and of transistorsoft's library (m/s, ISO times).  Whether a fix is believable is not asked
here; a message that says no place at all is Unreadable.  In a list the unreadable are counted and left out:
an app that waits with its whole queue until we take it would otherwise never come past them.
"""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

import msgspec

from server.clock import to_ms
from server.errors import BadInput
from server.wire.messages import Fix

KNOT_MPS = 1852 / 3600
KMH_MPS = 1 / 3.6
# An HDOP is no length; with the 5 m that phones reach under open sky it gives a fair one.  OsmAnd itself
# sends metres under this name, hence no multiple of what could not be an HDOP of a usable fix.
METRES_PER_HDOP = 5.0
MAX_HDOP = 20.0
# Times below this are seconds, above it milliseconds (as Traccar tells them apart).
MAX_UNIX_S = 2**31 - 1

_NUMBER = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?", re.ASCII)
_FALSE = frozenset(("false", "0", "no"))
# `+02:00` in an address whose maker forgot that a plus there means a space.
_LOST_PLUS = re.compile(r"(?<=[\d.]) (?=\d\d:?\d\d$)", re.ASCII)

Message = TypeVar("Message")


class Unreadable(BadInput):
    """The message says no place and time in any form we know; sending it again cannot help."""

    code = "unreadable"


class Heard(NamedTuple):
    """What a request held: fixes, and how many messages said nothing readable."""

    fixes: list[Fix]
    unreadable: int = 0


class _OwnTracksType(msgspec.Struct):
    type: str = msgspec.field(name="_type")


class _OwnTracksLocation(msgspec.Struct):
    lat: float
    lon: float
    tst: float
    acc: float | None = None
    cog: float | None = None
    vel: float | None = None


class _Coords(msgspec.Struct):
    latitude: float
    longitude: float
    accuracy: float | None = None
    speed: float | None = None
    heading: float | None = None


class _Location(msgspec.Struct):
    coords: _Coords
    timestamp: str | float | None = None


class _LocationPost(msgspec.Struct):
    location: msgspec.Raw
    device_id: str | None = None


def read_owntracks(body: bytes) -> Heard:
    """The fixes of an OwnTracks request; its other messages (waypoints, status, …) are no fixes and no mistake."""
    fixes, unreadable = [], 0
    for raw in _one_or_many(body):
        try:
            if _decode(raw, _OwnTracksType).type == "location":
                fixes.append(_owntracks_fix(_decode(raw, _OwnTracksLocation)))
        except Unreadable:
            unreadable += 1
    return _heard(fixes, unreadable)


def read_osmand(parameters: Mapping[str, str], *, now_ms: int) -> Heard:
    """The fix of an OsmAnd request; none when the phone itself calls it invalid.  Without a time it is of now."""
    if parameters.get("valid", "").lower() in _FALSE:
        return Heard([])
    lat, lng = _place(parameters)
    fix = Fix(
        lat,
        lng,
        _moment_ms(parameters["timestamp"]) if parameters.get("timestamp") else now_ms,
        accuracy_m=_accuracy_m(parameters),
        bearing_deg=_first_number(parameters, "bearing", "heading"),
        speed_mps=_scaled(_first_number(parameters, "speed"), KNOT_MPS),
    )
    return Heard([fix])


def read_location_json(body: bytes, *, now_ms: int) -> tuple[str | None, Heard]:
    """The device's key, if the body names it, and the fixes of a `location` object or list."""
    post = _decode(body, _LocationPost)
    fixes, unreadable = [], 0
    for raw in _one_or_many(bytes(post.location)):
        try:
            fixes.append(_location_fix(_decode(raw, _Location), now_ms))
        except Unreadable:
            unreadable += 1
    return post.device_id, _heard(fixes, unreadable)


def _owntracks_fix(said: _OwnTracksLocation) -> Fix:
    return Fix(
        said.lat,
        said.lon,
        _ms_of_seconds(said.tst),
        accuracy_m=said.acc,
        bearing_deg=said.cog,
        speed_mps=_scaled(said.vel, KMH_MPS),
    )


def _location_fix(said: _Location, now_ms: int) -> Fix:
    match said.timestamp:
        case None:
            fix_time_ms = now_ms
        case str(text):
            fix_time_ms = _moment_ms(text)
        case number:
            fix_time_ms = _ms_of_number(number)
    coords = said.coords
    return Fix(
        coords.latitude,
        coords.longitude,
        fix_time_ms,
        accuracy_m=coords.accuracy,
        bearing_deg=coords.heading,
        speed_mps=coords.speed,
    )


def _heard(fixes: list[Fix], unreadable: int) -> Heard:
    if unreadable and not fixes:
        raise Unreadable(unreadable=unreadable)
    return Heard(fixes, unreadable)


def _one_or_many(body: bytes) -> Iterator[bytes | msgspec.Raw]:
    if body.lstrip()[:1] == b"[":
        yield from _decode(body, list[msgspec.Raw])
    else:
        yield body


def _decode(data: bytes | msgspec.Raw, form: type[Message]) -> Message:
    try:
        return msgspec.json.decode(data, type=form, strict=False)  # templates put numbers into quotes
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable from error


def _place(parameters: Mapping[str, str]) -> tuple[float, float]:
    if "location" in parameters:
        lat, _, lng = parameters["location"].partition(",")
    else:
        lat, lng = parameters.get("lat", ""), parameters.get("lon", "")
    found = _number(lat), _number(lng)
    if found[0] is None or found[1] is None:
        raise Unreadable
    return found[0], found[1]


def _accuracy_m(parameters: Mapping[str, str]) -> float | None:
    accuracy_m = _first_number(parameters, "accuracy")
    if accuracy_m is not None:
        return accuracy_m
    hdop = _first_number(parameters, "hdop")
    return hdop * METRES_PER_HDOP if hdop is not None and hdop <= MAX_HDOP else hdop


def _first_number(parameters: Mapping[str, str], *names: str) -> float | None:
    """An optional fact; a phone that writes it in a way we cannot read loses the fact, not the fix."""
    return next((_number(parameters[name]) for name in names if parameters.get(name)), None)


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text.strip()) else None


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _moment_ms(text: str) -> int:
    """Unix ms of seconds, milliseconds, ISO 8601 or `yyyy-MM-dd HH:mm:ss` (UTC when it names no zone)."""
    number = _number(text)
    if number is not None:
        return _ms_of_number(number)
    text = text.strip()
    if "T" in text:
        text = _LOST_PLUS.sub("+", text)
    try:
        moment = datetime.fromisoformat(text)
        return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise Unreadable from error


def _ms_of_number(number: float) -> int:
    return _ms_of_seconds(number if abs(number) <= MAX_UNIX_S else number / 1000)


def _ms_of_seconds(seconds: float) -> int:
    if not math.isfinite(seconds):
        raise Unreadable
    return round(seconds * 1000) if abs(seconds) < 1e300 else round(seconds)
