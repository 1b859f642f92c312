"""One server process: its own listening socket, every part of the application, no state another process needs.

`serve` starts these; by hand it needs DATABASE_URL, REDIS_URL and SONGDA_SECRET.
"""

import argparse
import asyncio
import gc
import os
import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager

import structlog
import uvicorn

from server.app import App, open_app
from server.commands.ports import BACKLOG, listening_socket
from server.errors import StartupError
from server.http.connection import BoundedHttp
from server.realtime.endpoint import protocol_class
from server.settings import Settings
from server.telemetry import configure_logging

# Python's 700 makes a busy worker collect a hundred times a second, and find nothing: hot objects hold no cycles.
GC_THRESHOLD = 20_000, 20, 20

log = structlog.get_logger()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--number", type=int, default=0, help="which of the workers this is")
    parser.add_argument("--ready-fd", type=int, default=None, help="a pipe to say 'ready' on")


def run(options: argparse.Namespace) -> int:
    settings = Settings.from_environment(node=f"worker-{options.number}")
    if settings.embedded_database or settings.embedded_redis or not settings.secret:
        raise StartupError(
            "A worker needs DATABASE_URL, REDIS_URL and SONGDA_SECRET; use `serve`, which provides them."
        )
    configure_logging(settings.log_level, process=settings.node)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_work(settings, options.ready_fd))


def _loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:  # no wheel for this platform: asyncio's own loop serves too
        return None
    return uvloop.Loop


async def _work(settings: Settings, ready_fd: int | None) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_app(settings) as app:
        # What stands now stays: the collector need not walk through modules and tables at every full collection.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLD)
        with listening_socket(settings.host, settings.port, shared=True) as listener:
            failed = await _serve_until(stop, app, listener, ready_fd)
    return 1 if failed else 0


async def _serve_until(stop: asyncio.Event, app: App, listener: socket.socket, ready_fd: int | None) -> bool:
    """Serve until `stop` or until a part fails; whether one failed."""
    server = _Server(
        uvicorn.Config(
            app.asgi,
            ws=protocol_class(app.hub),
            http=BoundedHttp,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=5,
            backlog=BACKLOG,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    working = asyncio.create_task(app.run())
    stopping = asyncio.create_task(stop.wait())
    saying = asyncio.create_task(_say_ready(server, ready_fd))
    await asyncio.wait({serving, working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    failed = not stop.is_set()
    if failed:
        log.error(
            "a part stopped by itself; this worker ends", exc_info=_error_of(working) or _error_of(serving)
        )
    # The order matters: no new sockets, sockets told and spread, requests under way answered, then fixes stored.
    listener.close()
    await app.drain()
    server.should_exit = True
    await asyncio.gather(serving, return_exceptions=True)
    for task in (working, stopping, saying):
        task.cancel()
    await asyncio.gather(working, stopping, saying, return_exceptions=True)
    return failed


def _error_of(task: "asyncio.Task[None]") -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None


async def _say_ready(server: "_Server", ready_fd: int | None) -> None:
    await server.listening.wait()
    if ready_fd is not None:
        os.write(ready_fd, b"ready\n")
        os.close(ready_fd)


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers, which would close all sockets at once before anything is said."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()
