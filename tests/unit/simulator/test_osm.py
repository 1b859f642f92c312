"""Streets, kitchens and doors come out of an OpenStreetMap file."""

import pytest

from server.errors import StartupError
from server.simulator import osm
from server.simulator.city import load_city
from server.simulator.menus import menu_for
from server.simulator.osm import Door, Kitchen, find_osm_file, read_extract
from server.simulator.plane import Place

MAP = """<?xml version="1.0"?><osm version="0.6">
<node id="1" version="1" lat="60.0" lon="25.0"/>
<node id="2" version="1" lat="60.001" lon="25.0"/>
<node id="3" version="1" lat="60.002" lon="25.0">
  <tag k="amenity" v="restaurant"/><tag k="name" v="Meri"/><tag k="cuisine" v="sushi"/>
  <tag k="addr:street" v="Kauppatori"/><tag k="addr:housenumber" v="1"/></node>
<node id="4" version="1" lat="60.003" lon="25.0">
  <tag k="addr:street" v="Kauppatori"/><tag k="addr:housenumber" v="2"/></node>
<node id="5" version="1" lat="60.004" lon="25.0"><tag k="amenity" v="restaurant"/></node>
<way id="1" version="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="residential"/></way>
<way id="2" version="1"><nd ref="1"/><nd ref="3"/><tag k="highway" v="steps"/></way>
<way id="3" version="1"><nd ref="1"/><nd ref="3"/><tag k="highway" v="service"/><tag k="access" v="private"/></way>
</osm>"""


def test_what_can_be_ridden_cooked_and_delivered_to_is_read(tmp_path):
    file = tmp_path / "town.osm"
    file.write_text(MAP)
    extract = read_extract(file)
    assert [street.nodes for street in extract.streets] == [(1, 2, 3)]
    assert extract.kitchens == [Kitchen("Meri", Place(60.002, 25.0), "Kauppatori 1", "sushi")]
    assert extract.doors == [Door("Kauppatori 2", Place(60.003, 25.0))]


def test_a_file_that_is_no_map_is_one_sentence(tmp_path):
    file = tmp_path / "town.osm"
    file.write_text("hello")
    with pytest.raises(StartupError, match="cannot be read"):
        read_extract(file)


def test_the_demo_city_is_helsinki_with_streets_that_can_be_ridden():
    from random import Random

    city, sentence = load_city(find_osm_file(), Random(1))
    assert sentence == ""
    assert len(city.kitchens) > 300
    assert len(city.doors) > 1000
    random = Random(2)
    for _ in range(50):
        here, there = city.any_corner(random), city.any_corner(random)
        assert city.router.route(here, there).length_m < 10_000


@pytest.mark.parametrize(
    ("cuisine", "dish"),
    [("sushi", "Miso soup"), ("noodle;japanese", "Pad thai"), ("", "Salmon soup"), ("?", "Salmon soup")],
)
def test_each_cuisine_has_a_menu(cuisine, dish):
    assert dish in {line.name for line in menu_for(cuisine)}


def test_without_the_wheel_the_sentence_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(osm, "OSM_DISTRIBUTION", "songda-no-such-package")
    with pytest.raises(StartupError, match="songda-no-such-package"):
        find_osm_file()
