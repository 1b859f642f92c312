"""Prints static/js/h3_tables.js: what a page needs to name H3 cells itself, found by asking h3-py.

    python -m tests.browser.h3_tables > static/js/h3_tables.js

H3 lies on an icosahedron whose twelve corners are its pentagons.  From a face's centre, the i axis of its
hexagonal grid points to one of the face's three corners.  Which one, and by how many sixths of a turn a base
cell's digits differ from the face's, is convention: this file tries them all until twenty thousand points agree.
"""

import itertools
import math
import random
from collections import Counter

import h3
import numpy as np

RES = 3  # digits enough to tell the rotations apart
SAMPLES = 20_000
NEAR_A_FACE = math.cos(math.radians(48))  # a face's corners are 37.4° from its centre
K_AXIS = 1
CCW = {0: 0, 1: 5, 5: 4, 4: 6, 6: 2, 2: 3, 3: 1}
CW = {to: digit for digit, to in CCW.items()}
PENTAGONS = frozenset(h3.get_base_cell_number(cell) for cell in h3.get_pentagons(0))
AP7_ROTATION_RAD = math.asin(math.sqrt(3 / 28))

Sample = tuple[np.ndarray, str]  # a point of the sphere, and the cell h3 puts it in


def unit(lat_deg: float, lng_deg: float) -> np.ndarray:
    lat, lng = math.radians(lat_deg), math.radians(lng_deg)
    return np.array([math.cos(lat) * math.cos(lng), math.cos(lat) * math.sin(lng), math.sin(lat)])


def faces() -> list[tuple[np.ndarray, list[np.ndarray]]]:
    """Each face's centre and its three corners."""
    corners = [unit(*h3.cell_to_latlng(cell)) for cell in h3.get_pentagons(0)]
    edge = max(a @ b for a, b in itertools.combinations(corners, 2)) - 1e-6
    found: dict[int, tuple[np.ndarray, list[np.ndarray]]] = {}
    for three in itertools.combinations(corners, 3):
        if all(a @ b > edge for a, b in itertools.combinations(three, 2)):
            centre = sum(three) / np.linalg.norm(sum(three))
            lat, lng = math.degrees(math.asin(centre[2])), math.degrees(math.atan2(centre[1], centre[0]))
            (face,) = h3.get_icosahedron_faces(h3.latlng_to_cell(lat, lng, 8))
            found[face] = (centre, list(three))
    return [found[face] for face in sorted(found)]


def normalised(i: int, j: int, k: int) -> tuple[int, int, int]:
    least = min(i, j, k)
    return i - least, j - least, k - least


def raw_digits(
    point: np.ndarray, centre: np.ndarray, corner: np.ndarray, res: int
) -> tuple[tuple[int, int, int], list[int]]:
    """The base ijk on the face and the digits below it, before any rotation; h3.js does the same."""
    east = corner - (corner @ centre) * centre
    east /= np.linalg.norm(east)
    north = np.cross(centre, east)
    half_corner = np.linalg.norm(corner / (corner @ centre) - centre) / 2
    scale = math.sqrt(7) ** res / half_corner / (point @ centre)
    x, y = point @ east * scale, point @ north * scale
    if res % 2:
        cos, sin = math.cos(AP7_ROTATION_RAD), math.sin(AP7_ROTATION_RAD)
        x, y = x * cos + y * sin, y * cos - x * sin
    q, r = x - y / math.sqrt(3), 2 * y / math.sqrt(3)
    s = -q - r
    rq, rr, rs = round(q), round(r), round(s)
    if abs(rq - q) > abs(rr - r) and abs(rq - q) > abs(rs - s):
        rq = -rr - rs
    elif abs(rr - r) > abs(rs - s):
        rr = -rq - rs
    ijk = normalised(rq + rr, rr, 0)
    digits = []
    for level in range(res, 0, -1):
        i, j = ijk[0] - ijk[2], ijk[1] - ijk[2]
        if level % 2:
            up = normalised(round((3 * i - j) / 7), round((i + 2 * j) / 7), 0)
            a, b, c = up
            down = (3 * a + b, 3 * b + c, a + 3 * c)
        else:
            up = normalised(round((2 * i + j) / 7), round((3 * j - i) / 7), 0)
            a, b, c = up
            down = (3 * a + c, a + 3 * b, b + 3 * c)
        di, dj, dk = normalised(*(one - other for one, other in zip(ijk, down, strict=True)))
        digits.append(4 * di + 2 * dj + dk)
        ijk = up
    return ijk, digits[::-1]


def turned(digits: list[int], turns: int, *, pentagon: bool, clockwise: bool) -> list[int]:
    """`digits` as h3 writes them in a base cell `turns` sixths away; pentagons have no K direction."""
    out = list(digits)
    if pentagon and next((d for d in out if d), 0) == K_AXIS:
        out = [(CW if clockwise else CCW)[d] for d in out]
    for _ in range(turns):
        out = [CCW[d] for d in out]
        if pentagon and next((d for d in out if d), 0) == K_AXIS:
            out = [CCW[d] for d in out]
    return out


def h3_digits(cell: str) -> list[int]:
    bits = h3.str_to_int(cell)
    return [bits >> (3 * (15 - level)) & 7 for level in range(1, RES + 1)]


def solve() -> tuple[list[str], list[str]]:
    """Per face its centre and i corner, and 27 entries `cell*12 + clockwise*6 + turns`, as rows of text."""
    chance = random.Random(3)
    rows = faces()
    own: list[list[Sample]] = [[] for _ in rows]
    beside: list[list[Sample]] = [[] for _ in rows]
    for _ in range(SAMPLES):
        lat, lng = math.degrees(math.asin(chance.uniform(-1, 1))), chance.uniform(-180, 180)
        point, cell = unit(lat, lng), h3.latlng_to_cell(lat, lng, RES)
        nearest, *others = sorted(range(len(rows)), key=lambda face: -(point @ rows[face][0]))
        own[nearest].append((point, cell))
        for face in others:
            if point @ rows[face][0] > NEAR_A_FACE:
                beside[face].append((point, cell))
    frames, entries = [], []
    for face, (centre, corners) in enumerate(rows):
        corner, table = next(
            (corner, table)
            for corner in corners
            if (table := _entries(own[face], centre, corner, RES, agreement=1.0)) is not None
        )
        # Fine cells on a face's edge may belong to a base cell beyond it.  There the faces' grids fit only
        # roughly: the first digit and a majority must do.  What the face itself answers for stays as it is.
        rough = _entries(beside[face], centre, corner, 1, agreement=0.0)
        assert rough is not None
        entries.append([exact if exact >= 0 else guess for exact, guess in zip(table, rough, strict=True)])
        frames.append([*centre, *corner])
    return (
        [", ".join(f"{number:.12f}" for number in frame) for frame in frames],
        [", ".join(str(entry) for entry in table) for table in entries],
    )


def _entries(
    samples: list[Sample], centre: np.ndarray, corner: np.ndarray, res: int, *, agreement: float
) -> list[int] | None:
    """The face's table as these samples tell it; None when no turn suits a place: a wrong `corner`."""
    by_place: dict[tuple[int, int, int], list[tuple[list[int], str]]] = {}
    for point, cell in samples:
        ijk, digits = raw_digits(point, centre, corner, res)
        if max(ijk) <= 2:
            by_place.setdefault(ijk, []).append((digits, cell))
    table = [-1] * 27
    for ijk, found in by_place.items():
        ((base, _count),) = Counter(h3.get_base_cell_number(cell) for _digits, cell in found).most_common(1)
        inside = [
            (digits, h3_digits(cell)[:res]) for digits, cell in found if h3.get_base_cell_number(cell) == base
        ]
        pentagon = base in PENTAGONS
        scores = {
            base * 12 + clockwise * 6 + turns: sum(
                turned(digits, turns, pentagon=pentagon, clockwise=bool(clockwise)) == true
                for digits, true in inside
            )
            for clockwise, turns in itertools.product((0, 1) if pentagon else (0,), range(6))
        }
        best = max(scores, key=lambda entry: scores[entry])
        if scores[best] < agreement * (len(found) if agreement == 1.0 else len(inside)):
            return None
        table[ijk[0] * 9 + ijk[1] * 3 + ijk[2]] = best
    return table


def as_module() -> str:
    """The text of static/js/h3_tables.js."""
    frames, entries = solve()
    return "\n".join(
        [
            "// Printed by tests/browser/h3_tables.py, which explains every number; a test compares the two.",
            "",
            "// Per face of the icosahedron: its centre and the corner of its i axis, as unit vectors.",
            "export const FACES = [",
            *(f"  [{frame}]," for frame in frames),
            "];",
            "// Per face and base i, j, k (i*9 + j*3 + k):",
            "// base cell * 12 + (a pentagon turned clockwise ? 6 : 0) + sixths of a turn.",
            "export const BASE_CELLS = [",
            *(f"  [{entry}]," for entry in entries),
            "];",
            f"export const PENTAGONS = new Set({sorted(PENTAGONS)});",
            "",
        ]
    )


if __name__ == "__main__":
    print(as_module(), end="")
