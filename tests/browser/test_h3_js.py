"""The page names H3 cells as h3-py does, everywhere on Earth; its tables are the printed ones."""

import json
import math
import random
import subprocess
from pathlib import Path

import h3
import pytest

from tests.browser import h3_tables

STATIC = Path(__file__).parents[2] / "static"


def in_node(expression: str, given: object) -> object:
    """What `expression` of h3.js gives for `given`."""
    program = (
        f"import {{ ancestorOf, cellOf, cellsInView }} from {json.dumps((STATIC / 'js/h3.js').as_uri())};"
        "let text = ''; for await (const part of process.stdin) text += part;"
        f"const given = JSON.parse(text); process.stdout.write(JSON.stringify({expression}));"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", program],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_the_tables_are_the_printed_ones():
    assert (STATIC / "js/h3_tables.js").read_text(encoding="utf-8") == h3_tables.as_module()


@pytest.mark.parametrize("res", [0, 1, 4, 5, 6])
def test_cells_are_named_as_h3_names_them(res):
    chance = random.Random(res)
    places = [
        (math.degrees(math.asin(chance.uniform(-1, 1))), chance.uniform(-180, 180)) for _ in range(8_000)
    ]
    # Close to the twelve pentagons and to the poles, where the rules are special.
    for lat, lng in [*(h3.cell_to_latlng(cell) for cell in h3.get_pentagons(1)), (90.0, 0.0), (-90.0, 0.0)]:
        places += [
            (max(-90.0, min(90.0, lat + chance.gauss(0, 2))), lng + chance.gauss(0, 3)) for _ in range(300)
        ]
    named = in_node(f"given.map(([lat, lng]) => cellOf(lat, lng, {res}))", places)
    assert named == [h3.latlng_to_cell(lat, lng, res) for lat, lng in places]


def test_ancestors_are_those_of_the_small_cell():
    chance = random.Random(9)
    places = [(chance.uniform(-80, 80), chance.uniform(-180, 180)) for _ in range(2_000)]
    named = in_node("given.map(([lat, lng]) => ancestorOf(lat, lng, 9, 6))", places)
    assert named == [h3.cell_to_parent(h3.latlng_to_cell(lat, lng, 9), 6) for lat, lng in places]


@pytest.mark.parametrize(
    ("west", "south", "east", "north", "res"),
    [
        (24.935, 60.164, 24.953, 60.179, 6),  # the demo city
        (24.6, 60.0, 25.3, 60.4, 6),
        (-9.5, 38.4, -8.2, 39.4, 5),
        (179.8, -0.2, 180.2, 0.2, 6),  # over the antimeridian
        (-71.0, -33.9, -70.2, -33.0, 6),
    ],
)
def test_a_view_is_wholly_covered(west, south, east, north, res):
    cells = in_node(
        f"cellsInView(given, {res}, 400)", {"west": west, "south": south, "east": east, "north": north}
    )
    chance = random.Random(1)
    for _ in range(2_000):
        lng = chance.uniform(west, east)
        cell = h3.latlng_to_cell(chance.uniform(south, north), (lng + 180) % 360 - 180, res)
        assert cell in cells


def test_a_view_of_the_world_is_too_much():
    world = {"west": -180, "south": -80, "east": 180, "north": 80}
    assert in_node("cellsInView(given, 5, 400)", world) is None
