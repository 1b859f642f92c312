"""The track: a courier's believed fixes, packed into chunks.  Pure; SQL is in track_store.py.

A chunk is a version byte and 26 bytes a fix, of one courier and one UTC day.  Fixes keep both clocks.  The
same moment may stand in two chunks (a phone repeats what a killed process took with it), so reading drops
what it has seen.
"""

import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from server.geo.position import DEGREES_TO_INT, from_u16, to_u16
from server.wire.messages import Fix

CHUNK_VERSION = 1
DAY_MS = 86_400_000

_PACKED = struct.Struct("<qiiiHHH")
PACKED_FIX_SIZE = _PACKED.size
_DTYPE = np.dtype(
    [
        ("fix_time_ms", "<i8"),
        ("delay_ms", "<i4"),  # received_at - fix_time; up to 24 days either way
        ("lat_e7", "<i4"),
        ("lng_e7", "<i4"),
        ("accuracy_dm", "<u2"),
        ("bearing_cdeg", "<u2"),
        ("speed_cmps", "<u2"),
    ]
)
assert _DTYPE.itemsize == PACKED_FIX_SIZE
_MAX_DELAY_MS = 2**31 - 1


class TrackFix(NamedTuple):
    """One fix of a track; times in Unix ms."""

    fix_time_ms: int
    received_at_ms: int
    lat: float
    lng: float
    accuracy_m: float | None = None
    bearing_deg: float | None = None
    speed_mps: float | None = None


class Chunk(NamedTuple):
    """Some fixes of one courier and UTC day as they are stored; times in Unix ms."""

    first_fix_time_ms: int
    last_fix_time_ms: int
    fixes: int
    data: bytes


class BadChunk(ValueError):
    """Stored bytes that are no chunk: written by a newer release, or damaged."""


def pack_fix(fix: Fix, *, bearing_deg: float | None, speed_mps: float | None, received_at_ms: int) -> bytes:
    """One believed fix for a chunk: to 1 cm, 0.1 m of accuracy, 0.01°, 1 cm/s."""
    delay_ms = max(-_MAX_DELAY_MS, min(_MAX_DELAY_MS, received_at_ms - fix.fix_time))
    return _PACKED.pack(
        fix.fix_time,
        delay_ms,
        round(fix.lat * DEGREES_TO_INT),
        round(fix.lng * DEGREES_TO_INT),
        to_u16(fix.accuracy_m, 10),
        to_u16(bearing_deg, 100),
        to_u16(speed_mps, 100),
    )


def chunks_of(packed: Sequence[bytes]) -> list[Chunk]:
    """Chunks of these packed fixes, in any order: one for each UTC day."""
    by_day: dict[int, list[bytes]] = defaultdict(list)
    for fix in packed:
        by_day[_fix_time_ms(fix) // DAY_MS].append(fix)
    return [_chunk(fixes) for _, fixes in sorted(by_day.items())]


def read_chunk(data: bytes) -> list[TrackFix]:
    """The fixes of a chunk, as they were packed; BadChunk when it is none."""
    if len(data) % PACKED_FIX_SIZE != 1 or data[0] != CHUNK_VERSION:
        raise BadChunk(f"{len(data)} bytes, version {data[:1].hex()}")
    rows = np.frombuffer(data, _DTYPE, offset=1).tolist()
    return [
        TrackFix(
            fix_time_ms,
            fix_time_ms + delay_ms,
            lat_e7 / DEGREES_TO_INT,
            lng_e7 / DEGREES_TO_INT,
            from_u16(accuracy_dm, 10),
            from_u16(bearing_cdeg, 100),
            from_u16(speed_cmps, 100),
        )
        for fix_time_ms, delay_ms, lat_e7, lng_e7, accuracy_dm, bearing_cdeg, speed_cmps in rows
    ]


def in_order(fixes: Iterable[TrackFix]) -> list[TrackFix]:
    """A track as it was ridden: by fix_time, each moment once (as it was first received)."""
    first_received: dict[int, TrackFix] = {}
    for fix in fixes:
        known = first_received.get(fix.fix_time_ms)
        if known is None or fix.received_at_ms < known.received_at_ms:
            first_received[fix.fix_time_ms] = fix
    return sorted(first_received.values())


def _chunk(packed: Sequence[bytes]) -> Chunk:
    times_ms = [_fix_time_ms(fix) for fix in packed]
    return Chunk(min(times_ms), max(times_ms), len(packed), bytes([CHUNK_VERSION]) + b"".join(packed))


def _fix_time_ms(packed: bytes) -> int:
    return int.from_bytes(packed[:8], "little", signed=True)
