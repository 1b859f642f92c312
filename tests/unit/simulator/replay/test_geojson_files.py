"""GeoJSON files become traces."""

import json

import pytest

from server.simulator.replay.geojson_files import read_geojson
from server.simulator.replay.traces import BadTrace, Reading, Trace


def read(document: object, **options) -> list[Trace]:
    return read_geojson(json.dumps(document).encode(), "a.geojson", "a", **options)


def a_point(seconds: int, **properties) -> dict:
    moment = f"1970-01-01T00:00:{seconds:02}Z"
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [24.94, 60.17, 7.5]},
        "properties": {"time": moment, **properties},
    }


def a_line(properties: dict) -> dict:
    return {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": [[24.94, 60.17], [24.95, 60.18]]},
        "properties": properties,
    }


TWO = (Reading(0.0, 60.17, 24.94), Reading(5.0, 60.18, 24.95))
TIMES = ["1970-01-01T00:00:00Z", "1970-01-01T00:00:05Z"]


@pytest.mark.parametrize(
    "properties", [{"coordTimes": TIMES}, {"times": [0, 5]}, {"coordinateProperties": {"times": TIMES}}]
)
def test_a_line_has_a_time_for_each_vertex(properties):
    assert read(a_line(properties)) == [Trace("a", TWO, "a.geojson")]


def test_a_line_may_carry_its_times_as_the_fourth_number():
    line = a_line({})
    line["geometry"]["coordinates"] = [[24.94, 60.17, 0, 0], [24.95, 60.18, 0, 5]]
    assert read(line) == [Trace("a", TWO, "a.geojson")]


def test_points_belong_to_the_courier_they_name():
    document = {
        "type": "FeatureCollection",
        "features": [a_point(1, courier="anna"), a_point(2, courier="bert"), a_point(3, courier="anna")],
    }
    traces = {trace.name: [reading.at_s for reading in trace.readings] for trace in read(document)}
    assert traces == {"anna": [1.0, 3.0], "bert": [2.0]}


def test_properties_can_be_named():
    feature = a_point(0, wann="5000", wer="anna")
    [trace] = read(feature, time="wann", courier="wer", time_unit="ms")
    assert (trace.name, trace.readings[0].at_s) == ("anna", 5.0)


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"type": "Polygon"}, "neither a GeoJSON Feature nor a FeatureCollection"),
        ([], "neither a GeoJSON Feature nor a FeatureCollection"),
        ({"type": "FeatureCollection", "features": [3]}, "a feature is no object"),
        (a_line({}), "feature 1: a LineString needs a time for each vertex"),
        (a_line({"times": [0]}), "feature 1: 2 vertices with 1 times"),
        (a_line({"times": [0, "noon"]}), "feature 1: Invalid isoformat"),
        ({"type": "Feature", "geometry": None, "properties": None}, "feature 1: None is neither a Point"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_feature(document, sentence):
    with pytest.raises(BadTrace) as bad:
        read(document)
    assert str(bad.value).startswith(f"a.geojson: {sentence}")


def test_what_is_no_json_is_said():
    with pytest.raises(BadTrace, match="not JSON"):
        read_geojson(b"{", "a.geojson", "a")
