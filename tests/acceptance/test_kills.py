"""What the server has promised it keeps, whatever is killed with -9; and it comes back by itself or when started again.

The same for longer: tests/long/test_kills.py.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from server.storage.locks import wait_until
from tests.killing import VICTIMS, People, children, mortal_server
from tests.started import StartedServer

GONE_WITHIN_S = 3.0


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedServer]:
    """A server of this module's own, which may be killed."""
    with mortal_server(tmp_path_factory.mktemp("mortal")) as started:
        yield started


@pytest.fixture(scope="module")
def people(mortal: StartedServer) -> People:
    return People.of(mortal)


@pytest.mark.parametrize("victim", VICTIMS)
async def test_killed_at_any_moment_nothing_promised_is_lost(people: People, victim: str) -> None:
    before = len(people.server.lines)
    await people.work_until_killed(Random(victim), victim)
    await people.check()
    assert "Traceback" not in "".join(people.server.lines[before:])


def test_a_killed_supervisor_leaves_nobody_behind_and_the_port_free(mortal: StartedServer) -> None:
    assert mortal.process is not None
    started = children(mortal)
    mortal.kill()
    assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started), GONE_WITHIN_S)
    mortal.start()
