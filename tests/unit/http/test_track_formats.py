"""A track in other programs' words."""

import json
from uuid import UUID
from xml.etree import ElementTree

import pytest

from server.geo.track import TrackFix
from server.http.track_formats import as_geojson, as_gpx, as_json

COURIER = UUID(int=7)
FIXES = [
    TrackFix(1_795_435_200_000, 1_795_435_201_000, 60.17, 24.94, 5.0, 90.0, 4.5),
    TrackFix(1_795_435_204_500, 1_795_435_205_000, -33.5, -70.66),
]
GPX = "{http://www.topografix.com/GPX/1/1}"


def test_json_keeps_all_that_is_known():
    written = json.loads(as_json(COURIER, FIXES))
    assert written["courier_id"] == str(COURIER)
    assert written["fixes"][0] == {
        "lat": 60.17,
        "lng": 24.94,
        "fix_time": 1_795_435_200_000,
        "received_at": 1_795_435_201_000,
        "accuracy_m": 5.0,
        "bearing_deg": 90.0,
        "speed_mps": 4.5,
    }


def test_geojson_says_lng_first():
    written = json.loads(as_geojson(COURIER, FIXES))
    assert written["geometry"] == {"type": "LineString", "coordinates": [[24.94, 60.17], [-70.66, -33.5]]}
    assert written["properties"]["coordTimes"] == ["2026-11-23T12:00:00Z", "2026-11-23T12:00:04.500000Z"]


@pytest.mark.parametrize("fixes", [[], FIXES[:1]])
def test_one_fix_is_no_line(fixes):
    assert json.loads(as_geojson(COURIER, fixes))["geometry"] is None


def test_gpx_is_read_by_others():
    points = ElementTree.fromstring(as_gpx(COURIER, FIXES)).findall(f"{GPX}trk/{GPX}trkseg/{GPX}trkpt")
    assert [(float(point.get("lat")), float(point.get("lon"))) for point in points] == [
        (60.17, 24.94),
        (-33.5, -70.66),
    ]
    assert [point.find(f"{GPX}time").text for point in points] == [
        "2026-11-23T12:00:00.000Z",
        "2026-11-23T12:00:04.500Z",
    ]


def test_nobody_rode_is_an_empty_track():
    assert json.loads(as_json(COURIER, []))["fixes"] == []
    ElementTree.fromstring(as_gpx(COURIER, []))
