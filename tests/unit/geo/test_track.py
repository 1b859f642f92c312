"""Chunks of a track: what goes in comes out, day by day, each moment once."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.clock import to_ms
from server.geo.track import BadChunk, TrackFix, chunks_of, in_order, pack_fix, read_chunk
from server.wire.messages import Fix

MIDNIGHT_MS = to_ms(datetime(2026, 11, 24, tzinfo=UTC))


def packed(fix_time_ms, *, lat=60.1699, lng=24.9384, received_at_ms=None):
    fix = Fix(lat, lng, fix_time_ms, accuracy_m=5.0)
    return pack_fix(fix, bearing_deg=None, speed_mps=None, received_at_ms=received_at_ms or fix_time_ms + 300)


believed = st.builds(
    Fix,
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.integers(0, 4_000_000_000_000),
    accuracy_m=st.none() | st.floats(0, 1000),
)


@given(believed, st.none() | st.floats(0, 359.99), st.none() | st.floats(0, 300), st.integers(-60_000, 10**9))
def test_a_fix_survives_to_a_centimetre(fix, bearing_deg, speed_mps, delay_ms):
    received_at_ms = fix.fix_time + delay_ms
    data = pack_fix(fix, bearing_deg=bearing_deg, speed_mps=speed_mps, received_at_ms=received_at_ms)
    ((chunk),) = chunks_of([data])
    (found,) = read_chunk(chunk.data)
    assert (found.fix_time_ms, found.received_at_ms) == (fix.fix_time, received_at_ms)
    assert (found.lat, found.lng) == pytest.approx((fix.lat, fix.lng), abs=1e-7)
    # Half of what is kept, and a hair for what lies exactly between two steps.
    assert found.accuracy_m == pytest.approx(fix.accuracy_m, abs=0.0501)
    assert found.bearing_deg == pytest.approx(bearing_deg, abs=0.00501)
    assert found.speed_mps == pytest.approx(speed_mps, abs=0.00501)


def test_a_chunk_ends_at_midnight_utc():
    before, after = chunks_of([packed(MIDNIGHT_MS), packed(MIDNIGHT_MS - 1), packed(MIDNIGHT_MS - 4_000)])
    assert (before.fixes, before.first_fix_time_ms, before.last_fix_time_ms) == (
        2,
        MIDNIGHT_MS - 4_000,
        MIDNIGHT_MS - 1,
    )
    assert (after.fixes, after.first_fix_time_ms) == (1, MIDNIGHT_MS)


def test_the_same_moment_from_two_chunks_is_read_once_as_it_first_came():
    first, again = TrackFix(1_000, 1_200, 60.0, 24.0), TrackFix(1_000, 9_000, 60.0, 24.0)
    assert in_order([TrackFix(2_000, 2_100, 60.0, 24.0), again, first]) == [
        first,
        TrackFix(2_000, 2_100, 60.0, 24.0),
    ]


@pytest.mark.parametrize("data", [b"", b"\x02" + bytes(26), b"\x01" + bytes(25)])
def test_what_is_no_chunk_is_refused(data):
    with pytest.raises(BadChunk):
        read_chunk(data)
