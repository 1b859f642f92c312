"""Couriers ride as fast as couriers do, and their GPS errs as phones do."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.simulator.plane import Place, distance_m
from server.simulator.ride import CRUISING_RANGE_MPS, STOP_S, Gps, Ride, cruising_speed_mps
from server.simulator.routes import Route

LONG = Route([Place(60.0, 25.0), Place(60.1, 25.0)])


@given(st.integers(), st.lists(st.floats(min_value=0.1, max_value=30), min_size=1, max_size=50))
def test_nobody_rides_backwards_or_faster_than_a_bicycle(seed, steps):
    ride = Ride(LONG, 5.0, Random(seed))
    for seconds in steps:
        before_m = ride.ridden_m
        ride.advance(seconds)
        assert before_m <= ride.ridden_m <= LONG.length_m
        assert ride.speed_mps <= 5.0 * 1.2 + 1e-9


def test_an_hour_of_riding_is_slowed_by_red_lights_but_not_stopped():
    ride = Ride(LONG, 5.0, Random(7))
    for _ in range(450):
        ride.advance(4.0)
    mean_mps = ride.ridden_m / 1800.0
    assert 2.0 < mean_mps < 5.0
    assert STOP_S[1] < 30


def test_the_end_of_the_way_is_its_end():
    ride = Ride(Route([Place(60.0, 25.0), Place(60.0001, 25.0)]), 5.0, Random(1))
    ride.advance(60.0)
    assert ride.has_arrived
    assert ride.place()[0] == Place(60.0001, 25.0)


def test_the_error_of_a_phone_wanders_a_few_metres_around_the_truth():
    gps = Gps(Random(3))
    here = Place(60.17, 24.94)
    errors = []
    for moment in range(2000):
        fix = gps.fix(here, 90.0, 4.0, fix_time_ms=moment)
        errors.append(distance_m(here, Place(fix.lat, fix.lng)))
    assert 3.0 < sum(errors) / len(errors) < 8.0
    assert max(errors) < 30.0
    steps = [abs(later - earlier) for earlier, later in pairwise(errors)]
    assert sum(steps) / len(steps) < 3.0  # it wanders, it does not jump


def test_who_stands_still_has_no_direction():
    fix = Gps(Random(1)).fix(Place(60.17, 24.94), 90.0, 0.0, fix_time_ms=5)
    assert (fix.bearing_deg, fix.speed_mps, fix.fix_time) == (None, 0.0, 5)


@given(st.integers())
def test_cruising_speeds_are_those_of_bicycles(seed):
    low, high = CRUISING_RANGE_MPS
    assert low <= cruising_speed_mps(Random(seed)) <= high


def test_nowhere_to_ride_is_arrived():
    ride = Ride(Route([Place(60.0, 25.0)]), 5.0, Random(1))
    assert ride.has_arrived
    ride.advance(0.0)
    assert ride.speed_mps == pytest.approx(0.0)
