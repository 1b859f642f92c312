"""Run the server: the record, the live state and the workers, until stopped.

Without DATABASE_URL and REDIS_URL it starts its own PostgreSQL and Valkey below SONGDA_DATA. Ctrl-C or SIGTERM tells
every client to come back later, stores what is under way and stops everything.
"""

import argparse
import asyncio
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

from prometheus_client.multiprocess import mark_process_dead

from server.commands.children import Child, Children
from server.commands.ports import check_port_is_free
from server.errors import StartupError
from server.settings import EVERY_ADDRESS, LOOPBACK, Settings, env_name
from server.storage.embedded import DataDirLock, EmbeddedPostgres, EmbeddedValkey
from server.storage.migrate import migrate
from server.storage.redis import open_redis

AfterStart = Callable[[Settings], Awaitable[list[Child]]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="address to listen on (SONGDA_HOST; default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (SONGDA_PORT; default 8700)")
    parser.add_argument("--workers", type=int, help="server processes (SONGDA_WORKERS; default 1)")


def run(options: argparse.Namespace) -> int:
    return asyncio.run(supervise(settings_from(options)))


def settings_from(options: argparse.Namespace) -> Settings:
    """The environment's settings, with what the command line says instead."""
    chosen = {name: getattr(options, name) for name in ("host", "port", "workers")}
    return Settings.from_environment(**{name: value for name, value in chosen.items() if value is not None})


async def supervise(settings: Settings, after_start: AfterStart | None = None) -> int:
    """Run everything until a signal or a failure; the exit code.  `after_start` may add children once we answer."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    check_port_is_free(settings.host, settings.port)
    async with servers_ready(settings) as ready:
        children = Children(grace_s=settings.drain_s + 5.0)
        try:
            with step(f"Starting {ready.workers} server process{'es' if ready.workers > 1 else ''}"):
                workers = [_worker(ready, number) for number in range(ready.workers)]
                await children.start(workers, stop)
            if stop.is_set():
                return 0
            print(f"Songda listens on {address(ready)}", file=sys.stderr, flush=True)
            if after_start is not None:
                await children.start(await after_start(ready), stop)
            return await children.watch(stop)
        finally:
            await children.stop()


@asynccontextmanager
async def servers_ready(settings: Settings) -> AsyncIterator[Settings]:
    """Settings whose URLs answer and whose tables are there; our own servers run meanwhile where no URL was given."""
    with ExitStack() as stack:
        ready = settings
        data_dir = _made(settings.data_dir)
        if settings.embedded_database or settings.embedded_redis:
            stack.enter_context(DataDirLock(data_dir))
        if settings.embedded_database:
            with step("Starting PostgreSQL"):
                ready = replace(ready, database_url=stack.enter_context(EmbeddedPostgres(data_dir)).url)
        if settings.embedded_redis:
            with step("Starting Valkey"):
                ready = replace(ready, redis_url=stack.enter_context(EmbeddedValkey(data_dir)).url)
        else:
            await (await open_redis(settings.redis_url)).aclose()  # refuse now rather than in every worker
        with step("Preparing the tables"):
            await migrate(ready.database_url)
        if not ready.secret:
            ready = replace(ready, secret=_kept_secret(data_dir))
        _clean(_metrics_dir(ready))
        yield ready


def address(settings: Settings) -> str:
    """Where a browser on this machine finds us."""
    host = LOOPBACK if settings.host in EVERY_ADDRESS else settings.host
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment of a child that works on the same servers."""
    return {
        **os.environ,
        env_name("database_url"): settings.database_url,
        env_name("redis_url"): settings.redis_url,
        env_name("secret"): settings.secret,
        env_name("data_dir"): str(settings.data_dir.absolute()),
        env_name("host"): settings.host,
        env_name("port"): str(settings.port),
        env_name("workers"): str(settings.workers),
        # Any worker answers /metrics for all of them.
        "PROMETHEUS_MULTIPROC_DIR": str(_metrics_dir(settings)),
    }


def _metrics_dir(settings: Settings) -> Path:
    return settings.data_dir.absolute() / "metrics"


def _clean(directory: Path) -> None:
    """An empty directory: counters of an earlier run would be added to this one's."""
    shutil.rmtree(directory, ignore_errors=True)
    _made(directory)


def _worker(settings: Settings, number: int) -> Child:
    return Child(
        name=f"worker-{number}",
        restart=True,
        says_ready=True,
        on_end=lambda pid: mark_process_dead(pid, path=str(_metrics_dir(settings))),  # type: ignore[no-untyped-call]
        environment=child_environment(settings),
        command=[sys.executable, "-m", "server", "worker", "--number", str(number)],
    )


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
