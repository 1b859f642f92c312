"""Ways through the streets, with RoutingKit and without it."""

import sys
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import StartupError
from server.simulator.osm import Street
from server.simulator.plane import Place, distance_m
from server.simulator.routes import DETOUR, Route, StraightRouter, network_of, router_for

# A block of four corners, 1-2-3-4, whose straight way from 1 to 3 does not exist; 9-10 is an island.
CORNERS = {1: Place(60.0, 25.0), 2: Place(60.0, 25.01), 3: Place(60.005, 25.01), 4: Place(60.005, 25.0)}


def a_street(*nodes: int, effort: float = 1.0) -> Street:
    return Street(nodes, tuple(CORNERS[node] for node in nodes), effort)


def an_island() -> Street:
    return Street((9, 10), (Place(61.0, 25.0), Place(61.0, 25.01)), 1.0)


def test_the_island_nobody_can_ride_to_is_left_out():
    network = network_of([a_street(1, 2, 3), an_island()])
    assert len(network.lat) == 3
    assert network.place(network.nearest_node(Place(61.0, 25.0))) in CORNERS.values()


def test_the_shortest_way_follows_the_streets():
    network = network_of([a_street(1, 2, 3), a_street(1, 4), a_street(4, 3, effort=3.0)])
    router, sentence = router_for(network, Random(1))
    assert sentence == ""
    route = router.route(CORNERS[1], CORNERS[3])
    assert set(route.places) == {CORNERS[1], CORNERS[2], CORNERS[3]}  # not over 4, where riding is hard
    assert router.route(CORNERS[3], CORNERS[1]).length_m == pytest.approx(route.length_m, rel=1e-6)


def test_a_way_begins_and_ends_at_the_door_and_not_at_the_corner():
    router, _ = router_for(network_of([a_street(1, 2, 3)]), Random(1))
    here, there = Place(60.0001, 25.0001), Place(60.0049, 25.0101)
    route = router.route(here, there)
    assert (route.places[0], route.places[-1]) == (here, there)


def test_without_routing_kit_there_is_a_straight_line_and_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyroutingkit", None)
    router, sentence = router_for(network_of([a_street(1, 2)]), Random(1))
    assert isinstance(router, StraightRouter)
    assert "pyroutingkit" in sentence


@given(st.floats(min_value=-0.05, max_value=0.05), st.floats(min_value=-0.05, max_value=0.05), st.integers())
def test_a_detour_is_as_much_longer_as_it_says(north_deg, east_deg, seed):
    here, there = Place(60.0, 25.0), Place(60.0 + north_deg, 25.0 + east_deg)
    route = StraightRouter(Random(seed)).route(here, there)
    assert route.length_m == pytest.approx(distance_m(here, there) * DETOUR, rel=2e-3, abs=0.01)


def test_a_place_along_a_route_is_between_its_ends():
    route = Route([Place(60.0, 25.0), Place(60.001, 25.0), Place(60.001, 25.002)])
    assert route.at(-1.0)[0] == Place(60.0, 25.0)
    place, bearing = route.at(route.along_m[1] / 2)
    assert (place.lat, bearing) == (pytest.approx(60.0005), pytest.approx(0.0))
    assert route.at(route.along_m[1] + 1)[1] == pytest.approx(90.0, abs=0.1)
    assert route.at(route.length_m + 100)[0] == Place(60.001, 25.002)


def test_a_route_of_one_place_stays_there():
    assert Route([Place(60.0, 25.0)]).at(10.0) == (Place(60.0, 25.0), 0.0)


def test_a_map_without_streets_is_refused():
    with pytest.raises(StartupError, match="no streets"):
        network_of([])
