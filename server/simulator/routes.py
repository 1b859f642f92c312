"""Ways through the streets: a network, routes over it, and how far along one somebody is.

The shortest way is RoutingKit's to find (pyroutingkit); where that cannot be installed, a straight line with
a detour stands in, of about the length a street grid would give.
"""

import importlib
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from random import Random
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from server.errors import StartupError
from server.simulator.osm import Street
from server.simulator.plane import Place, bearing_deg, distance_m, moved, offset_m

# RoutingKit counts in whole numbers: decimetres are fine enough for the shortest edge.
UNITS_PER_METRE = 10.0
# How much longer the way is than the straight line: the median of 1,000 random ways over Helsinki's streets
# by
# StreetRouter, 1.35.
DETOUR = 1.35


class Route:
    """A line to ride, with its length; `at` finds the place and direction so many metres along."""

    __slots__ = ("along_m", "places")

    def __init__(self, places: Sequence[Place]) -> None:
        self.places = tuple(places) or (Place(0.0, 0.0),)
        steps_m = (distance_m(here, there) for here, there in pairwise(self.places))
        self.along_m = tuple(accumulate(steps_m, initial=0.0))

    @property
    def length_m(self) -> float:
        """Metres from its first to its last place."""
        return self.along_m[-1]

    def at(self, ridden_m: float) -> tuple[Place, float]:
        """The place `ridden_m` along (its ends, outside them) and the direction there in degrees."""
        if len(self.places) == 1:
            return self.places[0], 0.0
        index = min(max(bisect_right(self.along_m, ridden_m) - 1, 0), len(self.places) - 2)
        here, there = self.places[index], self.places[index + 1]
        step_m = self.along_m[index + 1] - self.along_m[index]
        share = min(max((ridden_m - self.along_m[index]) / step_m, 0.0), 1.0) if step_m > 0 else 1.0
        place = Place(here.lat + (there.lat - here.lat) * share, here.lng + (there.lng - here.lng) * share)
        return place, bearing_deg(here, there)


class Router(Protocol):
    """Finds a way from here to there; every two places have one."""

    def route(self, here: Place, there: Place) -> Route:
        """The way from `here` to `there`, beginning and ending exactly there."""
        ...


@dataclass(frozen=True, slots=True)
class Network:
    """The largest connected part of the streets, as arrays: places of the nodes, and arcs between them."""

    lat: NDArray[np.float64]
    lng: NDArray[np.float64]
    tail: NDArray[np.uint32]
    head: NDArray[np.uint32]
    weight: NDArray[np.uint32]

    def place(self, node: int) -> Place:
        """Where a node is."""
        return Place(float(self.lat[node]), float(self.lng[node]))

    def nearest_node(self, place: Place) -> int:
        """The node nearest to `place`."""
        east = (self.lng - place.lng) * math.cos(math.radians(place.lat))
        return int(np.argmin(east * east + (self.lat - place.lat) ** 2))


def network_of(streets: Sequence[Street]) -> Network:
    """The network of `streets`, ridden in both directions; StartupError when there is none to ride."""
    numbers: dict[int, int] = {}
    places: list[Place] = []
    for street in streets:
        for node, place in zip(street.nodes, street.places, strict=True):
            if node not in numbers:
                numbers[node] = len(places)
                places.append(place)
    edges = [
        (numbers[a], numbers[b], street.effort)
        for street in streets
        for a, b in pairwise(street.nodes)
        if a != b
    ]
    kept = _largest_part(len(places), edges)
    if len(kept) < 2:
        raise StartupError("The map has no streets to ride.")
    renumbered = {old: new for new, old in enumerate(kept)}
    arcs = [
        (renumbered[a], renumbered[b], round(distance_m(places[a], places[b]) * effort * UNITS_PER_METRE) + 1)
        for one, other, effort in edges if one in renumbered
        for a, b in ((one, other), (other, one))
    ]  # fmt: skip
    tail, head, weight = (np.array(column, dtype=np.uint32) for column in zip(*arcs, strict=True))
    lat, lng = (
        np.array(column, dtype=np.float64) for column in zip(*(places[old] for old in kept), strict=True)
    )
    return Network(lat, lng, tail, head, weight)


class StreetRouter:
    """The shortest way over the streets, by RoutingKit's customizable contraction hierarchy (about 60 µs a way)."""

    def __init__(self, network: Network, routing_kit: ModuleType) -> None:
        self._network = network
        self._cch: Any = routing_kit.CCH()
        lat, lng = network.lat.astype(np.float32), network.lng.astype(np.float32)
        self._cch.build_topology(network.tail, network.head, lat, lng, node_count=len(lat))
        self._cch.customize_weights(network.weight)

    def route(self, here: Place, there: Place) -> Route:
        """The shortest way; both ends are walked in a straight line to the nearest street."""
        ends = self._network.nearest_node(here), self._network.nearest_node(there)
        _, nodes = self._cch.query(*ends)
        return Route([here, *(self._network.place(node) for node in nodes), there])


class StraightRouter:
    """Straight lines with a detour: out to one side and back, DETOUR times as long."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def route(self, here: Place, there: Place) -> Route:
        """Two straight lines over a corner that makes the way DETOUR times as long."""
        east_m, north_m = offset_m(here, there)
        # The corner is beside the middle: half the way long, sqrt(DETOUR² - 1) of that half aside.
        aside = math.sqrt(DETOUR**2 - 1.0) / 2.0 * self._random.choice((-1.0, 1.0))
        corner = moved(here, east_m / 2.0 - north_m * aside, north_m / 2.0 + east_m * aside)
        return Route([here, corner, there])


def router_for(network: Network, random: Random) -> tuple[Router, str]:
    """The best router there is on this machine, and a sentence for the person watching when it is the lesser one."""
    try:
        routing_kit = importlib.import_module("pyroutingkit")
    except ImportError:
        sentence = (
            "pyroutingkit is not installed: couriers ride straight lines with a detour, not the streets."
        )
        return StraightRouter(random), sentence
    return StreetRouter(network, routing_kit), ""


def _largest_part(count: int, edges: Sequence[tuple[int, int, float]]) -> list[int]:
    """The nodes of the largest connected part, in order."""
    parent = list(range(count))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, other, _ in edges:
        parent[root(one)] = root(other)
    parts: dict[int, list[int]] = {}
    for node in range(count):
        parts.setdefault(root(node), []).append(node)
    return max(parts.values(), key=len, default=[])
