"""When an order will be at the door, and when a scheduled one must be with its merchant."""

from datetime import timedelta

import pytest

from server.orders.promise import promised_at, release_at, ride_s
from tests.fakes import NOON

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("preparation_s", "riding_s", "minutes"),
    [
        (600, 300, 20),  # 10 + 5, and 5 to fetch it and hand it over
        (601, 300, 21),  # whole minutes, upwards: nobody is angry about a minute too early
        (0, 0, 5),
    ],
)
def test_a_promise_counts_kitchen_ride_and_both_doors(preparation_s, riding_s, minutes):
    assert promised_at(NOON, preparation_s=preparation_s, ride_s=riding_s) == NOON + minutes * MINUTE


def test_a_promise_is_not_before_the_window_ends():
    ends = NOON + 60 * MINUTE
    assert promised_at(NOON, preparation_s=600, ride_s=300, not_before=ends) == ends
    assert promised_at(NOON, preparation_s=6000, ride_s=300, not_before=ends) > ends


def test_a_ride_is_longer_than_the_crows_way():
    a_degree_m = 111_195
    assert ride_s(60, 25, 60 + 4500 / a_degree_m, 25) == pytest.approx(1400, abs=2)
    assert ride_s(60, 25, 60, 25) == 0


def test_a_scheduled_order_comes_to_its_merchant_when_it_is_time():
    wanted = {"accept_s": 180, "preparation_s": 600, "ride_s": 300}
    begins = NOON + 120 * MINUTE
    assert release_at(begins, placed_at=NOON, **wanted) == begins - (3 + 10 + 5 + 5 + 5) * MINUTE
    assert release_at(NOON + 5 * MINUTE, placed_at=NOON, **wanted) == NOON
