"""Places for hypothesis: anywhere, and above all where grids and maps have their seams."""

import math
from typing import NamedTuple

import h3.api.basic_int as h3
from hypothesis import strategies as st

from server.geo.cells import COURIER_RES, REGION_RES
from server.geo.distances import EARTH_RADIUS_M


class Place(NamedTuple):
    lat: float
    lng: float


def away(place: Place, distance_m: float, bearing_deg: float) -> Place:
    """Where you are after `distance_m` along the great circle that starts with this bearing."""
    arc, bearing = distance_m / EARTH_RADIUS_M, math.radians(bearing_deg)
    lat, lng = math.radians(place.lat), math.radians(place.lng)
    here = (math.cos(lat) * math.cos(lng), math.cos(lat) * math.sin(lng), math.sin(lat))
    north = (-math.sin(lat) * math.cos(lng), -math.sin(lat) * math.sin(lng), math.cos(lat))
    east = (-math.sin(lng), math.cos(lng), 0.0)
    x, y, z = (
        h * math.cos(arc) + (n * math.cos(bearing) + e * math.sin(bearing)) * math.sin(arc)
        for h, n, e in zip(here, north, east, strict=True)
    )
    return Place(math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x)))


POLES_AND_DATE_LINE = [
    Place(90.0, 0.0), Place(-90.0, 0.0), Place(89.9999, 120.0), Place(0.0, 180.0), Place(0.0, -180.0),
    Place(-16.8, 179.99999), Place(65.7, -179.99999), Place(0.0, 0.0),
]  # fmt: skip
HELSINKI = Place(60.1699, 24.9384)
SINGAPORE = Place(1.29, 103.85)

PENTAGONS = [
    Place(*h3.cell_to_latlng(cell))
    for res in range(REGION_RES, COURIER_RES + 1)
    for cell in h3.get_pentagons(res)
]


@st.composite
def anywhere(draw: st.DrawFn) -> Place:
    """Evenly over the sphere."""
    lat = math.degrees(math.asin(draw(st.floats(-1.0, 1.0))))
    return Place(lat, draw(st.floats(-180.0, 180.0)))


@st.composite
def corners(draw: st.DrawFn) -> Place:
    """A corner of a cell of any size we use: three cells meet here, perhaps of three parents or regions."""
    place = draw(anywhere())
    cell = h3.latlng_to_cell(place.lat, place.lng, draw(st.integers(REGION_RES, COURIER_RES)))
    return Place(*draw(st.sampled_from(h3.cell_to_boundary(cell))))


def seams() -> st.SearchStrategy[Place]:
    """Pentagons, poles, the antimeridian, corners of cells, two cities, anywhere."""
    return st.one_of(
        st.sampled_from(PENTAGONS),
        st.sampled_from(POLES_AND_DATE_LINE),
        corners(),
        st.sampled_from([HELSINKI, SINGAPORE]),
        anywhere(),
    )


def distances_m(least: float, most: float) -> st.SearchStrategy[float]:
    """Every order of magnitude alike."""
    return st.floats(math.log(least), math.log(most)).map(math.exp)


bearings_deg = st.floats(0.0, 360.0)
