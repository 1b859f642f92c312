import math

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.geo import cells
from server.geo.cells import COURIER_RES, REGION_RES, BadCell, BadPlace
from server.geo.distances import distance_m
from tests.unit.geo.places import HELSINKI, Place, away, bearings_deg, distances_m, seams

resolutions = st.integers(REGION_RES, COURIER_RES)


@st.composite
def around_seams(draw: st.DrawFn, res: int) -> Place:
    """A place up to sixteen cells of `res` away from a seam."""
    return away(draw(seams()), draw(distances_m(0.01, 16 * cells.EDGE_M[res])), draw(bearings_deg))


@given(st.data(), resolutions)
def test_nobody_is_farther_from_the_centre_of_his_ancestor_than_its_radius(
    data: st.DataObject, res: int
) -> None:
    place = data.draw(around_seams(res))
    centre = cells.centre_of(cells.ancestor(cells.cell_of(*place), res))
    assert distance_m(*place, *centre) < cells.radius_m(res)


@given(st.data(), resolutions, st.integers(1, 8), st.floats(0.0, 1.0), bearings_deg)
def test_whoever_is_within_the_covered_distance_has_his_ancestor_in_the_disk(
    data: st.DataObject, res: int, rings: int, share: float, bearing_deg: float
) -> None:
    place = data.draw(around_seams(res))
    neighbour = away(place, share * cells.covered_m(res, rings), bearing_deg)
    own, his = (cells.ancestor(cells.cell_of(*somewhere), res) for somewhere in (place, neighbour))
    assert his in cells.disk(own, rings)


@given(resolutions, distances_m(0.001, 100_000))
def test_the_rings_to_cover_a_distance_are_enough_and_not_one_too_many(res: int, reach_m: float) -> None:
    rings = cells.rings_to_cover(res, reach_m)
    assert cells.covered_m(res, rings) >= reach_m
    assert rings == 1 or cells.covered_m(res, rings - 1) < reach_m


@given(seams(), st.integers(0, COURIER_RES))
def test_an_ancestor_is_the_parent_that_h3_names(place: Place, res: int) -> None:
    cell = cells.cell_of(*place)
    assert cells.ancestor(cell, res) == h3.cell_to_parent(cell, res)
    assert cells.ancestors(np.array([cell], np.uint64), res).tolist() == [h3.cell_to_parent(cell, res)]
    assert cells.resolution(cells.ancestor(cell, res)) == res


@given(seams(), st.integers(REGION_RES, COURIER_RES - 1))
def test_children_are_all_who_name_the_cell_their_ancestor(place: Place, res: int) -> None:
    cell = cells.cell_of(*place, res)
    children = cells.children(cell)
    assert len(children) == (6 if h3.is_pentagon(cell) else 7)
    assert {cells.ancestor(child, res) for child in children} == {cell}


@pytest.mark.parametrize(
    ("lat", "lng"),
    [(91, 0), (-90.001, 0), (0, 181), (0, -720), (1e308, 0), (math.nan, 0), (0, math.nan), (math.inf, 0)],
)
def test_a_place_that_is_none_has_no_cell(lat: float, lng: float) -> None:
    with pytest.raises(BadPlace):
        cells.cell_of(lat, lng)


def test_a_region_is_named_by_its_h3_text_without_the_closing_fs() -> None:
    cell = cells.cell_of(*HELSINKI)
    assert cells.region_tag(cell) == cells.region_tag(cells.region_of(cell)) == "r:841126d"


@given(seams())
def test_two_regions_never_share_a_name(place: Place) -> None:
    region = cells.region_of(cells.cell_of(*place))
    assert int(cells.region_tag(region).removeprefix("r:").ljust(15, "f"), 16) == region


@pytest.mark.parametrize("res", [cells.TILE_RES, cells.WIDE_TILE_RES])
def test_a_tile_is_read_as_h3_writes_it(res: int) -> None:
    tile = cells.cell_of(*HELSINKI, res)
    assert cells.parse_tile(cells.cell_text(tile)) == cells.parse_tile(h3.int_to_str(tile)) == tile


@pytest.mark.parametrize(
    "text",
    ["", "hello", "-1", "ffffffffffffffff", "1" * 40, "891126d338fffff", "841126dffffffff", "NaN", "٣"],
)
def test_what_is_no_tile_is_refused(text: str) -> None:
    with pytest.raises(BadCell):
        cells.parse_tile(text)
