"""CSV files of every kind become traces, and what is wrong with one is said with its line."""

import io

import pytest

from server.errors import StartupError
from server.simulator.plane import Place
from server.simulator.replay.csv_files import Columns, read_csv
from server.simulator.replay.traces import BadTrace, Reading, Trace


def read(text: str, **columns) -> list[Trace]:
    return read_csv(io.StringIO(text, newline=""), "a.csv", "a", Columns(**columns))


def test_columns_are_found_by_their_usual_names():
    [trace] = read("Time,Latitude,Lon,accuracy\n2026-11-23T12:00:00Z,60.17,24.94,5\n")
    assert trace == Trace("a", (Reading(1_795_435_200.0, 60.17, 24.94, accuracy_m=5.0),), "a.csv")


def test_columns_can_be_named():
    text = "who,when,n,e\nanna,1000,60.1,24.9\nbert,1000,60.2,24.8\nanna,2000,60.3,24.7\n"
    traces = read(text, courier="who", time="when", lat="n", lng="e", time_unit="ms")
    assert [(trace.name, [reading.at_s for reading in trace.readings]) for trace in traces] == [
        ("anna", [1.0, 2.0]),
        ("bert", [1.0]),
    ]


def test_a_taxi_trip_in_one_row_becomes_a_reading_each_15_seconds_and_needs_no_option():
    text = (
        '"TRIP_ID","CALL_TYPE","TAXI_ID","TIMESTAMP","MISSING_DATA","POLYLINE"\n'
        '"1","C","20000589","1372636858","False","[[-8.618643,41.141412],[-8.618499,41.141376]]"\n'
        '"2","B","20000589","1372640000","False","[]"\n'
    )
    first, second = read(text)
    assert first.name == second.name == "20000589"
    assert first.readings == (
        Reading(1372636858.0, 41.141412, -8.618643),
        Reading(1372636873.0, 41.141376, -8.618499),
    )
    assert second.readings == ()


def test_local_metres_become_degrees_around_the_origin():
    text = "timestamp,x,y,truth\n1964-01-12 00:00:05.007000208,0,111.195,Driving\n"
    [trace] = read(text, origin=Place(60.0, 25.0))
    [reading] = trace.readings
    assert reading.at_s == pytest.approx(-188_438_395 + 0.007, abs=1e-3)
    assert (reading.lat, reading.lng) == (pytest.approx(60.001, abs=1e-6), 25.0)


@pytest.mark.parametrize(
    ("text", "columns", "sentence"),
    [
        ("time,lat,lng\n2026-11-23T12:00:00Z,sixty,24\n", {}, "a.csv, line 2: could not convert"),
        ("time,lat,lng\n1,60,24\nnoon,60,24\n", {}, "a.csv, line 3: Invalid isoformat"),
        ("time,lat,lng\n1,nan,24\n", {}, "a.csv, line 2: nan is no number"),
        ("time,lat,lng\n1,60\n", {}, "a.csv, line 2: 2 columns where line 1 has 3."),
        ("time,lat\n1,60\n", {}, "a.csv, line 1: say which column it is with --lng; there are: time, lat."),
        (
            "time,lat,lng\n",
            {"time": "at"},
            "a.csv, line 1: there is no column at (--time); there are: time, lat, lng.",
        ),
        ("", {}, "a.csv, line 1: say which column it is with --time; there are: none."),
        ('start,polyline\n1,"[[1,2],[3]]"\n', {}, "a.csv, line 2: Expected `array` of length 2"),
        ('start,polyline\n1,"no"\n', {}, "a.csv, line 2: "),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(text, columns, sentence):
    with pytest.raises(BadTrace) as bad:
        read(text, **columns)
    assert str(bad.value).startswith(sentence)


def test_broken_utf8_is_said_with_its_line():
    lines = io.TextIOWrapper(io.BytesIO(b"time,lat,lng\n1,60,24\n\xff\xfe\n"), encoding="utf-8", newline="")
    with pytest.raises(BadTrace, match="not UTF-8"):
        read_csv(lines, "a.csv", "a", Columns())


def test_metres_without_an_origin_are_refused():
    with pytest.raises(StartupError, match="--origin"):
        Columns(x="x", y="y")
