"""The archive keeps how an order was ridden, but not from and to whose door."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from server.archive.tracks import CUT_M, kept_track, ridden
from server.geo.distances import distance_m
from server.geo.track import TrackFix

COURIER = UUID(int=7)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
A_MINUTE_LATER = datetime(2026, 11, 23, 12, 1, tzinfo=UTC)


def a_ride(*norths_m):
    return [
        TrackFix(1_000 * second, 1_000 * second, 60.17 + north_m / 111_195, 24.94)
        for second, north_m in enumerate(norths_m)
    ]


def test_both_ends_of_a_ride_are_cut():
    kept = kept_track(COURIER, a_ride(0, 100, 200, 300, 500, 700, 800, 900))
    assert kept["courier_id"] == str(COURIER)
    assert [second for _, _, second in kept["line"]] == [2, 3, 4, 5]


def test_a_ride_around_the_corner_leaves_nothing():
    assert kept_track(COURIER, a_ride(0, 50, 100, 140)) is None
    assert kept_track(COURIER, []) is None


@given(st.lists(st.floats(-3000, 3000), min_size=1, max_size=50))
def test_nothing_that_is_kept_is_near_either_door(norths_m):
    ride = a_ride(*norths_m)
    kept = kept_track(COURIER, ride)
    for lng, lat, _ in [] if kept is None else kept["line"]:
        for door in (ride[0], ride[-1]):
            assert distance_m(lat, lng, door.lat, door.lng) > CUT_M - 2  # rounded to a metre


def test_an_order_was_ridden_from_pick_up_to_the_end():
    assert ridden({"picked_up": "2026-11-23T12:00:00Z"}, NOON, A_MINUTE_LATER) == (NOON, A_MINUTE_LATER)


def test_an_order_never_picked_up_was_not_ridden():
    assert ridden({}, NOON, A_MINUTE_LATER) is None
    assert ridden({"picked_up": "2026-11-23T12:00:00Z"}, NOON, None) is None
