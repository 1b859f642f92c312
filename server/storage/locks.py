"""Who owns a data directory: flocks, which the kernel lets go when the last holder dies, however it dies.

Two kinds: DataDirLock is held by the one Songda that uses the directory; a server lock is inherited by an
embedded server and its children, so that a free one proves that none of them lives.
"""

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import ClassVar

from server.clock import SystemClock
from server.errors import StartupError

LOOK_AGAIN_S = 0.01  # nothing tells a process that a flock or a foreign process has gone: we look


def wait_until(condition: Callable[[], bool], within_s: float) -> bool:
    """Whether `condition` came true `within_s` seconds; for the supervisors, which have no event loop."""
    clock = SystemClock()
    deadline_s = clock.monotonic_s() + within_s
    while not condition():
        if clock.monotonic_s() >= deadline_s:
            return False
        sleep(LOOK_AGAIN_S)
    return True


def prepare_directory(path: Path, mode: int) -> None:
    """Make `path` (not its parents' modes); StartupError in one sentence when that is not possible."""
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(f"The directory {path} cannot be made: {error.strerror}.") from error


@dataclass
class _Held:
    descriptor: int
    times: int


class DataDirLock:
    """One Songda per data directory.

    One process may take it several times; it is let go with the last release.
    """

    _held: ClassVar[dict[Path, _Held]] = {}

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self.path = self.data_dir / "lock"

    def acquire(self) -> None:
        """Take the directory; StartupError names the process that has it."""
        held = self._held.get(self.data_dir)
        if held is not None:
            held.times += 1
            return
        prepare_directory(self.data_dir, 0o755)
        descriptor = open_lock(self.path)
        if not try_lock(descriptor):
            owner = read_pid(descriptor)
            os.close(descriptor)
            raise StartupError(f"Songda already runs on {self.data_dir} (process {owner or 'unknown'}).")
        try:
            write_pid(descriptor, os.getpid())
        except OSError as error:
            os.close(descriptor)
            raise StartupError(f"{self.path} cannot be written: {error.strerror}.") from error
        self._held[self.data_dir] = _Held(descriptor, 1)

    def release(self) -> None:
        """Give one acquire back."""
        held = self._held[self.data_dir]
        held.times -= 1
        if held.times == 0:
            del self._held[self.data_dir]
            os.close(held.descriptor)

    def __enter__(self) -> "DataDirLock":
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def open_lock(path: Path) -> int:
    """A descriptor of the lock file, made if need be; StartupError when we may not."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StartupError(f"{path} cannot be opened: {error.strerror}.") from error


def try_lock(descriptor: int) -> bool:
    """Whether we have the lock now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_pid(descriptor: int) -> int | None:
    """The process that wrote its number into the lock file."""
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else None


def write_pid(descriptor: int, pid: int) -> None:
    """Tell who holds the lock."""
    os.pwrite(descriptor, f"{pid:<20d}\n".encode(), 0)
