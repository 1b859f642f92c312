"""What the processes tell each other about positions, packed, and on which channels.  Pure.

A message is its kind, the moment it was published and a body: packed positions, or ids of
couriers.  Positions go through 64 sharded channels by courier, `{p:17}:positions`; few of them are in use
unless a cluster needs more (settings.position_partitions), every reader listens to all, so the number may
differ between processes.
"""

import struct
from collections.abc import Collection, Iterable
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt

from server.geo.position import POSITION_DTYPE, POSITION_FORMAT_VERSION, POSITION_SIZE, Position

PARTITIONS = 64

_HEADER = struct.Struct("<BBxxxxxxq")
_CLAIM = struct.Struct("<16sQ")
_ID_SIZE = 16

Positions = npt.NDArray[np.void]


class Kind(IntEnum):
    """What a message says."""

    POSITIONS = 1  # where couriers are now
    LEFT = 2  # these couriers have been silent too long and left the map
    CLAIMED = 3  # a newer socket owns this courier
    PROBE = 4  # does what we publish come back to us?


class Message(NamedTuple):
    """A message taken apart; `published_at_ms` is the publisher's clock."""

    kind: Kind
    published_at_ms: int
    body: memoryview


class Claim(NamedTuple):
    """The body of CLAIMED."""

    courier_id: UUID
    owner: int


def partition_of(courier_id: UUID) -> int:
    """The courier's partition, 0 to 63; the last byte of our ids is random."""
    return courier_id.int & PARTITIONS - 1


def channel_name(partition: int) -> str:
    """The sharded channel of a partition; what stands in braces decides the cluster's node."""
    return f"{{p:{partition}}}:positions"


def probe_channel(partition: int, reader: str) -> str:
    """The channel on which one reader hears its own probes, on the node of this partition."""
    return f"{{p:{partition}}}:probe:{reader}"


def pack_batch(positions: Iterable[Position]) -> bytes:
    """Positions one behind the other, as numpy reads them with POSITION_DTYPE."""
    return b"".join([position.pack() for position in positions])


def read_batch(body: bytes | memoryview) -> Positions:
    """The positions of `pack_batch`, without a copy; without those of another release."""
    whole = len(body) - len(body) % POSITION_SIZE
    batch: Positions = np.frombuffer(body[:whole], POSITION_DTYPE)
    is_known = batch["format"] == POSITION_FORMAT_VERSION
    return batch if is_known.all() else batch[is_known]


def pack_message(kind: Kind, body: bytes, *, now_ms: int) -> bytes:
    """One message to publish."""
    return _HEADER.pack(kind, POSITION_FORMAT_VERSION, now_ms) + body


def read_message(data: bytes) -> Message | None:
    """The message; None for one that a newer release has invented or that is cut short."""
    if len(data) < _HEADER.size:
        return None
    number, _version, published_at_ms = _HEADER.unpack_from(data)
    try:
        kind = Kind(number)
    except ValueError:
        return None
    return Message(kind, published_at_ms, memoryview(data)[_HEADER.size :])


def pack_ids(courier_ids: Collection[UUID]) -> bytes:
    """Courier ids one behind the other."""
    return b"".join([courier_id.bytes for courier_id in courier_ids])


def read_ids(body: bytes | memoryview) -> list[UUID]:
    """The ids of `pack_ids`."""
    return [
        UUID(bytes=bytes(body[at : at + _ID_SIZE])) for at in range(0, len(body) - _ID_SIZE + 1, _ID_SIZE)
    ]


def pack_claim(claim: Claim) -> bytes:
    """The body of CLAIMED."""
    return _CLAIM.pack(claim.courier_id.bytes, claim.owner)


def read_claim(body: bytes | memoryview) -> Claim | None:
    """The claim; None when it is cut short."""
    if len(body) < _CLAIM.size:
        return None
    courier, owner = _CLAIM.unpack_from(body)
    return Claim(UUID(bytes=courier), owner)
