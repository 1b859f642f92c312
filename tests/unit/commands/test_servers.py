"""Keeping our own servers alive: when to start one again, and when to give up."""

import asyncio
from pathlib import Path
from typing import cast

import pytest

from server.commands import servers
from server.commands.servers import RESTARTS_ALLOWED, Servers
from server.errors import StartupError
from server.settings import Settings
from server.storage.embedded import EmbeddedServer


class Fragile:
    """A server that is dead whenever one looks, until it has been started `deaths` times."""

    name = "postgres"
    log_path = Path("postgres.log")

    def __init__(self, deaths: int, stop: asyncio.Event) -> None:
        self.deaths, self.stop = deaths, stop
        self.starts = 0
        self.pid: int | None = None

    def start(self) -> None:
        self.starts += 1
        if self.starts == self.deaths:
            self.pid = 17
            self.stop.set()


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "LOOK_EVERY_S", 0.001)


async def test_a_server_that_dies_is_started_again(capsys: pytest.CaptureFixture[str]) -> None:
    stop = asyncio.Event()
    fragile = Fragile(RESTARTS_ALLOWED, stop)
    await Servers(Settings(), (cast(EmbeddedServer, fragile),)).keep(stop)
    assert fragile.starts == RESTARTS_ALLOWED
    said = capsys.readouterr().err.splitlines()
    assert set(said) == {"songda: our own postgres has died and is started again."}


async def test_a_server_that_keeps_dying_ends_us_with_one_sentence() -> None:
    stop = asyncio.Event()
    fragile = Fragile(RESTARTS_ALLOWED + 1, stop)
    with pytest.raises(StartupError, match=r"^Our own postgres keeps dying; postgres\.log may say why\.$"):
        await Servers(Settings(), (cast(EmbeddedServer, fragile),)).keep(stop)
    assert fragile.starts == RESTARTS_ALLOWED
