"""Delivery areas: what is drawn is asked by brute force, and what cannot be meant is refused with its reason."""

import itertools
import math

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from server.faults import SENTENCES
from server.geo.areas import MAX_VERTICES, BadArea, Drawing, MultiPolygon, Polygon, area_m2, area_of

LAT, LNG = 60.17, 24.94
SIDE_DEG = 0.02


def square(lat: float = LAT, lng: float = LNG, side_deg: float = SIDE_DEG) -> list[list[float]]:
    """A closed ring, counter-clockwise, whose south-west corner is at lat, lng."""
    return [
        [lng, lat],
        [lng + side_deg, lat],
        [lng + side_deg, lat + side_deg],
        [lng, lat + side_deg],
        [lng, lat],
    ]


def star(radii: list[float]) -> list[list[float]]:
    """A ring around LAT, LNG with a corner in each direction: never crosses itself."""
    turn = 2 * math.pi / len(radii)
    return [
        [LNG + r * math.cos(n * turn), LAT + r * math.sin(n * turn)]
        for n, r in [*enumerate(radii), (0, radii[0])]
    ]


def inside_by_crossings(ring: list[list[float]], lat: float, lng: float) -> bool:
    """Brute force: a ray to the east crosses the outline an odd number of times."""
    inside = False
    for (ax, ay), (bx, by) in itertools.pairwise(ring):
        if (ay > lat) != (by > lat) and lng < ax + (lat - ay) / (by - ay) * (bx - ax):
            inside = not inside
    return inside


def degrees_to_outline(ring: list[list[float]], lat: float, lng: float) -> float:
    """The distance, in degrees, to the nearest of the edges."""
    nearest = math.inf
    for (ax, ay), (bx, by) in itertools.pairwise(ring):
        length = (bx - ax) ** 2 + (by - ay) ** 2
        share = 0.0 if length == 0 else ((lng - ax) * (bx - ax) + (lat - ay) * (by - ay)) / length
        share = min(1.0, max(0.0, share))
        nearest = min(nearest, math.hypot(lng - ax - share * (bx - ax), lat - ay - share * (by - ay)))
    return nearest


RADII = st.lists(st.floats(0.002, 0.05), min_size=3, max_size=24)
OFFSET = st.floats(-0.06, 0.06)


@given(RADII, OFFSET, OFFSET)
def test_a_place_is_inside_as_counting_crossings_says(radii, north, east):
    ring, lat, lng = star(radii), LAT + north, LNG + east
    assume(degrees_to_outline(ring, lat, lng) > 2e-7)
    assert area_of(Polygon([ring])).contains(lat, lng) is inside_by_crossings(ring, lat, lng)


@given(RADII, st.integers(0, 23), st.floats(0, 1))
def test_the_border_is_inside(radii, edge, share):
    ring = star(radii)
    (ax, ay), (bx, by) = ring[edge % len(radii)], ring[edge % len(radii) + 1]
    assert area_of(Polygon([ring])).contains(ay + share * (by - ay), ax + share * (bx - ax))


def test_lng_stands_before_lat():
    area = area_of(Polygon([square()]))
    assert area.contains(LAT + 0.01, LNG + 0.01)
    assert not area.contains(LNG + 0.01, LAT + 0.01)


def test_a_hole_is_outside_and_its_border_inside():
    lake = square(LAT + 0.005, LNG + 0.005, 0.01)
    area = area_of(Polygon([square(), lake]))
    assert area.contains(LAT + 0.002, LNG + 0.002)
    assert not area.contains(LAT + 0.01, LNG + 0.01)
    assert area.contains(LAT + 0.005, LNG + 0.005)


def test_two_banks_of_a_river_are_one_area():
    area = area_of(MultiPolygon([[square()], [square(LAT, LNG + 0.03)]]))
    assert area.contains(LAT + 0.01, LNG + 0.01)
    assert area.contains(LAT + 0.01, LNG + 0.04)
    assert not area.contains(LAT + 0.01, LNG + 0.025)


def test_an_area_across_the_180th_meridian_is_drawn_as_two():
    area = area_of(MultiPolygon([[square(-16.8, 179.9, 0.1)], [square(-16.8, -180.0, 0.1)]]))
    assert area.contains(-16.75, 179.95)
    assert area.contains(-16.75, -179.95)
    assert not area.contains(-16.75, 0.0)


def test_small_faults_of_a_drawing_are_mended():
    corners = square()
    doubled = [corners[0], corners[0], *corners[1:]]
    unclosed = corners[:-1]
    clockwise = corners[::-1]
    spike = [*corners[:2], [LNG + SIDE_DEG + 0.01, LAT], *corners[1:]]  # out and back on the same line
    heights = [[*corner, 12.0] for corner in corners]
    for ring in (doubled, unclosed, clockwise, spike, heights):
        area = area_of(Polygon([ring]))
        assert area.contains(LAT + 0.01, LNG + 0.01)
        assert area_m2(area.geometry) == pytest.approx(area_m2(area_of(Polygon([corners])).geometry))
    assert area_of(Polygon([spike])).repaired
    assert not area_of(Polygon([corners])).repaired


BOW_TIE = [[LNG, LAT], [LNG + 0.02, LAT + 0.02], [LNG + 0.02, LAT], [LNG, LAT + 0.02], [LNG, LAT]]


@pytest.mark.parametrize(
    ("drawing", "why"),
    [
        (Polygon([BOW_TIE]), "not_a_polygon"),
        (Polygon([square(side_deg=0.0001)]), "too_small"),
        (Polygon([square(side_deg=5.0)]), "too_large"),
        (Polygon([square(side_deg=11.0)]), "too_wide"),
        (Polygon([[[179.9, 0.0], [-179.9, 0.0], [-179.9, 0.1], [179.9, 0.1]]]), "too_wide"),
        (Polygon([[[LNG, LAT], [LNG + 0.1, LAT], [LNG, LAT]]]), "too_few_corners"),
        (Polygon([[[LNG, LAT], [LNG + 0.1, LAT], [LNG + 0.2, LAT]]]), "not_a_polygon"),  # all on a line
        (Polygon([[[LNG, 91.0], [LNG + 0.1, 91.0], [LNG, 91.1]]]), "latitude_out_of_range"),
        (MultiPolygon([[star([0.01] * 1000)], [star([0.02] * 1000)]]), "too_many_vertices"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_reason(drawing, why):
    with pytest.raises(BadArea) as refused:
        area_of(drawing)
    [fault] = refused.value.details["errors"]
    assert (fault["pointer"], fault["code"]) == ("/polygon", why)
    assert fault["code"] in SENTENCES


def test_the_largest_drawing_is_taken():
    assert area_of(Polygon([star([0.02] * (MAX_VERTICES - 1))])).contains(LAT, LNG)


def test_it_comes_back_as_geojson_that_is_the_same_area():
    lake = square(LAT + 0.005, LNG + 0.005, 0.01)
    for drawn in (Polygon([square(), lake]), MultiPolygon([[square()], [square(LAT, LNG + 0.03)]])):
        area = area_of(drawn)
        encoded = msgspec.json.encode(area.drawing())
        again = area_of(msgspec.json.decode(encoded, type=Drawing))
        assert again.geometry.equals(area.geometry)
        assert not again.repaired


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"Point","coordinates":[1,2]}',
        '{"type":"Polygon","coordinates":[]}',
        '{"type":"Polygon","coordinates":[[[1,2],[3,4]]]}',
        '{"type":"Polygon","coordinates":[[[1,2],[3,1e999],[5,6]]]}',
        '{"type":"Polygon","coordinates":[[[1,2],[3,4],["5",6]]]}',
        '{"type":"Polygon","coordinates":[[[1],[3,4],[5,6]]]}',
        '{"type":"Polygon"}',
    ],
)
def test_what_is_no_polygon_in_form_is_no_drawing(text):
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(text, type=Drawing)


def test_an_area_is_known_in_square_metres():
    side_m = SIDE_DEG * 111_195
    measured = area_m2(area_of(Polygon([square()])).geometry)
    assert measured == pytest.approx(side_m * side_m * math.cos(math.radians(LAT + 0.01)), rel=0.001)
