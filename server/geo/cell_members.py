"""Who is in which cell, at every resolution from a courier's own cell up to his region.  Pure.

Couriers appear here as *slots*, the small numbers that NearestIndex gives them.  Each cell holds its slots in
an array of 32-bit integers, so that a million couriers cost 48 bytes each for all six resolutions, the
garbage collector has nothing to walk through, and a search joins many cells into one numpy array without
touching an element in Python.
"""

from array import array
from collections.abc import Iterable
from typing import TypeAlias

from server.geo.cells import COURIER_RES, FILL, KEEP, REGION_RES

NOWHERE = 0  # the cell of a slot that nobody has taken yet
SLOT_TYPE = "i"  # of array and numpy alike: a 32-bit signed integer
SLOT_BYTES = array(SLOT_TYPE).itemsize

Members: TypeAlias = "array[int]"  # the slots in one cell; array is generic for type checkers only

_FINE_TO_COARSE = tuple(range(COURIER_RES, REGION_RES - 1, -1))


class CellMembers:
    """The slots in each cell of COURIER_RES and in each of its ancestors down to REGION_RES."""

    __slots__ = ("_place", "by_res")

    def __init__(self) -> None:
        self.by_res: dict[int, dict[int, Members]] = {res: {} for res in _FINE_TO_COARSE}
        # Where in its cell's array a slot stands, so that leaving needs no search.
        self._place: dict[int, Members] = {res: array(SLOT_TYPE) for res in _FINE_TO_COARSE}

    def reserve(self, slots: int) -> None:
        """Make room for slots below `slots`."""
        for place in self._place.values():
            missing = slots - len(place)
            if missing > 0:
                place.frombytes(bytes(missing * SLOT_BYTES))

    def move(self, slot: int, old_cell: int, new_cell: int) -> None:
        """Take `slot` from one cell of COURIER_RES to another, either possibly NOWHERE."""
        for res in _FINE_TO_COARSE:
            old = old_cell and old_cell & KEEP[res] | FILL[res]
            new = new_cell and new_cell & KEEP[res] | FILL[res]
            if old == new:  # so are all coarser ones; a ride mostly changes the finest one or two
                return
            cells, place = self.by_res[res], self._place[res]
            if old:
                _leave(cells, place, slot, old)
            if new:
                members = cells.get(new)
                if members is None:
                    cells[new] = members = array(SLOT_TYPE)
                place[slot] = len(members)
                members.append(slot)

    def of(self, cells: Iterable[int], res: int) -> list[Members]:
        """The slots of each of these cells (all of resolution `res`) that holds anybody."""
        occupied = self.by_res[res]
        return [members for cell in cells if (members := occupied.get(cell)) is not None]


def _leave(cells: dict[int, Members], place: Members, slot: int, cell: int) -> None:
    members = cells[cell]
    last = members.pop()
    if last != slot:  # the last one moves into the gap
        gap = place[slot]
        members[gap] = last
        place[last] = gap
    if not members:
        del cells[cell]
