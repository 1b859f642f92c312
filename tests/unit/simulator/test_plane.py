"""A flat map of a city."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.simulator.plane import Place, bearing_deg, distance_m, moved, offset_m

HELSINKI = Place(60.17, 24.94)
metres = st.floats(min_value=-20_000, max_value=20_000)


def test_a_degree_of_latitude_is_111_km():
    assert distance_m(Place(60.0, 25.0), Place(61.0, 25.0)) == pytest.approx(111_195, rel=1e-3)


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (Place(60.18, 24.94), 0),
        (Place(60.17, 24.95), 90),
        (Place(60.16, 24.94), 180),
        (Place(60.17, 24.93), 270),
    ],
)
def test_bearings_are_clockwise_from_north(there, expected):
    assert bearing_deg(HELSINKI, there) == pytest.approx(expected, abs=0.1)


@given(metres, metres, st.floats(min_value=-70, max_value=70), st.floats(min_value=-180, max_value=179.9))
def test_moving_and_measuring_agree(east_m, north_m, lat, lng):
    here = Place(lat, lng)
    there = moved(here, east_m, north_m)
    assert offset_m(here, there) == (pytest.approx(east_m, abs=0.5), pytest.approx(north_m, abs=0.5))
    assert -90 <= there.lat <= 90
    assert -180 <= there.lng <= 180
