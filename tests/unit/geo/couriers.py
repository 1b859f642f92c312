"""Builders: couriers as the index is told of them, in packed batches."""

from collections.abc import Iterable
from uuid import UUID

import numpy as np

from server.clock import to_ms
from server.geo.cells import cell_of
from server.geo.nearest import Batch
from server.geo.position import DEGREES_TO_INT, POSITION_DTYPE, Position
from tests.fakes import NOON

NOON_MS = to_ms(NOON)


def courier_id(number: int) -> UUID:
    """The id of courier `number`; ends in zero bytes, which a careless key would lose."""
    return UUID(int=number << 32)


def a_position(number: int = 1, lat: float = 60.17, lng: float = 24.94, **facts: object) -> Position:
    """Courier `number` at a place, at noon unless told otherwise."""
    lat_e7, lng_e7 = round(lat * DEGREES_TO_INT), round(lng * DEGREES_TO_INT)
    usual: dict[str, object] = {"fix_time_ms": NOON_MS, "received_at_ms": NOON_MS}
    return Position(
        courier_id=courier_id(number),
        lat=lat_e7 / DEGREES_TO_INT,
        lng=lng_e7 / DEGREES_TO_INT,
        cell=cell_of(lat_e7 / DEGREES_TO_INT, lng_e7 / DEGREES_TO_INT),
        **{**usual, **facts},  # type: ignore[arg-type]
    )


def a_batch(positions: Iterable[Position]) -> Batch:
    """The positions as one message carries them."""
    return np.frombuffer(b"".join(position.pack() for position in positions), POSITION_DTYPE)
