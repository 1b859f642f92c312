"""H3 cells: which sizes we use, what they are called, two bounds that make search by rings exact.  Pure.

A courier's cell is the H3 cell of COURIER_RES around his fix; every coarser cell he is in is an *ancestor* of
that one.  Ancestors do not cover their descendants exactly (a child sticks out of its parent a little), so
both bounds below speak of "everybody whose ancestor is this cell", not of the cell's outline.

The integer form of H3 is used throughout (H3 index layout: https://h3geo.org/docs/core-library/h3Indexing):
bits 52-55 hold the resolution, below them lie fifteen digits of three bits, all ones where the cell is
coarser than the digit.
"""

import h3.api.basic_int as h3
import h3.api.numpy_int as h3_numpy
import numpy as np
import numpy.typing as npt

from server.errors import BadInput

Cells = npt.NDArray[np.uint64]

COURIER_RES = 9  # edge about 200 m, two blocks
TILE_RES = 6  # edge about 3.7 km; what a dispatcher's map asks for when he sees a district
WIDE_TILE_RES = 5  # edge about 9.9 km; … when he sees the whole city
REGION_RES = 4  # edge about 26 km, a city; the hash tag of position keys: a query asks one shard, or two

FINEST_DIGIT = 15
_RES_SHIFT = 52
_RES_MASK = 0xF << _RES_SHIFT

# Mean edge of a hexagon in metres by resolution (H3's own table, h3geo.org/docs/core-library/restable).
EDGE_M = tuple(float(h3.average_hexagon_edge_length(res, "m")) for res in range(FINEST_DIGIT + 1))

# Hexagons are smallest beside the twelve pentagons and largest far from them, edges between 0.7 and 1.2 of
# the mean.  Measured over 60,000 places for each resolution from 3 to 9, six in ten of them around pentagons:
# nobody was farther from the centre of his ancestor than 1.14 mean edges, and nobody outside n rings nearer
# than 0.75, 1.87, 3.0 and 5.1 edges (n = 1, 2, 3, 5).  What stands here keeps a margin to that;
# tests/unit/geo/test_cells.py holds both.
_RADIUS_EDGES = 1.3
_RING_MARGIN_EDGES = 0.5


class BadPlace(BadInput):
    """Latitude must lie within ±90 and longitude within ±180 degrees."""

    code = "bad_place"


class BadCell(BadInput):
    """That is not an H3 cell of a size we draw."""

    code = "bad_cell"


def cell_of(lat: float, lng: float, res: int = COURIER_RES) -> int:
    """The H3 cell of a place; BadPlace when it is none (H3 itself would wrap latitude 91 to some cell)."""
    if not (-90 <= lat <= 90 and -180 <= lng <= 180):  # written so that NaN fails too
        raise BadPlace
    cell: int = h3.latlng_to_cell(lat, lng, res)
    return cell


def resolution(cell: int) -> int:
    """The H3 resolution of a cell."""
    return (cell & _RES_MASK) >> _RES_SHIFT


def _digits_below(res: int) -> int:
    return (1 << 3 * (FINEST_DIGIT - res)) - 1


# The ancestor of a cell is `cell & KEEP[res] | FILL[res]`; cell_members.py, in a hurry, does it in line.
KEEP = tuple(~(_RES_MASK | _digits_below(res)) & (1 << 64) - 1 for res in range(FINEST_DIGIT + 1))
FILL = tuple(res << _RES_SHIFT | _digits_below(res) for res in range(FINEST_DIGIT + 1))


def ancestor(cell: int, res: int) -> int:
    """The cell of resolution `res`, not finer than the cell's own, that it descends from."""
    return cell & KEEP[res] | FILL[res]


def ancestors(cells: Cells, res: int) -> Cells:
    """`ancestor` of many cells at once."""
    found: Cells = cells & np.uint64(KEEP[res]) | np.uint64(FILL[res])
    return found


def region_of(cell: int) -> int:
    """The region, a cell of REGION_RES, that a courier's cell lies in."""
    return ancestor(cell, REGION_RES)


def region_tag(cell: int) -> str:
    """The region's name in Redis keys, without braces: `r:` and its H3 text without the closing f's."""
    return f"r:{region_of(cell):x}".rstrip("f")


def centre_of(cell: int) -> tuple[float, float]:
    """(lat, lng) of the cell's centre."""
    lat, lng = h3.cell_to_latlng(cell)
    return float(lat), float(lng)


def parse_tile(text: str) -> int:
    """The tile (TILE_RES or WIDE_TILE_RES) written as H3 text; BadCell when it is none."""
    try:
        cell = int(text, 16)
    except ValueError as error:
        raise BadCell from error
    if (
        not 0 < cell < 1 << 64
        or not h3.is_valid_cell(cell)
        or resolution(cell) not in (TILE_RES, WIDE_TILE_RES)
    ):
        raise BadCell
    return cell


def cell_text(cell: int) -> str:
    """The cell as H3 writes it: lower-case hexadecimal digits."""
    return f"{cell:x}"


def disk(cell: int, rings: int) -> list[int]:
    """The cell and `rings` rings around it; right around pentagons too, where a ring has fewer cells."""
    cells: list[int] = h3_numpy.grid_disk(cell, rings).tolist()
    return cells


def children(cell: int) -> list[int]:
    """The cells one resolution finer that descend from this one: seven, or six of a pentagon."""
    cells: list[int] = h3_numpy.cell_to_children(cell).tolist()
    return cells


def radius_m(res: int) -> float:
    """Nobody is farther than this from the centre of his ancestor at `res`."""
    return _RADIUS_EDGES * EDGE_M[res]


def covered_m(res: int, rings: int) -> float:
    """Everybody within this distance of a place has his ancestor in the disk around the place's own."""
    return max(0.0, (rings - _RING_MARGIN_EDGES) * EDGE_M[res])


def rings_to_cover(res: int, distance_m: float) -> int:
    """The fewest rings with `covered_m` not below `distance_m`."""
    return max(1, -int(-(distance_m / EDGE_M[res] + _RING_MARGIN_EDGES) // 1))
