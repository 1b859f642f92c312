"""The base map: what is drawn of OSM's tags, where the sea is, and the real extract turned into GeoJSON."""

import gzip
import json
from pathlib import Path

import pytest
from shapely import Point, box

from server.simulator import basemap

FRAME = box(0, 0, 10, 10)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"highway": "primary"}, {"kind": "road", "class": "major"}),
        ({"highway": "residential"}, {"kind": "road", "class": "minor"}),
        ({"highway": "footway"}, {"kind": "road", "class": "path"}),
        ({"railway": "tram"}, {"kind": "rail", "class": "tram"}),
    ],
)
def test_a_way_is_drawn_by_its_class(tags, expected):
    assert basemap.line_properties(tags) == expected


@pytest.mark.parametrize(
    "tags",
    [{}, {"highway": "proposed"}, {"highway": "primary", "tunnel": "yes"}, {"railway": "abandoned"}],
)
def test_what_cannot_be_seen_from_above_is_left_out(tags):
    assert basemap.line_properties(tags) is None


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"building": "yes", "natural": "water"}, "building"),
        ({"natural": "water"}, "water"),
        ({"leisure": "park"}, "green"),
        ({"building": "no", "landuse": "grass"}, "green"),
    ],
)
def test_an_area_is_drawn_by_its_first_kind(tags, kind):
    assert basemap.area_properties(tags) == {"kind": kind}


def test_an_area_of_no_interest_is_left_out():
    assert basemap.area_properties({"amenity": "parking"}) is None


def test_the_sea_is_on_the_right_of_the_coastline():
    northward = [(4.0, 0.5), (4.0, 5.0), (4.0, 9.5)]  # loose ends, as an extract leaves them
    (sea,) = basemap.seas([northward], FRAME)
    assert sea.contains(Point(7, 5))
    assert not sea.contains(Point(2, 5))
    (other,) = basemap.seas([northward[::-1]], FRAME)
    assert other.contains(Point(2, 5))


def test_an_island_is_a_hole_in_the_sea():
    shore = [(1.0, 0.1), (1.0, 9.9)]
    island = [(5.0, 5.0), (6.0, 5.0), (6.0, 6.0), (5.0, 6.0), (5.0, 5.0)]  # counter-clockwise: land inside
    wet = basemap.seas([shore, island], FRAME)
    assert any(sea.contains(Point(8, 8)) for sea in wet)
    assert not any(sea.contains(Point(5.5, 5.5)) for sea in wet)


def test_without_a_coastline_there_is_no_sea():
    assert basemap.seas([], FRAME) == []


def test_helsinki_becomes_a_small_map_with_streets_buildings_parks_and_sea(tmp_path: Path):
    path = tmp_path / "map" / "base.geojson.gz"
    basemap.ensure_base_map(path)
    city = json.loads(gzip.decompress(path.read_bytes()))
    kinds = [feature["properties"]["kind"] for feature in city["features"]]
    assert path.stat().st_size < 200_000
    assert kinds[0] == "land"  # drawn first, beneath everything
    assert kinds == sorted(kinds, key=basemap.DRAWING_ORDER.index)
    assert kinds.count("road") > 1_500
    assert kinds.count("building") > 400
    assert {"water", "green", "rail"} <= set(kinds)
    assert city["attribution"] == "© OpenStreetMap contributors"
    names = [feature["properties"]["name"] for feature in city["features"] if "name" in feature["properties"]]
    assert names.count("Mannerheimintie") == 1  # although OSM has it in dozens of ways
    west, south, east, north = city["bbox"]
    assert west < 24.95 < east
    assert south < 60.17 < north


def test_the_map_is_built_once(tmp_path: Path):
    path = tmp_path / "base.geojson.gz"
    path.write_bytes(b"built before")
    basemap.ensure_base_map(path, osm_file=tmp_path / "not needed")
    assert path.read_bytes() == b"built before"
