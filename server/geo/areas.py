"""Where a merchant delivers to: polygons drawn on a map, as GeoJSON has them (RFC 7946: lng before lat).  Pure.

Planar in degrees, edges straight as the map draws them: over the width of a city that is off by centimetres to a metre,
and always the line that was drawn.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import shapely
import shapely.ops
from msgspec import Meta
from shapely.geometry.base import BaseGeometry

from server.errors import BadInput
from server.faults import Fault
from server.geo.distances import distance_m

MAX_VERTICES = 2_000
MIN_AREA_M2 = 1_000.0  # less than a yard is a slip of the mouse
MAX_AREA_M2 = 20_000e6  # 20,000 km²: no kitchen's food is warm across a country
# Wider than this in degrees is a polygon that was meant to cross the 180th meridian, or a slip.
MAX_WIDTH_DEG = 10.0
# A repair that changes more of the area than this has guessed what was meant.
HARMLESS_REPAIR = 0.01
# On the border is inside, and a float on a slanted line lies beside it by a rounding: 1e-7 degree is 1 cm.
BORDER_DEG = 1e-7
METRES_PER_DEGREE = 111_195.0  # of a sphere of 6,371 km

Number = Annotated[float, Meta(ge=-180, le=180)]
LngLat = Annotated[
    list[Number], Meta(min_length=2, max_length=3, description="lng, lat; a height is dropped")
]
Ring = Annotated[list[LngLat], Meta(min_length=3, max_length=MAX_VERTICES)]
Rings = Annotated[list[Ring], Meta(min_length=1, max_length=100)]


class Polygon(msgspec.Struct, frozen=True, tag_field="type", tag="Polygon"):
    """A GeoJSON Polygon: an outer ring, and holes."""

    coordinates: Rings


class MultiPolygon(msgspec.Struct, frozen=True, tag_field="type", tag="MultiPolygon"):
    """A GeoJSON MultiPolygon: several polygons, as where a river has no bridge."""

    coordinates: Annotated[list[Rings], Meta(min_length=1, max_length=100)]


Drawing = Polygon | MultiPolygon


class BadArea(BadInput):
    """The delivery area cannot be used as it was drawn; `errors` says what is wrong with it."""

    code = "bad_area"

    def __init__(self, why: str, **values: object) -> None:
        super().__init__(errors=[Fault("/polygon", why, values).as_json()])


@dataclass(frozen=True, slots=True)
class Area:
    """A piece of the map, ready to be asked."""

    geometry: BaseGeometry
    repaired: bool = False  # the drawing had small faults, and this is what it must have meant

    def contains(self, lat: float, lng: float) -> bool:
        """Whether a place is inside; the border is."""
        place = to_point(lat, lng)
        return bool(
            shapely.intersects(self.geometry, place) or shapely.dwithin(self.geometry, place, BORDER_DEG)
        )

    def distance_m(self, lat: float, lng: float) -> float:
        """How far a place is from the nearest of the area, to 1 % over a city; 0 inside."""
        nearest, _ = shapely.ops.nearest_points(self.geometry, to_point(lat, lng))
        return distance_m(lat, lng, nearest.y, nearest.x)

    def drawing(self) -> dict[str, Any]:
        """The area as GeoJSON, outer rings counter-clockwise."""
        oriented = shapely.orient_polygons(self.geometry)
        drawn: Mapping[str, Any] = shapely.geometry.mapping(oriented)
        return msgspec.convert(msgspec.to_builtins(drawn), dict[str, Any])


def to_point(lat: float, lng: float) -> BaseGeometry:
    """A position as shapely wants it: the one place where lat, lng become x, y."""
    return shapely.Point(lng, lat)


def area_of(drawing: Drawing) -> Area:
    """What was drawn, in working order; BadArea when it is too large, too small, or crosses itself."""
    polygons = [drawing.coordinates] if isinstance(drawing, Polygon) else drawing.coordinates
    if sum(len(ring) for rings in polygons for ring in rings) > MAX_VERTICES:
        raise BadArea("too_many_vertices", most=MAX_VERTICES)
    parts, repaired = [], False
    for rings in polygons:
        part, was_repaired = _mended(_as_drawn(rings))
        parts.append(part)
        repaired |= was_repaired
    whole = parts[0] if len(parts) == 1 else shapely.union_all(parts)
    _check_size(whole)
    shapely.prepare(whole)
    return Area(whole, repaired)


def area_m2(geometry: BaseGeometry) -> float:
    """Square metres, to 1 % over a city (a degree of longitude is taken at the middle latitude)."""
    _, south, _, north = geometry.bounds
    shrunk = math.cos(math.radians((south + north) / 2))
    return float(geometry.area) * METRES_PER_DEGREE**2 * shrunk


def _as_drawn(rings: Sequence[Sequence[Sequence[float]]]) -> BaseGeometry:
    flat = [[(corner[0], corner[1]) for corner in ring] for ring in rings]
    if not all(-90 <= lat <= 90 for ring in flat for _, lat in ring):
        raise BadArea("latitude_out_of_range")
    longitudes = [lng for lng, _ in flat[0]]
    if max(longitudes) - min(longitudes) > MAX_WIDTH_DEG:
        raise BadArea("too_wide", most_degrees=MAX_WIDTH_DEG)
    if any(len(set(ring)) < 3 for ring in flat):
        raise BadArea("too_few_corners")
    return shapely.Polygon(flat[0], flat[1:])  # closes the rings by itself


def _mended(drawn: BaseGeometry) -> tuple[BaseGeometry, bool]:
    """The polygon as it must have been meant, and whether it had to be mended."""
    if drawn.is_valid:
        return drawn, False
    reason = shapely.is_valid_reason(drawn)
    mended = _only_polygons(shapely.make_valid(drawn, method="structure", keep_collapsed=False))
    if mended.is_empty or abs(mended.area - drawn.area) > HARMLESS_REPAIR * max(mended.area, drawn.area):
        raise BadArea("not_a_polygon", reason=reason)
    return mended, True


def _only_polygons(geometry: BaseGeometry) -> BaseGeometry:
    """Without the lines and points that a repair may leave behind."""
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    return shapely.union_all(parts)


def _check_size(whole: BaseGeometry) -> None:
    size_m2 = area_m2(whole)
    if size_m2 < MIN_AREA_M2:
        raise BadArea("too_small", least_m2=MIN_AREA_M2)
    if size_m2 > MAX_AREA_M2:
        raise BadArea("too_large", most_km2=MAX_AREA_M2 / 1e6)
