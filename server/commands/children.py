"""The processes a supervisor keeps: started, watched, started again when they die, stopped in time.

A child dies with us even when we are killed with -9 (PDEATHSIG on Linux), and as we do: one that took its time to
say goodbye would hold the port against our next start.  So nothing is orphaned.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from server.errors import StartupError
from server.storage.child import launch_command, ourselves

log = structlog.get_logger()

READY_WITHIN_S = 60.0
RESTART_WINDOW_S = 60.0  # deaths longer ago are forgotten
# A worker is started again for ever, more and more slowly: what it needs, a database say, may be away for a while.
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0


@dataclass(frozen=True, kw_only=True)
class Child:
    """How to run one process; `says_ready`: it takes `--ready-fd N` and writes a line there."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    restart: bool = False
    says_ready: bool = False
    on_ready: Callable[[], None] = lambda: None
    on_end: Callable[[int], None] = lambda pid: None


@dataclass
class _Running:
    child: Child
    process: asyncio.subprocess.Process
    died_at_s: list[float] = field(default_factory=list)


class Children:
    """All children of one supervisor; `grace_s` is how long they may take to stop."""

    def __init__(self, *, grace_s: float) -> None:
        self.grace_s = grace_s
        self._running: list[_Running] = []
        self._restarts: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()  # somebody was started again, and is to be watched

    async def start(self, children: Sequence[Child], stop: asyncio.Event) -> None:
        """Start them all and wait until each is ready, or `stop`; StartupError when one ends before that."""
        started = []
        for child in children:
            process, ready = await _start(child)
            self._running.append(_Running(child, process))
            started.append((self._running[-1], ready))
        for running, ready in started:
            if ready is not None:
                await _wait_ready(running, ready, stop)

    async def watch(self, stop: asyncio.Event) -> int:
        """Until `stop`: start again what may be; the exit code."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._changed.clear()
                changed = asyncio.create_task(self._changed.wait())
                waits = {asyncio.create_task(running.process.wait()): running for running in self._running}
                await asyncio.wait({stopping, changed, *waits}, return_when=asyncio.FIRST_COMPLETED)
                ended = [running for task, running in waits.items() if task.done()]
                for task in (changed, *waits):
                    task.cancel()
                if stop.is_set():
                    return 0
                for running in ended:
                    self._ended(running, stop)
        finally:
            stopping.cancel()
        return 0

    async def stop(self) -> None:
        """SIGTERM to all, youngest first; SIGKILL to those still there after the grace."""
        for restart in self._restarts:
            restart.cancel()
        await asyncio.gather(*self._restarts, return_exceptions=True)
        alive = [running.process for running in reversed(self._running) if running.process.returncode is None]
        for process in alive:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        if alive:
            await asyncio.wait(
                [asyncio.create_task(process.wait()) for process in alive], timeout=self.grace_s
            )
        for process in alive:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    def _ended(self, running: _Running, stop: asyncio.Event) -> None:
        """A child has died: start it again in a moment, if it may be."""
        code = running.process.returncode
        running.child.on_end(running.process.pid)
        self._running.remove(running)
        if running.child.restart:
            again = asyncio.create_task(self._start_again(running, stop))
            self._restarts.add(again)
            again.add_done_callback(self._restarts.discard)
        elif code:
            print(f"songda: {running.child.name} ended with code {code}.", file=sys.stderr)

    async def _start_again(self, running: _Running, stop: asyncio.Event) -> None:
        now_s = time.monotonic()
        recent = [died_s for died_s in running.died_at_s if now_s - died_s < RESTART_WINDOW_S]
        pause_s = pause_before(len(recent))
        running.died_at_s = [*recent, now_s]
        log.warning(
            "a worker ended and is started again",
            worker=running.child.name,
            code=running.process.returncode,
            in_s=pause_s,
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await stop.wait()
        if not stop.is_set():
            running.process, _ = await _start(replace(running.child, says_ready=False))
            self._running.append(running)
            self._changed.set()


def pause_before(deaths: int) -> float:
    """Seconds before a child is started again that has died `deaths` times lately; none after the first."""
    return 0.0 if deaths == 0 else float(min(FIRST_PAUSE_S * 2.0 ** min(deaths - 1, 10), LONGEST_PAUSE_S))


async def _start(child: Child) -> tuple[asyncio.subprocess.Process, "_ReadyPipe | None"]:
    ready = _ReadyPipe() if child.says_ready else None
    command = [*child.command, *(("--ready-fd", str(ready.write_fd)) if ready else ())]
    process = await asyncio.create_subprocess_exec(
        *launch_command(ourselves(), signal.SIGKILL, command),
        env=child.environment,
        stdin=asyncio.subprocess.DEVNULL,
        pass_fds=(ready.write_fd,) if ready else (),
        # A session of its own: a Ctrl-C at the terminal reaches us alone, and we stop the children in order.
        start_new_session=True,
    )
    if ready:
        ready.close_writer()
    return process, ready


async def _wait_ready(running: _Running, ready: "_ReadyPipe", stop: asyncio.Event) -> None:
    name = running.child.name
    reading = asyncio.create_task(ready.line())
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait(
            {reading, stopping}, timeout=READY_WITHIN_S, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        stopping.cancel()
        reading.cancel()
        await asyncio.gather(reading, stopping, return_exceptions=True)
        ready.close()
    if stop.is_set():
        return
    if not done:
        raise StartupError(f"{name} was not ready within {READY_WITHIN_S:.0f} s.")
    if not reading.result():
        code = await running.process.wait()
        raise StartupError(f"{name} ended with code {code} before it was ready; its last lines say why.")
    running.child.on_ready()


class _ReadyPipe:
    """A pipe on which a child says that it is ready; closed without a word, it died first."""

    def __init__(self) -> None:
        self.read_fd, self.write_fd = os.pipe()
        os.set_blocking(self.read_fd, False)
        self._writer_open = True
        self._reader_open = True

    async def line(self) -> bytes:
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self.read_fd, readable.set)
        try:
            await readable.wait()
            return os.read(self.read_fd, 64)
        finally:
            loop.remove_reader(self.read_fd)

    def close_writer(self) -> None:
        if self._writer_open:
            os.close(self.write_fd)
            self._writer_open = False

    def close(self) -> None:
        self.close_writer()
        if self._reader_open:
            os.close(self.read_fd)
            self._reader_open = False
