"""Fifty times something is killed with -9, and what was promised is kept.  The short form: acceptance/test_kills."""

from pathlib import Path
from random import Random

import pytest

from tests.killing import VICTIMS, People, mortal_server

pytestmark = pytest.mark.long

KILLS = 50
CHECK_EVERY = 5


async def test_fifty_kills_lose_nothing_that_was_promised(tmp_path: Path, scale: float) -> None:
    random = Random(50)
    with mortal_server(tmp_path) as server:
        people = People.of(server)
        for number in range(1, max(CHECK_EVERY, round(KILLS * scale)) + 1):
            await people.work_until_killed(random, random.choice(VICTIMS))
            if number % CHECK_EVERY == 0:
                await people.check()
        assert "Traceback" not in "".join(server.lines)
    print(f"{people.promises} promises kept")
