"""The k nearest by growing H3 rings: which cells to look into, in which order, and when to stop.  Pure.

Rings grow around the place until its disk holds at least k couriers, first rings of the finest cells, then of
ever coarser ones, so that a search costs much the same in a crowded centre and on an empty shore.  The k-th
best distance found is then the *reach*: whoever is nearer lies within it, so the disk grows once more to
cover the reach, and the answer is exact.  Two bounds from geo/cells.py carry the proof: `covered_m` (nobody
outside n rings is nearer) and `radius_m` (nobody is farther from the centre of his cell); both hold beside
pentagons, poles and the antimeridian, since they speak of great circles and not of degrees.

Where a disk holds far more couriers than were asked for (a lake in the middle of a city), its cells are
visited nearest first and crowded ones split into their children, so that only the near ones are measured one
by one.
"""

from collections.abc import Iterable
from heapq import heapify, heappop, heappush

import numpy as np
import numpy.typing as npt

from server.geo.cell_members import CellMembers, Members
from server.geo.cells import (
    COURIER_RES,
    REGION_RES,
    ancestor,
    cell_of,
    centre_of,
    children,
    covered_m,
    disk,
    radius_m,
    resolution,
    rings_to_cover,
)
from server.geo.distances import (
    HALF_AROUND_M,
    Floats,
    distance_m,
    metres_of_chord,
    squared_chord,
    unit_vector,
)

Slots = npt.NDArray[np.int32]

# Up to this many couriers it is quicker to measure all than to choose among their cells, and up to a handful
# a cell is not worth splitting; docs/decisions/0003-nearest-index.md has the measurements.
CROWD = 1024
HANDFUL = 256

# So many rings of one size (19 cells) while fewer than k are in sight, then the next coarser size …
GROWING_RINGS = 2
# … and so many (61 cells) to cover the reach; beyond that coarser cells do it with fewer.
COVERING_RINGS = 4

# Columns of `places`: x, y, z of the unit vector; when he was last heard (Unix ms), -inf for who may not be
# offered work.
LAST_HEARD = 3
PLACE_COLUMNS = 4

_NO_CHORDS: Floats = np.empty(0)
_NO_SLOTS: Slots = np.empty(0, np.int32)


class RingSearch:
    """One search around one place.  `places` has a row of PLACE_COLUMNS for each slot."""

    __slots__ = (
        "_best",
        "_best_slots",
        "_heard_since",
        "_lat",
        "_limit",
        "_lng",
        "_members",
        "_place",
        "_places",
        "_reach",
        "reach_m",
    )

    def __init__(
        self,
        members: CellMembers,
        places: Floats,
        lat: float,
        lng: float,
        *,
        limit: int,
        max_radius_m: float,
        heard_since: float | None,
    ) -> None:
        """`heard_since`: only who may be offered work and was heard since then (Unix ms); None: everybody."""
        self._members = members
        self._places = places
        self._lat, self._lng = lat, lng
        self._limit = limit
        self._heard_since = heard_since
        self._place = np.array(unit_vector(lat, lng))
        self.reach_m = min(max_radius_m, HALF_AROUND_M)  # nobody farther than this can be in the answer
        self._reach = squared_chord(self.reach_m)
        self._best = _NO_CHORDS  # squared chords of the best so far, in no order
        self._best_slots = _NO_SLOTS

    def run(self) -> tuple[list[int], list[float]]:
        """The slots found and their distances in metres, nearest first."""
        own = cell_of(self._lat, self._lng)
        for res in range(COURIER_RES, REGION_RES - 1, -1):
            if self._grow(ancestor(own, res), res):
                return self._answer()
        # The reach is wider than four regions: look at every region there is.
        self._best, self._best_slots = _NO_CHORDS, _NO_SLOTS
        self._look(self._members.by_res[REGION_RES], REGION_RES)
        return self._answer()

    def _grow(self, own: int, res: int) -> bool:
        """Grow rings of one cell size; whether the answer is complete."""
        self._best, self._best_slots = _NO_CHORDS, _NO_SLOTS  # a coarser disk contains them again
        looked: set[int] = set()
        rings = 1
        while rings <= COVERING_RINGS:
            cells = disk(own, rings)
            covered = covered_m(res, rings)
            if covered >= self.reach_m or self._enough(cells, res):
                self._look((cell for cell in cells if cell not in looked), res)
                looked.update(cells)
                if covered >= self.reach_m:
                    return True
            if len(self._best) == self._limit:
                rings = max(rings + 1, rings_to_cover(res, self.reach_m))
            elif rings < GROWING_RINGS:
                rings += 1
            else:
                return False
        return False

    def _enough(self, cells: Iterable[int], res: int) -> bool:
        return sum(map(len, self._members.of(cells, res))) >= self._limit

    def _look(self, cells: Iterable[int], res: int) -> None:
        """Consider everybody in these cells."""
        occupied = self._members.by_res[res]
        inside = [(cell, members) for cell in cells if (members := occupied.get(cell)) is not None]
        if sum(len(members) for _, members in inside) <= CROWD:
            self._measure([members for _, members in inside])
        else:
            self._look_nearest_first(inside)

    def _look_nearest_first(self, inside: Iterable[tuple[int, Members]]) -> None:
        """Consider the nearest cells first, split crowded ones, leave out what is beyond the reach."""
        waiting = [(self._at_least_m(cell), cell, members) for cell, members in inside]
        heapify(waiting)  # no two cells are equal, so members are never compared
        taken: list[Members] = []
        couriers_taken = 0
        while waiting:
            at_least_m, cell, members = heappop(waiting)
            if at_least_m > self.reach_m:
                break
            res = resolution(cell)
            if res < COURIER_RES and len(members) > HANDFUL:
                finer = self._members.by_res[res + 1]
                for child in children(cell):
                    if child in finer:
                        heappush(waiting, (self._at_least_m(child), child, finer[child]))
                continue
            taken.append(members)
            couriers_taken += len(members)
            if couriers_taken > HANDFUL:
                self._measure(taken)
                taken, couriers_taken = [], 0
        self._measure(taken)

    def _at_least_m(self, cell: int) -> float:
        """Nobody of this cell is nearer than this; may be negative."""
        return distance_m(self._lat, self._lng, *centre_of(cell)) - radius_m(resolution(cell))

    def _measure(self, groups: list[Members]) -> None:
        """Keep the best of these couriers and of those kept before."""
        if not groups:
            return
        slots: Slots = np.frombuffer(b"".join(groups), np.int32)
        rows = self._places.take(slots, axis=0)
        apart = rows[:, :LAST_HEARD] - self._place
        chords: Floats = np.einsum("ij,ij->i", apart, apart)
        wanted = chords <= self._reach
        if self._heard_since is not None:
            wanted &= rows[:, LAST_HEARD] >= self._heard_since
        chords, slots = chords[wanted], slots[wanted]
        if len(self._best):
            chords, slots = np.concatenate((self._best, chords)), np.concatenate((self._best_slots, slots))
        if len(chords) > self._limit:
            nearest = np.argpartition(chords, self._limit - 1)[: self._limit]
            chords, slots = chords[nearest], slots[nearest]
        self._best, self._best_slots = chords, slots
        if len(chords) == self._limit:
            # One part in 10¹² more: rounding must not lose the k-th when a coarser disk finds him again.
            self._reach = float(chords.max()) * (1 + 1e-12)
            self.reach_m = metres_of_chord(self._reach)

    def _answer(self) -> tuple[list[int], list[float]]:
        order = np.argsort(self._best)
        slots: list[int] = self._best_slots[order].tolist()
        return slots, [metres_of_chord(chord) for chord in self._best[order].tolist()]
