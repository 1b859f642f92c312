"""Several trips of one person are one way in time order."""

from hypothesis import given
from hypothesis import strategies as st

from server.simulator.replay.traces import Reading, Trace, by_person


def a_trip(name: str, *moments: float, lat: float = 60.0, source: str = "a.csv") -> Trace:
    return Trace(name, tuple(Reading(moment, lat, 25.0) for moment in moments), source)


def test_trips_of_one_taxi_are_in_time_order_whatever_order_the_file_has():
    recording = by_person([a_trip("taxi", 100, 115), a_trip("other", 7), a_trip("taxi", 15, 0)])["taxi"]
    assert [reading.at_s for reading in recording.readings] == [0, 15, 100, 115]


def test_where_two_trips_overlap_the_earlier_one_keeps_the_time():
    recording = by_person([a_trip("taxi", 10, 25, 40, lat=61.0), a_trip("taxi", 0, 15, 30, lat=60.0)])["taxi"]
    assert [(reading.at_s, reading.lat) for reading in recording.readings] == [
        (0, 60),
        (15, 60),
        (30, 60),
        (40, 61),
    ]
    assert recording.overlapping == 2


def test_of_two_readings_of_one_moment_the_first_stays():
    recording = by_person([a_trip("taxi", 0, 15, 15, 30)])["taxi"]
    assert [reading.at_s for reading in recording.readings] == [0, 15, 30]
    assert recording.same_moment == 1


def test_a_trip_without_a_position_is_nobody():
    assert by_person([a_trip("taxi")]) == {}


@given(st.lists(st.lists(st.floats(min_value=-1e9, max_value=1e9), max_size=8), max_size=8))
def test_times_strictly_increase_and_nothing_is_lost_uncounted(trips):
    recordings = by_person(a_trip("taxi", *trip) for trip in trips)
    kept = recordings["taxi"] if recordings else None
    times = [reading.at_s for reading in kept.readings] if kept else []
    assert times == sorted(set(times))
    left_out = kept.overlapping + kept.same_moment if kept else 0
    assert len(times) + left_out == sum(len(trip) for trip in trips)
