"""NearestIndex: where every courier is, in this process, for “who is near?” and “who is on this map?”.  No
I/O, no clock.

It is fed by the packed position batches that every process hears (realtime/fanout.py), so a question costs no
trip to Redis; Redis stays the shared truth, from which a new process loads its index.  How the nearest are
found stands in ring_search.py, who is in which cell in cell_members.py.

Every courier has a *slot*, a row in numpy arrays.  A batch is taken in by whole columns; Python touches
single couriers only to look up their slots and when one enters another cell, about every fifteenth fix of a
ride.
"""

from array import array
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt

from server.geo.cell_members import NOWHERE, SLOT_TYPE, CellMembers
from server.geo.cells import COURIER_RES, REGION_RES, BadCell, resolution
from server.geo.distances import metres_of_chord, unit_vectors
from server.geo.position import (
    AVAILABLE,
    DEGREES_TO_INT,
    POSITION_DTYPE,
    POSITION_SIZE,
    UNKNOWN_U16,
    Position,
    unpack,
)
from server.geo.presence import Presence, presence
from server.geo.ring_search import LAST_HEARD, PLACE_COLUMNS, RingSearch, Slots

Batch = npt.NDArray[np.void]  # of POSITION_DTYPE

ID_SIZE = 16
_ID_OF_ROW = np.dtype(
    {"names": ["id"], "formats": [f"V{ID_SIZE}"], "offsets": [0], "itemsize": POSITION_SIZE}
)
_WHOLE_ROW = np.dtype(f"V{POSITION_SIZE}")  # copied in one piece, six times as fast as by fields
_SAID = ["lat_e7", "lng_e7", "bearing_cdeg", "fix_time_ms", "received_at_ms", "flags"]
_FIRST_ROOM = 1024
_LONG_AGO_MS: Final = np.iinfo(np.int64).min
_NOT_OFFERED: Final = -np.inf


class Neighbour(NamedTuple):
    """A courier found near a place, as the newest fix has him; times in Unix ms."""

    courier_id: UUID
    distance_m: float
    lat: float
    lng: float
    bearing_deg: float | None
    fix_time_ms: int
    received_at_ms: int
    presence: Presence
    available: bool
    busy: bool


class NearestIndex:
    """The newest position of every courier, searchable by distance and by cell.  For one thread."""

    def __init__(self, *, room: int = _FIRST_ROOM) -> None:
        """`room`: how many couriers to make room for at once; it grows by itself."""
        self._slot_of: dict[bytes, int] = {}
        self._free = array(SLOT_TYPE)
        self._busy_ids: set[bytes] = set()  # also of couriers we have not heard yet
        self._members = CellMembers()
        self._rows: Batch = np.zeros(0, POSITION_DTYPE)
        self._places = np.zeros((0, PLACE_COLUMNS))
        self._busy = np.zeros(0, np.bool_)
        self._make_room(max(room, 1))

    def __len__(self) -> int:
        return len(self._slot_of)

    def __contains__(self, courier_id: UUID) -> bool:
        return courier_id.bytes in self._slot_of

    # --- what is told to it ---

    def update(self, batch: Batch) -> Batch:
        """Take in positions, in any order, several of one courier too: the newest `fix_time` stays, and of
        equal ones the one received last.  `cell` must be the H3 cell of the place, as `believe` has made it.
        Returns what was news: one position a courier, none older than what we had.
        """
        if not len(batch):
            return batch
        slots = self._slots_for(batch)
        batch, slots = self._newest(batch, slots)
        moved = np.flatnonzero(self._rows["cell"][slots] != batch["cell"])
        self._move(slots[moved].tolist(), batch["cell"][moved].tolist())
        self._rows.view(_WHOLE_ROW)[slots] = batch.view(_WHOLE_ROW)
        to_degrees = 1 / DEGREES_TO_INT
        places = np.empty((len(batch), PLACE_COLUMNS))
        places[:, :LAST_HEARD] = unit_vectors(batch["lat_e7"] * to_degrees, batch["lng_e7"] * to_degrees)
        offered = (batch["flags"] & AVAILABLE).astype(np.bool_) & ~self._busy[slots]
        places[:, LAST_HEARD] = np.where(offered, batch["received_at_ms"], _NOT_OFFERED)
        self._places[slots] = places
        return batch

    def set_busy(self, courier_id: UUID, busy: bool) -> None:
        """Whether he has an assignment; known before his first position too."""
        key = courier_id.bytes
        if busy:
            self._busy_ids.add(key)
        else:
            self._busy_ids.discard(key)
        slot = self._slot_of.get(key)
        if slot is not None:
            self._busy[slot] = busy
            row = self._rows[slot]
            offered = not busy and row["flags"] & AVAILABLE
            self._places[slot, LAST_HEARD] = row["received_at_ms"] if offered else _NOT_OFFERED

    def forget(self, courier_ids: Iterable[UUID]) -> None:
        """Remove these couriers' positions; unknown ones are no error.  That they are busy is remembered."""
        for courier_id in courier_ids:
            slot = self._slot_of.pop(courier_id.bytes, None)
            if slot is None:
                continue
            self._members.move(slot, int(self._rows["cell"][slot]), NOWHERE)
            self._clear(slot)
            self._free.append(slot)

    def silent_since(self, before_ms: int) -> list[UUID]:
        """Whom nobody has heard at or after `before_ms` (Unix ms): the ones to forget."""
        silent = np.flatnonzero((self._rows["received_at_ms"] < before_ms) & (self._rows["cell"] != NOWHERE))
        return [UUID(bytes=key) for key in self._rows[silent].view(_ID_OF_ROW)["id"].tolist()]

    # --- what it is asked ---

    def nearest(
        self,
        lat: float,
        lng: float,
        limit: int,
        *,
        max_radius_m: float,
        now_ms: int,
        gone_after_ms: int,
        ageing_after_ms: int = 30_000,
        eligible_only: bool = True,
    ) -> list[Neighbour]:
        """The `limit` nearest couriers within `max_radius_m`, exactly, nearest first; ties in any order.

        Eligible: available, not busy, and heard less than `gone_after_ms` ago.  With `eligible_only=False`
        everybody counts, the gone as well.  BadPlace when lat, lng is no place.
        """
        if limit < 1 or not max_radius_m >= 0:
            return []
        search = RingSearch(
            self._members,
            self._places,
            lat,
            lng,
            limit=limit,
            max_radius_m=max_radius_m,
            heard_since=now_ms - gone_after_ms + 1 if eligible_only else None,
        )
        return self._neighbours(search.run(), now_ms, ageing_after_ms, gone_after_ms)

    def in_cells(self, cells: Collection[int]) -> Batch:
        """Positions of everybody in these cells (REGION_RES to COURIER_RES, else BadCell), busy or not."""
        groups = []
        for cell in cells:
            res = resolution(cell)
            if not REGION_RES <= res <= COURIER_RES:
                raise BadCell
            groups += self._members.of((cell,), res)
        return self._rows[np.frombuffer(b"".join(groups), np.int32)]

    def get(self, courier_id: UUID) -> Position | None:
        """His newest position, if we know one."""
        slot = self._slot_of.get(courier_id.bytes)
        return None if slot is None else unpack(self._rows[slot].tobytes())

    # --- how ---

    def _slots_for(self, batch: Batch) -> Slots:
        ids: list[bytes] = batch.view(_ID_OF_ROW)["id"].tolist()
        try:
            return np.fromiter(map(self._slot_of.__getitem__, ids), np.int32, len(ids))
        except KeyError:  # somebody new: rare, once a shift
            return np.fromiter(map(self._slot_for, ids), np.int32, len(ids))

    def _slot_for(self, key: bytes) -> int:
        slot = self._slot_of.get(key)
        if slot is None:
            if not self._free:
                self._make_room(2 * len(self._rows))
            slot = self._slot_of[key] = self._free.pop()
            self._busy[slot] = key in self._busy_ids
        return slot

    def _make_room(self, couriers: int) -> None:
        room = len(self._rows)
        self._rows = np.concatenate((self._rows, np.zeros(couriers - room, POSITION_DTYPE)))
        self._places = np.concatenate((self._places, np.zeros((couriers - room, PLACE_COLUMNS))))
        self._busy = np.concatenate((self._busy, np.zeros(couriers - room, np.bool_)))
        self._members.reserve(couriers)
        self._free.extend(range(couriers - 1, room - 1, -1))  # low numbers first: what is used lies together
        self._clear(slice(room, couriers))

    def _clear(self, slots: int | slice) -> None:
        self._rows[slots] = np.zeros((), POSITION_DTYPE)  # cell 0: NOWHERE
        self._rows["fix_time_ms"][slots] = _LONG_AGO_MS
        self._places[slots, LAST_HEARD] = _NOT_OFFERED

    def _newest(self, batch: Batch, slots: Slots) -> tuple[Batch, Slots]:
        """The rows of `batch` that are not older than what we have, one a courier."""
        known = self._rows.take(slots)
        known_fix_ms, known_received_ms = known["fix_time_ms"], known["received_at_ms"]
        fix_ms, received_ms = batch["fix_time_ms"], batch["received_at_ms"]
        fresh = (fix_ms > known_fix_ms) | ((fix_ms == known_fix_ms) & (received_ms >= known_received_ms))
        if not fresh.all():
            batch, slots = batch[fresh], slots[fresh]
        in_order = np.sort(slots)
        if (in_order[1:] == in_order[:-1]).any():  # several fixes of one courier
            newest_first = np.lexsort((batch["received_at_ms"], batch["fix_time_ms"]))[::-1]
            _, first = np.unique(slots[newest_first], return_index=True)
            newest = newest_first[first]
            batch, slots = batch[newest], slots[newest]
        return batch, slots

    def _move(self, slots: list[int], cells: list[int]) -> None:
        """Note these couriers' new cells; `_rows` still has the old ones."""
        old_cells: list[int] = self._rows["cell"][slots].tolist()
        for slot, old_cell, cell in zip(slots, old_cells, cells, strict=True):
            self._members.move(slot, old_cell, cell)

    def _neighbours(
        self, found: list[tuple[float, int]], now_ms: int, ageing_after_ms: int, gone_after_ms: int
    ) -> list[Neighbour]:
        slots = [slot for _chord, slot in found]
        rows = self._rows.take(slots)
        ids, said, busy = (
            rows.view(_ID_OF_ROW)["id"].tolist(),
            rows[_SAID].tolist(),
            self._busy.take(slots).tolist(),
        )
        return [
            Neighbour(
                UUID(bytes=ids[n]),
                metres_of_chord(found[n][0]),
                lat_e7 / DEGREES_TO_INT,
                lng_e7 / DEGREES_TO_INT,
                None if bearing_cdeg == UNKNOWN_U16 else bearing_cdeg / 100,
                fix_time_ms,
                received_at_ms,
                presence(now_ms - received_at_ms, ageing_after_ms, gone_after_ms),
                bool(flags & AVAILABLE),
                busy[n],
            )
            for n, (lat_e7, lng_e7, bearing_cdeg, fix_time_ms, received_at_ms, flags) in enumerate(said)
        ]
