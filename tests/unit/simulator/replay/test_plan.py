"""Recordings are set into our time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.simulator.replay.plan import Stamps, length_s, plan, speed_of
from server.simulator.replay.traces import Reading, Recording

NOW_MS = 1_800_000_000_000


def a_recording(name: str, *moments: float, source: str = "a.csv") -> Recording:
    return Recording(name, [Reading(moment, 60.0, 25.0) for moment in moments], {source})


def planned(*recordings: Recording, speed: float = 1.0, stamps: Stamps = Stamps.MOVED) -> dict[str, list]:
    parts = plan(recordings, begins_ms=NOW_MS, speed=speed, stamps=stamps)
    return {
        part.name: [(one.send_s, (one.fix.fix_time - NOW_MS) / 1000) for one in part.due] for part in parts
    }


def test_in_real_time_each_fix_is_of_the_moment_it_is_sent():
    assert planned(a_recording("a", 1000, 1004), a_recording("b", 1002)) == {
        "a": [(0, 0), (4, 4)],
        "b": [(2, 2)],
    }


def test_faster_the_last_fix_is_of_its_moment_and_distances_stay():
    assert planned(a_recording("a", 0, 60, 100), speed=10.0) == {"a": [(0, -90), (6, -30), (10, 10)]}


def test_as_fast_as_it_goes_everything_is_sent_at_once_and_ends_now():
    assert planned(a_recording("a", 0, 60), speed=math.inf) == {"a": [(0, -60), (0, 0)]}


def test_sent_times_are_those_of_sending():
    assert planned(a_recording("a", 0, 60), speed=10.0, stamps=Stamps.SENT) == {"a": [(0, 0), (6, 6)]}


def test_kept_times_are_the_recordings_own():
    [part] = plan([a_recording("a", 0.5)], begins_ms=NOW_MS, speed=1.0, stamps=Stamps.KEPT)
    assert part.due[0].fix.fix_time == 500


def test_each_file_begins_now():
    years_apart = planned(
        a_recording("a", 0, 1, source="a.gpx"), a_recording("b", 1e9, 1e9 + 1, source="b.gpx")
    )
    assert years_apart == {"a": [(0, 0), (1, 1)], "b": [(0, 0), (1, 1)]}


def test_files_that_share_a_courier_share_the_time():
    both = a_recording("taxi", 0, 100)
    both.sources = {"a.csv", "b.csv"}
    assert planned(both, a_recording("other", 50, source="b.csv"))["other"] == [(50, 50)]


@given(
    st.lists(st.floats(min_value=-1e9, max_value=2e9), min_size=1, max_size=20, unique=True),
    st.sampled_from([0.5, 1.0, 60.0, math.inf]),
)
def test_no_moved_fix_is_from_the_future_and_order_is_kept(moments, speed):
    parts = plan([a_recording("a", *sorted(moments))], begins_ms=NOW_MS, speed=speed, stamps=Stamps.MOVED)
    [part] = parts
    sends = [one.send_s for one in part.due]
    times = [one.fix.fix_time for one in part.due]
    assert sends == sorted(sends)
    assert times == sorted(times)
    if speed >= 1.0:
        assert all(
            time_ms <= NOW_MS + send_s * 1000 + 1 for time_ms, send_s in zip(times, sends, strict=True)
        )
    assert length_s(parts) == sends[-1]


@pytest.mark.parametrize("text", ["0", "-1", "nan", "fast"])
def test_a_speed_is_greater_than_nothing(text):
    with pytest.raises(ValueError):
        speed_of(text)
