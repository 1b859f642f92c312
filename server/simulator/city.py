"""The demo city as the simulator sees it: streets with a router, merchants' kitchens, customers' doors."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from server.errors import StartupError
from server.simulator.osm import Door, Kitchen, find_osm_file, read_extract
from server.simulator.plane import Place
from server.simulator.routes import Network, Router, network_of, router_for


@dataclass(frozen=True, slots=True)
class City:
    """Where things are, and the ways between them."""

    network: Network
    router: Router
    kitchens: list[Kitchen]
    doors: list[Door]

    def any_corner(self, random: Random) -> Place:
        """Some place on a street."""
        return self.network.place(random.randrange(len(self.network.lat)))


def load_city(osm_file: Path | None, random: Random) -> tuple[City, str]:
    """The city of an OSM extract (Helsinki's by default), and a sentence for the person watching, or "".

    Reads and prepares for about a second; StartupError when the map has nothing to deliver from or to.
    """
    path = osm_file or find_osm_file()
    extract = read_extract(path)
    if not extract.kitchens or not extract.doors:
        raise StartupError(f"The map {path} has no restaurants, or no addresses.")
    network = network_of(extract.streets)
    router, sentence = router_for(network, random)
    return City(network, router, extract.kitchens, extract.doors), sentence
