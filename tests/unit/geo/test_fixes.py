"""Which fixes are believed, and why the others are not."""

import math
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.geo.fixes import (
    Doubt,
    FixLimits,
    Verdict,
    believe,
    doubt_after,
    known_bearing_deg,
    known_speed_mps,
)
from server.geo.position import Position
from server.wire.messages import Fix

NOW_MS = 1_795_435_200_000  # 2026-11-23 12:00 UTC
HELSINKI = (60.1699, 24.9384)
LIMITS = FixLimits()
COURIER_ID = UUID(int=7)


def a_fix(lat=HELSINKI[0], lng=HELSINKI[1], fix_time=NOW_MS, **rest):
    return Fix(lat, lng, fix_time, **rest)


def a_position(lat=HELSINKI[0], lng=HELSINKI[1], fix_time_ms=NOW_MS - 4_000, **rest):
    return Position(
        courier_id=COURIER_ID,
        lat=lat,
        lng=lng,
        fix_time_ms=fix_time_ms,
        received_at_ms=fix_time_ms,
        cell=0,
        **rest,
    )


def verdict(fix, last=None, **rest):
    return believe(fix, last, received_at_ms=NOW_MS, limits=LIMITS, **rest)


@pytest.mark.parametrize(("fix", "expected"), [
    (a_fix(), Verdict.LIVE),
    (a_fix(lat=90.0, lng=-180.0), Verdict.LIVE),
    (a_fix(lat=math.nan), Verdict.NOT_FINITE),
    (a_fix(lng=math.inf), Verdict.NOT_FINITE),
    (a_fix(accuracy_m=math.nan), Verdict.NOT_FINITE),
    (a_fix(bearing_deg=-math.inf), Verdict.NOT_FINITE),
    (a_fix(speed_mps=math.nan), Verdict.NOT_FINITE),
    (a_fix(lat=91.0), Verdict.OUT_OF_RANGE),
    (a_fix(lng=180.0001), Verdict.OUT_OF_RANGE),
    (a_fix(lat=1e308), Verdict.OUT_OF_RANGE),
    (a_fix(lat=0.0, lng=0.0), Verdict.NULL_ISLAND),
    (a_fix(lat=0.0, lng=9.4), Verdict.LIVE),                        # the equator runs through Libreville
    (a_fix(accuracy_m=-1.0), Verdict.BAD_ACCURACY),
    (a_fix(accuracy_m=25_000.0), Verdict.BAD_ACCURACY),
    (a_fix(fix_time=NOW_MS + 59_000), Verdict.LIVE),                # clocks differ
    (a_fix(fix_time=NOW_MS + 61_000), Verdict.FROM_THE_FUTURE),
    (a_fix(fix_time=2_147_483_648_000), Verdict.FROM_THE_FUTURE),   # 2038
    (a_fix(fix_time=10**400), Verdict.FROM_THE_FUTURE),
    (a_fix(fix_time=0), Verdict.TOO_OLD),                           # 1970
    (a_fix(fix_time=-(10**400)), Verdict.TOO_OLD),
    (a_fix(fix_time=NOW_MS // 1000), Verdict.TOO_OLD),              # seconds where milliseconds are due
])  # fmt: skip
def test_a_first_fix(fix, expected):
    assert verdict(fix) is expected


def test_newest_wins_and_what_is_late_is_history():
    last = a_position(fix_time_ms=NOW_MS - 4_000)
    assert verdict(a_fix(fix_time=NOW_MS - 3_999), last) is Verdict.LIVE
    assert verdict(a_fix(fix_time=NOW_MS - 4_001), last) is Verdict.HISTORY


def test_the_same_moment_twice_is_a_duplicate():
    last = a_position()
    assert (
        verdict(a_fix(fix_time=last.fix_time_ms), last, held_until_ms=last.fix_time_ms) is Verdict.DUPLICATE
    )


def test_a_fix_repeated_after_its_process_died_is_kept_for_the_track():
    last = a_position()  # what Redis remembers of the dead process
    assert verdict(a_fix(fix_time=last.fix_time_ms), last) is Verdict.HISTORY


@pytest.mark.parametrize(("metres_north", "elapsed_s", "accuracy_m", "expected"), [
    (100, 4, 5.0, Verdict.LIVE),
    (500_000, 4, 5.0, Verdict.IMPOSSIBLE_SPEED),
    (500_000, 4, None, Verdict.IMPOSSIBLE_SPEED),
    (600, 4, 5.0, Verdict.IMPOSSIBLE_SPEED),      # 150 m/s
    (600, 4, 400.0, Verdict.LIVE),                # … unless the reading itself says it may be 400 m off
    (50, 0.001, 5.0, Verdict.LIVE),               # a whole-second clock: no division by almost nothing
    (290, 4, 5.0, Verdict.LIVE),                  # 60 m/s and the grain of the clock
])  # fmt: skip
def test_nobody_rides_faster_than_the_limit(metres_north, elapsed_s, accuracy_m, expected):
    last = a_position(fix_time_ms=NOW_MS - round(elapsed_s * 1000), accuracy_m=5.0)
    fix = a_fix(lat=HELSINKI[0] + metres_north / 111_195, accuracy_m=accuracy_m)
    assert verdict(fix, last) is expected


def test_swapped_coordinates_are_named_so():
    assert verdict(a_fix(lat=HELSINKI[1], lng=HELSINKI[0]), a_position()) is Verdict.SWAPPED_COORDINATES
    beijing = a_position(lat=39.9042, lng=116.4074)
    assert verdict(a_fix(lat=116.4074, lng=39.9042), beijing) is Verdict.SWAPPED_COORDINATES


def test_a_border_of_the_map_is_no_border_for_a_courier():
    fiji = a_position(lat=-16.8, lng=179.9999)
    assert verdict(a_fix(lat=-16.8, lng=-179.9999), fiji) is Verdict.LIVE
    pole = a_position(lat=89.9999, lng=0.0)
    assert verdict(a_fix(lat=89.9999, lng=180.0), pole) is Verdict.LIVE


def judged(fixes, last):
    """The verdicts of `fixes` one after the other, as an owner keeps the books."""
    verdicts, doubt = [], None
    for fix in fixes:
        said = believe(fix, last, received_at_ms=NOW_MS, limits=LIMITS, doubt=doubt)
        verdicts.append(said)
        if said is Verdict.LIVE:
            last, doubt = a_position(fix.lat, fix.lng, fix.fix_time), None
        elif said in (Verdict.IMPOSSIBLE_SPEED, Verdict.SWAPPED_COORDINATES):
            doubt = doubt_after(fix, doubt, LIMITS)
    return verdicts


def test_one_wrong_first_fix_does_not_lock_a_courier_out():
    yesterday = a_position(lat=52.52, lng=13.405, fix_time_ms=NOW_MS - 20_000)
    today = [a_fix(fix_time=NOW_MS - 19_000 + 1_000 * second) for second in range(6)]
    assert judged(today, yesterday) == [Verdict.IMPOSSIBLE_SPEED] * 3 + [Verdict.LIVE] * 3


def test_scattered_wild_fixes_overrule_nothing():
    wild = [a_fix(lat=10.0 * n, fix_time=NOW_MS - 9_000 + 1_000 * n) for n in range(1, 6)]
    assert set(judged(wild, a_position(fix_time_ms=NOW_MS - 9_000))) == {Verdict.IMPOSSIBLE_SPEED}


def test_a_good_fix_between_wild_ones_starts_the_doubt_anew():
    elsewhere = [a_fix(lat=52.52, fix_time=NOW_MS - 9_000 + 1_000 * n) for n in range(1, 7)]
    elsewhere[3] = a_fix(fix_time=elsewhere[3].fix_time)
    assert judged(elsewhere, a_position(fix_time_ms=NOW_MS - 9_000))[-1] is Verdict.IMPOSSIBLE_SPEED


def test_unknown_bearing_and_speed_are_none():
    assert known_bearing_deg(-1.0) is None
    assert known_bearing_deg(None) is None
    assert known_bearing_deg(360.0) == 0.0
    assert known_speed_mps(-1.0) is None
    assert known_speed_mps(0.0) == 0.0
    assert known_speed_mps(1e308) is None


any_float = st.floats() | st.floats(-200, 200)
any_fix = st.builds(
    Fix, any_float, any_float,
    st.integers() | st.integers(NOW_MS - 10**7, NOW_MS + 10**5),
    st.none() | any_float, st.none() | any_float, st.none() | any_float,
)  # fmt: skip
believed_position = st.builds(
    a_position, st.floats(-90, 90), st.floats(-180, 180), st.integers(NOW_MS - 10**7, NOW_MS),
    accuracy_m=st.none() | st.floats(0, 1000),
)  # fmt: skip
any_doubt = st.builds(
    Doubt, st.floats(-90, 90), st.floats(-180, 180), st.integers(NOW_MS - 10**7, NOW_MS), st.floats(0, 1000),
    st.integers(1, 5),
)  # fmt: skip


@given(any_fix, st.none() | believed_position, st.none() | any_doubt, st.none() | st.integers())
def test_nothing_unfit_for_the_map_is_ever_believed_and_nothing_raises(fix, last, doubt, held_until_ms):
    said = verdict(fix, last, doubt=doubt, held_until_ms=held_until_ms)
    if said.is_refusal:
        return
    assert -90 <= fix.lat <= 90
    assert -180 <= fix.lng <= 180
    assert -LIMITS.max_ahead_ms <= NOW_MS - fix.fix_time <= LIMITS.max_age_ms
    position = a_position(
        fix.lat,
        fix.lng,
        fix.fix_time,
        accuracy_m=fix.accuracy_m,
        bearing_deg=known_bearing_deg(fix.bearing_deg),
        speed_mps=known_speed_mps(fix.speed_mps),
    )
    assert position.pack()  # every believed number fits the packed form


@given(any_fix, believed_position)
def test_what_is_live_is_newer_than_everything_before(fix, last):
    if verdict(fix, last) is Verdict.LIVE:
        assert fix.fix_time > last.fix_time_ms
