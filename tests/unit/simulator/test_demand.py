"""Orders arrive as a day goes."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.simulator.demand import DAY_S, HOUR_S, next_arrival_s, share_of_peak


@pytest.mark.parametrize(("hour", "share"), [(0, 0.1), (12, 1.0), (24, 0.1), (11.75, 0.95), (36, 1.0)])
def test_the_day_has_its_hours(hour, share):
    assert share_of_peak(hour * HOUR_S) == pytest.approx(share)


@given(st.floats(min_value=0, max_value=10 * DAY_S))
def test_there_is_always_somebody_hungry_and_never_more_than_the_peak(moment_s):
    assert 0.05 <= share_of_peak(moment_s) <= 1.0


def test_a_lunch_hour_brings_about_as_many_orders_as_it_should():
    random = Random(5)
    arrivals, now_s = 0, 12 * HOUR_S
    while (now_s := next_arrival_s(now_s, 600.0, random)) < 13 * HOUR_S:
        arrivals += 1
    assert 480 < arrivals < 640  # 600 at the peak, less as the hour ends


@given(st.floats(min_value=0, max_value=DAY_S), st.integers())
def test_the_next_arrival_is_later(now_s, seed):
    assert next_arrival_s(now_s, 100.0, Random(seed)) > now_s
