"""The demo city's background map: an OpenStreetMap extract turned once into compact GeoJSON for the pages.

The page draws it (static/js/map.js); where couriers may ride is another reading of the same file.  osmium
belongs to the `demo` extra, so it is imported where it is used.  Data © OpenStreetMap contributors, ODbL.
"""

import gzip
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from shapely import Point, Polygon, box, unary_union
from shapely.geometry import LineString
from shapely.ops import linemerge, nearest_points, polygonize

from server.simulator.osm import find_osm_file

ATTRIBUTION = "© OpenStreetMap contributors"
COORDINATE_DECIMALS = 6  # 1e-6 degree: at most 11 cm
BESIDE_DEG = 2e-6  # about 0.2 m: a step from the coastline onto the water

# OSM's many road classes as the four widths a map draws.
ROAD_CLASS = {
    **dict.fromkeys(("motorway", "trunk", "primary", "secondary"), "major"),
    **dict.fromkeys(("motorway_link", "trunk_link", "primary_link", "secondary_link", "tertiary"), "medium"),
    **dict.fromkeys(("tertiary_link", "residential", "unclassified", "living_street", "pedestrian"), "minor"),
    **dict.fromkeys(("service", "cycleway", "footway", "path", "steps", "track"), "path"),
}
NAMED_ROADS = frozenset({"major", "medium", "minor"})
RAILS = frozenset({"rail", "tram", "light_rail"})
GREENS = {
    "leisure": frozenset({"park", "garden", "pitch", "playground", "golf_course"}),
    "landuse": frozenset({"grass", "forest", "meadow", "cemetery", "recreation_ground", "village_green"}),
    "natural": frozenset({"scrub", "wood", "heath", "grassland", "wetland"}),
}
DRAWING_ORDER = ("land", "water", "green", "building", "road", "rail", "name")

Feature = dict[str, Any]
LngLat = tuple[float, float]  # GeoJSON's order: only this file's insides use it


def ensure_base_map(target: Path, osm_file: Path | None = None) -> None:
    """Write the gzipped GeoJSON to `target`, where the pages look for it, unless it is there already."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    # Several processes may build at once: each writes its own file, and the rename is atomic.
    unfinished = target.with_suffix(f".{os.getpid()}.part")
    # mtime=0: the same input gives the same bytes.
    unfinished.write_bytes(gzip.compress(build_base_map(osm_file or find_osm_file()), mtime=0))
    unfinished.replace(target)


def build_base_map(osm_file: Path) -> bytes:
    """GeoJSON of `osm_file`: features whose `kind` is one of DRAWING_ORDER, in that order."""
    from osmium import FileProcessor, osm  # noqa: PLC0415

    features: list[Feature] = []
    coastlines: list[list[LngLat]] = []
    streets: dict[str, list[list[LngLat]]] = {}
    west, south, east, north = 180.0, 90.0, -180.0, -90.0
    for thing in FileProcessor(str(osm_file)).with_locations().with_areas():
        if isinstance(thing, osm.Node):
            west, east = min(west, thing.lon), max(east, thing.lon)
            south, north = min(south, thing.lat), max(north, thing.lat)
        elif isinstance(thing, osm.Way):
            tags = dict(thing.tags)
            # Nodes beyond the extract's edge have no place: each unbroken stretch is a line of its own.
            lines = _stretches(
                (node.lon, node.lat) if node.location.valid() else None for node in thing.nodes
            )
            if tags.get("natural") == "coastline":
                coastlines.extend(lines)
            elif properties := line_properties(tags):
                features.extend(_feature(properties, "LineString", _rounded(line)) for line in lines)
                if properties.get("class") in NAMED_ROADS and "name" in tags and lines:
                    streets.setdefault(tags["name"], []).extend(lines)
        elif isinstance(thing, osm.Area) and (properties := area_properties(dict(thing.tags))):
            features.extend(_feature(properties, "Polygon", rings) for rings in _rings(thing))
    frame = box(west, south, east, north)
    features.append(_feature({"kind": "land"}, "Polygon", [_rounded(frame.exterior.coords)]))
    for sea in seas(coastlines, frame):
        rings = [_rounded(ring.coords) for ring in (sea.exterior, *sea.interiors)]
        features.append(_feature({"kind": "water"}, "Polygon", rings))
    features.extend(_names(streets))
    features.sort(key=lambda feature: DRAWING_ORDER.index(feature["properties"]["kind"]))
    return msgspec.json.encode(
        {
            "type": "FeatureCollection",
            "attribution": ATTRIBUTION,
            "bbox": _rounded([(west, south)])[0] + _rounded([(east, north)])[0],
            "features": features,
        }
    )


def line_properties(tags: Mapping[str, str]) -> dict[str, str] | None:
    """What the map draws for a way with these tags; None for one it leaves out, tunnels among them."""
    if tags.get("tunnel", "no") != "no" or "yes" in {tags.get("indoor"), tags.get("area")}:
        return None
    if (road := ROAD_CLASS.get(tags.get("highway", ""))) is not None:
        return {"kind": "road", "class": road}
    if tags.get("railway") in RAILS:
        return {"kind": "rail", "class": tags["railway"]}
    return None


def area_properties(tags: Mapping[str, str]) -> dict[str, str] | None:
    """What the map draws for an area with these tags; None for one it leaves out."""
    if tags.get("building", "no") != "no":
        return {"kind": "building"}
    if tags.get("natural") == "water" or tags.get("waterway") == "riverbank":
        return {"kind": "water"}
    if any(tags.get(key) in values for key, values in GREENS.items()):
        return {"kind": "green"}
    return None


def seas(coastlines: Sequence[Sequence[LngLat]], frame: Polygon) -> list[Polygon]:
    """The parts of `frame` that are sea: OSM coastlines have the land on their left, water on their right."""
    if not coastlines:
        return []
    shores = [LineString(_led_to_the_edge(line, frame)) for line in coastlines]
    sides = [side for line in coastlines for side in _beside(line)]
    faces = polygonize(unary_union([frame.boundary, *shores]))
    # A point on the right of one shore may lie across the next one, in a narrow strait: the majority decides.
    return [
        face
        for face in faces
        if sum(face.contains(Point(right)) - face.contains(Point(left)) for right, left in sides) > 0
    ]


def _led_to_the_edge(line: Sequence[LngLat], frame: Polygon) -> list[LngLat]:
    """`line` with its loose ends led on to the frame: an extract cuts a coastline at its last node inside."""
    if line[0] == line[-1]:
        return list(line)
    ends = [nearest_points(frame.exterior, Point(end))[0] for end in (line[0], line[-1])]
    return [(ends[0].x, ends[0].y), *line, (ends[1].x, ends[1].y)]


def _names(streets: Mapping[str, Sequence[Sequence[LngLat]]]) -> Iterator[Feature]:
    """One line for each street's name: OSM cuts streets into short ways, and each would carry the name again."""
    for name, lines in streets.items():
        merged = linemerge([LineString(line) for line in lines])
        longest = max(getattr(merged, "geoms", [merged]), key=lambda line: line.length)
        yield _feature({"kind": "name", "name": name}, "LineString", _rounded(longest.coords))


def _beside(line: Sequence[LngLat]) -> Iterator[tuple[LngLat, LngLat]]:
    """For each segment, a point just right and one just left of its middle."""
    for (x1, y1), (x2, y2) in pairwise(line):
        length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
        if length > 0:
            aside_x, aside_y = (y2 - y1) / length * BESIDE_DEG, -(x2 - x1) / length * BESIDE_DEG
            middle_x, middle_y = (x1 + x2) / 2, (y1 + y2) / 2
            yield (middle_x + aside_x, middle_y + aside_y), (middle_x - aside_x, middle_y - aside_y)


def _stretches(points: Iterable[LngLat | None]) -> list[list[LngLat]]:
    """The unbroken stretches of two points or more."""
    stretches: list[list[LngLat]] = [[]]
    for point in points:
        if point is not None:
            stretches[-1].append(point)
        elif stretches[-1]:
            stretches.append([])
    return [stretch for stretch in stretches if len(stretch) > 1]


def _rings(area: Any) -> Iterator[list[list[list[float]]]]:
    """Each outer ring of an osmium area with its holes."""
    for outer in area.outer_rings():
        holes = [_rounded((node.lon, node.lat) for node in inner) for inner in area.inner_rings(outer)]
        yield [_rounded((node.lon, node.lat) for node in outer), *holes]


def _rounded(points: Iterable[Sequence[float]]) -> list[list[float]]:
    return [[round(lng, COORDINATE_DECIMALS), round(lat, COORDINATE_DECIMALS)] for lng, lat in points]


def _feature(properties: dict[str, str], shape: str, coordinates: object) -> Feature:
    geometry = {"type": shape, "coordinates": coordinates}
    return {"type": "Feature", "properties": properties, "geometry": geometry}
