"""What stock apps send becomes fixes in our units; what they cannot mean is Unreadable, never a traceback."""

from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.clock import to_ms
from server.http.phone_formats import Unreadable, read_location_json, read_osmand, read_owntracks
from server.wire.messages import Fix

NOW_MS = 1_795_435_200_000
NOON_MS = to_ms(datetime(2026, 11, 23, 12, 0, tzinfo=UTC))


def osmand(**parameters):
    (fix,) = read_osmand({"lat": "60.1699", "lon": "24.9384", **parameters}, now_ms=NOW_MS).fixes
    return fix


def test_owntracks_in_its_units():
    body = b"""{"_type": "location", "lat": 60.1699, "lon": 24.9384, "tst": 1795435200, "acc": 12, "vel": 36,
        "cog": 270, "alt": 15, "batt": 80, "bs": 1, "t": "u", "tid": "an", "conn": "m", "created_at": 1795435201}"""
    (fix,) = read_owntracks(body).fixes
    assert fix == Fix(60.1699, 24.9384, 1_795_435_200_000, accuracy_m=12.0, bearing_deg=270.0, speed_mps=10.0)


def test_numbers_that_a_template_has_put_into_quotes_are_numbers():
    body = b'{"_type": "location", "lat": "60.1699", "lon": "24.9384", "tst": "1795435200", "acc": "12"}'
    (fix,) = read_owntracks(body).fixes
    assert fix == Fix(60.1699, 24.9384, 1_795_435_200_000, accuracy_m=12.0)


@pytest.mark.parametrize("body", [
    b'{"_type": "transition", "event": "enter", "wtst": 1, "tst": 2, "acc": 3}',
    b'{"_type": "waypoints", "waypoints": []}',
    b'{"_type": "lwt", "tst": 1}',
    b'{"_type": "encrypted", "data": "x"}',
    b"[]",
])  # fmt: skip
def test_owntracks_says_other_things_too(body):
    assert read_owntracks(body) == ([], 0)


def test_a_list_of_owntracks_messages_keeps_what_is_readable():
    body = b"""[{"_type": "location", "lat": 1, "lon": 2, "tst": 3}, {"_type": "location", "lat": "x"},
        {"_type": "status"}, 17, {"_type": "location", "lat": 4, "lon": 5, "tst": 6}]"""
    heard = read_owntracks(body)
    assert [(fix.lat, fix.lng, fix.fix_time) for fix in heard.fixes] == [(1, 2, 3_000), (4, 5, 6_000)]
    assert heard.unreadable == 2


@pytest.mark.parametrize("body", [
    b"hello", b"{", b"{}", b"17", b"null", b"[1]", b"\xff\xfe", b"[" * 100_000,
    b'{"_type": "location", "lat": NaN, "lon": 2, "tst": 3}',
    b'{"_type": "location", "lat": 1e999, "lon": 2, "tst": 3}',
    b'{"_type": "location", "lat": true, "lon": 2, "tst": 3}',
    b'{"_type": "location", "lat": "north", "lon": 2, "tst": 3}',
    b'{"_type": "location", "lat": 60.1, "lon": 2}',
    b'{"_type": "location", "lat": null, "lon": 2, "tst": 3}',
])  # fmt: skip
def test_unreadable_owntracks(body):
    with pytest.raises(Unreadable):
        read_owntracks(body)


def test_traccar_client_10_in_its_units():
    fix = osmand(
        id="k",
        timestamp="1795435200",
        accuracy="5.5",
        altitude="12",
        speed="10",
        bearing="90",
        batt="77.0",
        charge="true",
    )
    assert (fix.lat, fix.lng, fix.fix_time) == (60.1699, 24.9384, 1_795_435_200_000)
    assert fix.speed_mps == pytest.approx(5.144, abs=1e-3)
    assert (fix.accuracy_m, fix.bearing_deg) == (5.5, 90.0)


@pytest.mark.parametrize(("text", "expected_ms"), [
    ("1795435200", 1_795_435_200_000),
    ("1795435200123", 1_795_435_200_123),
    ("1795435200.5", 1_795_435_200_500),
    ("2026-11-23T12:00:00Z", NOON_MS),
    ("2026-11-23T14:00:00.250+02:00", NOON_MS + 250),
    ("2026-11-23 12:00:00", NOON_MS),
    ("2026-11-23T14:00:00 02:00", NOON_MS),  # a plus that was not escaped in the address
    ("2026-11-23T14:00:00.000 0200", NOON_MS),
    ("2026-11-23T12:00:00", NOON_MS),
    ("0", 0),
])  # fmt: skip
def test_every_way_to_write_the_time(text, expected_ms):
    assert osmand(timestamp=text).fix_time == expected_ms


def test_other_ways_of_saying_the_same():
    assert osmand(heading="45").bearing_deg == 45.0
    assert osmand(hdop="2").accuracy_m == 10.0
    assert osmand(hdop="65").accuracy_m == 65.0
    assert osmand(accuracy="8", hdop="2").accuracy_m == 8.0
    assert osmand().fix_time == NOW_MS
    (fix,) = read_osmand({"location": "60.1699,24.9384"}, now_ms=NOW_MS).fixes
    assert (fix.lat, fix.lng) == (60.1699, 24.9384)


def test_what_the_phone_calls_invalid_is_no_fix():
    assert read_osmand({"lat": "0", "lon": "0", "valid": "false"}, now_ms=NOW_MS).fixes == []


def test_an_unreadable_extra_costs_the_extra_only():
    fix = osmand(speed="{5}", bearing="", accuracy="good")
    assert (fix.speed_mps, fix.bearing_deg, fix.accuracy_m) == (None, None, None)


@pytest.mark.parametrize("parameters", [
    {}, {"lat": "60"}, {"lat": "north", "lon": "24"}, {"lat": "nan", "lon": "24"}, {"lat": "inf", "lon": "24"},
    {"lat": "6_0", "lon": "24"}, {"lat": "٦٠", "lon": "24"}, {"location": "60"}, {"location": ",,,"},
    {"lat": "60", "lon": "24", "timestamp": "yesterday"},
    {"lat": "9" * 10_000, "lon": "24"},
])  # fmt: skip
def test_unreadable_parameters(parameters):
    with pytest.raises(Unreadable):
        read_osmand(parameters, now_ms=NOW_MS)


TRANSISTORSOFT = {
    "timestamp": "2026-11-23T12:00:00.000Z",
    "coords": {
        "latitude": 60.1,
        "longitude": 24.9,
        "accuracy": 7.5,
        "speed": -1,
        "heading": -1,
        "altitude": 3.2,
    },
    "is_moving": True,
    "odometer": 100,
    "uuid": "95b46bb3",
    "activity": {"type": "on_bicycle", "confidence": 90},
    "battery": {"level": 0.8, "is_charging": False},
    "extras": {},
}


def test_traccar_client_9_and_transistorsoft():
    key, heard = read_location_json(
        msgspec.json.encode({"device_id": "k", "location": TRANSISTORSOFT}), now_ms=NOW_MS
    )
    assert key == "k"
    assert heard.fixes == [Fix(60.1, 24.9, NOON_MS, accuracy_m=7.5, bearing_deg=-1.0, speed_mps=-1.0)]


def test_a_list_of_locations_keeps_what_is_readable():
    body = msgspec.json.encode(
        {"location": [TRANSISTORSOFT, {"coords": {}}, {**TRANSISTORSOFT, "timestamp": 1e12}]}
    )
    key, heard = read_location_json(body, now_ms=NOW_MS)
    assert key is None
    assert [fix.fix_time for fix in heard.fixes] == [NOON_MS, 10**12]
    assert heard.unreadable == 1


@given(st.binary() | st.text().map(str.encode))
def test_no_body_is_a_traceback(body):
    for read in (read_owntracks, lambda body: read_location_json(body, now_ms=NOW_MS)[1]):
        with suppress(Unreadable):
            assert all(isinstance(fix, Fix) for fix in read(body).fixes)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
locations = st.fixed_dictionaries(
    {"_type": st.just("location")},
    optional=dict.fromkeys(("lat", "lon", "tst", "acc", "vel", "cog", "coords", "timestamp"), json_values),
)


@given(st.lists(locations, max_size=4) | locations)
def test_no_location_is_a_traceback(location):
    try:
        heard = read_owntracks(msgspec.json.encode(location))
    except Unreadable:
        return
    assert all(isinstance(fix.fix_time, int) for fix in heard.fixes)


names = st.sampled_from(
    ["lat", "lon", "location", "timestamp", "speed", "bearing", "hdop", "accuracy", "valid"]
)
values = st.text() | st.floats().map(str) | st.integers().map(str) | st.datetimes().map(str)


@given(st.dictionaries(names, values))
def test_no_parameters_are_a_traceback(parameters):
    try:
        heard = read_osmand(parameters, now_ms=NOW_MS)
    except Unreadable:
        return
    assert all(isinstance(fix.fix_time, int) for fix in heard.fixes)
