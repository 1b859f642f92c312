"""Run the server: the record, the live state and the workers, until stopped.

Without DATABASE_URL and REDIS_URL it starts its own PostgreSQL and Valkey below SONGDA_DATA. Ctrl-C or SIGTERM tells
every client to come back later, stores what is under way and stops everything.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable

from prometheus_client.multiprocess import mark_process_dead

from server.commands.children import Child, Children
from server.commands.ports import check_port_is_free
from server.commands.servers import Servers, metrics_dir, servers_ready, step
from server.settings import Settings, env_name

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
    async with servers_ready(settings) as servers:
        ready = servers.settings
        children = Children(grace_s=settings.drain_s + 5.0)
        try:
            with step(f"Starting {ready.workers} server process{'es' if ready.workers > 1 else ''}"):
                workers = [worker(ready, number) for number in range(ready.workers)]
                await children.start(workers, stop)
            if stop.is_set():
                return 0
            print(f"Songda listens on {ready.address}", file=sys.stderr, flush=True)
            if after_start is not None:
                await children.start(await after_start(ready), stop)
            return await _keep(servers, children, stop)
        finally:
            await children.stop()


async def _keep(servers: Servers, children: Children, stop: asyncio.Event) -> int:
    """Keep everything alive until `stop`, or until something cannot be; the exit code."""
    watching = asyncio.create_task(children.watch(stop))
    keeping = asyncio.create_task(servers.keep(stop))
    await asyncio.wait({watching, keeping}, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await keeping
    return await watching


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
        env_name("payment_provider_url"): settings.payment_provider_url,
        env_name("payment_provider_key"): settings.payment_provider_key,
        env_name("payment_webhook_secrets"): ",".join(settings.payment_webhook_secrets),
        # Any worker answers /metrics for all of them.
        "PROMETHEUS_MULTIPROC_DIR": str(metrics_dir(settings)),
    }


def worker(settings: Settings, number: int) -> Child:
    """One server process on servers that answer, as `servers_ready` gives them."""
    return Child(
        name=f"worker-{number}",
        restart=True,
        says_ready=True,
        on_end=lambda pid: mark_process_dead(pid, path=str(metrics_dir(settings))),  # type: ignore[no-untyped-call]
        environment=child_environment(settings),
        command=[sys.executable, "-m", "server", "worker", "--number", str(number)],
    )
