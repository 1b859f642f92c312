"""Position: a believed fix with everything the live side needs to know of it, and its packed form (68 bytes).  Pure.

The packed form is what stands in Redis and what travels, many at once, from process to process; numpy reads a whole
message of them at a time (POSITION_DTYPE).
"""

import struct
from dataclasses import dataclass
from uuid import UUID

import numpy as np

DEGREES_TO_INT = 10_000_000  # 1e-7 degree: about 1 cm on the ground
UNKNOWN_U16 = 0xFFFF
AVAILABLE = 0b0000_0001  # may be offered work
POSITION_FORMAT_VERSION = 1

_PACKED = struct.Struct("<16sqqiiQQHHHBBI")  # 68 bytes with no padding
POSITION_SIZE = _PACKED.size
POSITION_DTYPE = np.dtype(
    [
        ("courier_hi", "<u8"),
        ("courier_lo", "<u8"),  # the 16 bytes of the id, read as two little-endian words
        ("fix_time_ms", "<i8"),
        ("received_at_ms", "<i8"),
        ("lat_e7", "<i4"),
        ("lng_e7", "<i4"),
        ("cell", "<u8"),  # H3, COURIER_RES
        ("owner", "<u8"),  # the owner number of the socket that said it
        ("accuracy_dm", "<u2"),
        ("bearing_cdeg", "<u2"),
        ("speed_cmps", "<u2"),  # 0xFFFF: unknown
        ("flags", "u1"),
        ("format", "u1"),
        ("duty_mark", "<u4"),  # of what he rides for (dispatch/duties.py); 0: nothing
    ]
)
assert POSITION_DTYPE.itemsize == POSITION_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One courier at one moment.  Times in Unix ms: `fix_time_ms` the phone's clock, `received_at_ms` ours."""

    courier_id: UUID
    lat: float
    lng: float
    fix_time_ms: int
    received_at_ms: int
    cell: int
    owner: int = 0
    accuracy_m: float | None = None
    bearing_deg: float | None = None
    speed_mps: float | None = None
    available: bool = True
    duty_mark: int = 0

    def pack(self) -> bytes:
        """The packed form; accuracy is kept to 0.1 m, bearing to 0.01°, speed to 1 cm/s, each capped at 65534 units."""
        return _PACKED.pack(
            self.courier_id.bytes,
            self.fix_time_ms,
            self.received_at_ms,
            round(self.lat * DEGREES_TO_INT),
            round(self.lng * DEGREES_TO_INT),
            self.cell,
            self.owner,
            to_u16(self.accuracy_m, 10),
            to_u16(self.bearing_deg, 100),
            to_u16(self.speed_mps, 100),
            AVAILABLE if self.available else 0,
            POSITION_FORMAT_VERSION,
            self.duty_mark,
        )


def unpack(data: bytes | memoryview, offset: int = 0) -> Position:
    """The Position packed at `offset`; struct.error when there are too few bytes."""
    (
        courier,
        fix_time_ms,
        received_at_ms,
        lat_e7,
        lng_e7,
        cell,
        owner,
        accuracy_dm,
        bearing_cdeg,
        speed_cmps,
        flags,
        _format,
        duty_mark,
    ) = _PACKED.unpack_from(data, offset)
    return Position(
        courier_id=UUID(bytes=courier),
        lat=lat_e7 / DEGREES_TO_INT,
        lng=lng_e7 / DEGREES_TO_INT,
        fix_time_ms=fix_time_ms,
        received_at_ms=received_at_ms,
        cell=cell,
        owner=owner,
        accuracy_m=from_u16(accuracy_dm, 10),
        bearing_deg=from_u16(bearing_cdeg, 100),
        speed_mps=from_u16(speed_cmps, 100),
        available=bool(flags & AVAILABLE),
        duty_mark=duty_mark,
    )


def to_u16(value: float | None, scale: int) -> int:
    """In steps of 1/`scale`, capped at 65534 of them; None is UNKNOWN_U16."""
    return UNKNOWN_U16 if value is None else min(round(value * scale), UNKNOWN_U16 - 1)


def from_u16(value: int, scale: int) -> float | None:
    """What `to_u16` made a number of."""
    return None if value == UNKNOWN_U16 else value / scale
