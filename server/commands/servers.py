"""What a Songda stands on: PostgreSQL and Redis or Valkey, somebody's or our own, made ready and kept alive.

How our own ones are started and stopped stands in server/storage; here is when.
"""

import asyncio
import os
import secrets
import shutil
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from server.commands.children import RESTART_WINDOW_S
from server.errors import StartupError
from server.settings import Settings
from server.storage.embedded import DataDirLock, EmbeddedPostgres, EmbeddedServer, EmbeddedValkey
from server.storage.migrate import migrate
from server.storage.redis import open_redis

RESTARTS_ALLOWED = 5  # … within RESTART_WINDOW_S; a server of ours that dies more often will not get better
LOOK_EVERY_S = 1.0  # a server that died is missed for this long at most, and its start


@dataclass(frozen=True)
class Servers:
    """What a Songda stands on: settings whose URLs answer, and the servers among them that are our own."""

    settings: Settings
    own: tuple[EmbeddedServer, ...] = ()

    async def keep(self, stop: asyncio.Event) -> None:
        """Until `stop`: bring back a server of ours that has died.  StartupError when one cannot be, or dies again
        and again; what hangs on it (workers, the city) meanwhile waits and tries again."""
        died_at_s: list[float] = []
        while not await _came(stop, LOOK_EVERY_S):
            for server in self.own:
                if server.pid is not None:
                    continue
                now_s = time.monotonic()
                died_at_s = [died_s for died_s in died_at_s if now_s - died_s < RESTART_WINDOW_S] + [now_s]
                if len(died_at_s) > RESTARTS_ALLOWED:
                    raise StartupError(f"Our own {server.name} keeps dying; {server.log_path} may say why.")
                print(
                    f"songda: our own {server.name} has died and is started again.",
                    file=sys.stderr,
                    flush=True,
                )
                # On this thread, which the kernel ties it to; nobody waits for us but whoever waits for it.
                server.start()


@asynccontextmanager
async def servers_ready(settings: Settings) -> AsyncIterator[Servers]:
    """Servers that answer and whose tables are there; our own ones run meanwhile where no URL was given."""
    with ExitStack() as stack:
        ready = settings
        own: list[EmbeddedServer] = []
        data_dir = _made(settings.data_dir)
        if settings.embedded_database or settings.embedded_redis:
            stack.enter_context(DataDirLock(data_dir))
        if settings.embedded_database:
            with step("Starting PostgreSQL"):
                own.append(stack.enter_context(EmbeddedPostgres(data_dir)))
            ready = replace(ready, database_url=own[-1].url)
        if settings.embedded_redis:
            with step("Starting Valkey"):
                own.append(stack.enter_context(EmbeddedValkey(data_dir)))
            ready = replace(ready, redis_url=own[-1].url)
        else:
            await (await open_redis(settings.redis_url)).aclose()  # refuse now rather than in every worker
        with step("Preparing the tables"):
            await migrate(ready.database_url)
        if not ready.secret:
            ready = replace(ready, secret=_kept_secret(data_dir))
        _clean(metrics_dir(ready))
        yield Servers(ready, tuple(own))


def metrics_dir(settings: Settings) -> Path:
    """Where workers keep their figures for each other."""
    return settings.data_dir.absolute() / "metrics"


def _clean(directory: Path) -> None:
    """An empty directory: counters of an earlier run would be added to this one's."""
    shutil.rmtree(directory, ignore_errors=True)
    _made(directory)


def _made(data_dir: Path) -> Path:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(
            f"The data directory {data_dir} cannot be made: {error.strerror or error}."
        ) from error
    return data_dir.absolute()


def _kept_secret(data_dir: Path) -> str:
    """The secret that signs tokens, made at the first start; only its owner may read it."""
    path = data_dir / "secret"
    try:
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
        return path.read_text().strip()
    except OSError as error:
        raise StartupError(
            f"The secret in {path} cannot be read or made: {error.strerror or error}."
        ) from error


async def _came(stop: asyncio.Event, within_s: float) -> bool:
    """Whether `stop` came within that time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await stop.wait()
    return stop.is_set()


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is under way, and how long it took."""
    started_s = time.monotonic()
    print(f"{what} … ", end="", file=sys.stderr, flush=True)
    try:
        yield
    except BaseException:
        print("failed", file=sys.stderr, flush=True)
        raise
    print(f"{time.monotonic() - started_s:.1f} s", file=sys.stderr, flush=True)
