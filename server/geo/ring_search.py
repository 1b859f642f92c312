"""The k nearest by growing H3 rings: which cells to look into, in which order, and when to stop.  Pure.

Rings grow around the place until its disk holds plenty of couriers, first rings of the finest cells, then of
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

# So many rings of one size (37 cells) while there is not plenty in sight, then the next coarser size …
GROWING_RINGS = 3
# … and so many (61 cells) to cover the reach; beyond that coarser cells do it with fewer.
COVERING_RINGS = 4
# By rings: the area of the disk over that of the circle it is sure to cover (1.5 · √3 · cells / (π ·
# covered²), in edges), rounded up.  With so many times k inside, one look usually answers; the proof does not
# rest on it.
PLENTY = (0, 24, 7, 5, 5)
CELLS_IN_ONE_RING = 7  # the own cell and those around; not tried first unless the own cell promises plenty

# Columns of `places`: x, y, z of the unit vector; when he was last heard (Unix ms), -inf for who may not be
# offered work.
LAST_HEARD = 3
PLACE_COLUMNS = 4


class RingSearch:
    """One search around one place.  `places` has a row of PLACE_COLUMNS for each slot."""

    __slots__ = (
        "_best",
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
        self._best: list[tuple[float, int]] = []  # squared chord and slot, nearest first

    def run(self) -> list[tuple[float, int]]:
        """The squared chord and the slot of each one found, nearest first."""
        own = cell_of(self._lat, self._lng)
        for res in range(COURIER_RES, REGION_RES - 1, -1):
            if self._grow(ancestor(own, res), res):
                return self._best
        # The reach is wider than four regions: look at every region there is.
        self._best = []
        self._look(self._members.by_res[REGION_RES], REGION_RES)
        return self._best

    def _grow(self, own: int, res: int) -> bool:
        """Grow rings of one cell size; whether the answer is complete."""
        self._best = []  # a coarser disk contains them again
        looked: set[int] = set()
        around_own = CELLS_IN_ONE_RING * len(self._members.by_res[res].get(own, ()))
        rings = 1 if around_own >= PLENTY[1] * self._limit else 2
        while rings <= COVERING_RINGS:
            cells = disk(own, rings)
            covered = covered_m(res, rings)
            if covered >= self.reach_m or self._plenty(cells, res, rings):
                self._look([cell for cell in cells if cell not in looked] if looked else cells, res)
                if covered >= self.reach_m:
                    return True
                looked.update(cells)
            if len(self._best) == self._limit:
                rings = max(rings + 1, rings_to_cover(res, self.reach_m))
            elif rings < GROWING_RINGS:
                rings += 1
            else:
                return False
        return False

    def _plenty(self, cells: Iterable[int], res: int, rings: int) -> bool:
        """Whether so many are in this disk that, spread evenly, k of them would be where nobody is missed."""
        occupied = self._members.by_res[res]
        inside = 0
        for cell in cells:
            if cell in occupied:
                inside += len(occupied[cell])
        return inside >= PLENTY[rings] * self._limit

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
        if self._heard_since is not None:
            heard = rows[:, LAST_HEARD] >= self._heard_since
            if not heard.all():
                slots, rows = slots[heard], rows[heard]
        apart = rows[:, :LAST_HEARD] - self._place
        chords: Floats = np.einsum("ij,ij->i", apart, apart)
        if len(chords) > self._limit:
            nearest = np.argpartition(chords, self._limit - 1)[: self._limit]
            slots, chords = slots[nearest], chords[nearest]
        # From here on they are few, and plain Python is as quick as numpy, on a cold processor quicker.
        merged = [*self._best, *zip(chords.tolist(), slots.tolist(), strict=True)]
        self._best = sorted(found for found in merged if found[0] <= self._reach)[: self._limit]
        if len(self._best) == self._limit:
            # One part in 10¹² more: rounding must not lose the k-th when a coarser disk finds him again.
            self._reach = self._best[-1][0] * (1 + 1e-12)
            self.reach_m = metres_of_chord(self._reach)
