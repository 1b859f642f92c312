"""One embedded server as a child process: started so that it cannot outlive us, stopped gently, then firmly.

What PostgreSQL and Valkey need beyond that stands in embedded_postgres.py and embedded_valkey.py.
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

from server.errors import StartupError
from server.storage import launch
from server.storage.locks import open_lock, read_pid, try_lock, wait_until, write_pid

START_WITHIN_S = 120.0  # crash recovery after a busy day can take a while
STOP_WITHIN_S = 30.0
KILLED_WITHIN_S = 5.0
MAX_LOG_BYTES = 1_000_000
LEAST_FREE_BYTES = 1_000_000

# How a disk says that it takes no more: full, over quota, over the limit of a process (RLIMIT_FSIZE).
_DISK_FULL = ("No space left on device", "Disk quota exceeded", "File too large")

# What stands before the reason in what PostgreSQL and Valkey write when they give up.
_TELLING = re.compile(r"(?:FATAL|PANIC|error):|:\d\d\.\d+ # ")

Command: TypeAlias = Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class RunAs:
    """The user a server runs as."""

    name: str
    uid: int
    gid: int


def ourselves() -> RunAs:
    """The user this process runs as."""
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        raise StartupError(f"User id {uid} has no name on this machine, and PostgreSQL needs one.") from None
    return RunAs(name, uid, os.getegid())


def nobody() -> RunAs:
    """The user without rights, for what refuses to run as root."""
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise StartupError(
            "PostgreSQL refuses to run as root, and this machine has no user nobody."
        ) from None
    return RunAs("nobody", entry.pw_uid, entry.pw_gid)


class Child:
    """A server process.

    Start it from a thread that lives as long as the server shall: Linux ties the two together.
    """

    def __init__(self, name: str, *, data_dir: Path, run_as: RunAs, stop_signal: signal.Signals) -> None:
        self.name = name
        self.data_dir = data_dir
        self.run_as = run_as
        self.stop_signal = stop_signal
        self.log_path = data_dir / f"{name}.log"
        self._lock_path = data_dir / f"{name}.lock"
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The server's process, while it runs."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def running(self) -> bool:
        """Whether the process we started still lives."""
        return self._process is not None and self._process.poll() is None

    def end_orphans(self) -> None:
        """End what an earlier Songda left behind on this data, and wait until it has gone.

        Call it with the DataDirLock held: then whoever holds the server lock has no master any more.
        """
        descriptor = open_lock(self._lock_path)
        try:
            if try_lock(descriptor):
                return
            pid = read_pid(descriptor)
            for number, within_s in ((self.stop_signal, STOP_WITHIN_S), (signal.SIGKILL, KILLED_WITHIN_S)):
                if pid is not None:
                    with suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, number)
                if wait_until(lambda: try_lock(descriptor), within_s):
                    return
            whom = f"Another {self.name} (process {pid or 'unknown'})"
            raise StartupError(f"{whom} uses {self.data_dir} and does not end.")
        finally:
            os.close(descriptor)

    def start(self, command: Command, *, ready: Callable[[], bool], keep: Sequence[int] = ()) -> None:
        """Run `command` and wait until `ready()`; StartupError says why it ended instead.

        The descriptors `keep` stay open in it.
        """
        lock = open_lock(self._lock_path)
        try:
            if not try_lock(lock):
                raise StartupError(f"Another {self.name} uses {self.data_dir}.")
            os.ftruncate(
                lock, 0
            )  # should we die before we write the new number, the old one must not be killed
            with self._open_log() as log:
                self._process = subprocess.Popen(
                    launch_command(self.run_as, self.stop_signal, command),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment(),
                    start_new_session=True,  # Ctrl-C in the terminal is for us; we tell the servers
                    pass_fds=(lock, *keep),
                )
            write_pid(lock, self._process.pid)
            self._wait_until(ready)
        except OSError as error:
            self.stop()
            raise StartupError(f"{self.name} cannot start on {self.data_dir}: {error.strerror}.") from error
        except BaseException:
            self.stop()
            raise
        finally:
            os.close(lock)  # the server has its own copy

    def _wait_until(self, ready: Callable[[], bool]) -> None:
        came = wait_until(lambda: not self.running or ready(), START_WITHIN_S)
        if not came:
            raise StartupError(f"{self.name} did not get ready within {START_WITHIN_S:.0f} s.")
        if not self.running:
            raise StartupError(
                f"{self.name} did not start: {explain_failure(self._log_tail(), self.data_dir)}"
            )

    def stop(self) -> None:
        """End the server: ask, wait, and if it does not listen, kill it.  Neither loses a commit."""
        if self._process is None:
            return
        for number, within_s in ((self.stop_signal, STOP_WITHIN_S), (signal.SIGKILL, KILLED_WITHIN_S)):
            self._process.send_signal(number)  # does nothing if it has ended
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(within_s)
                break
        self._process = None

    def _open_log(self) -> IO[bytes]:
        """The server's log, appended to, begun again when it has grown large."""
        if self.log_path.exists() and self.log_path.stat().st_size > MAX_LOG_BYTES:
            self.log_path.replace(self.log_path.with_suffix(".log.1"))
        log = self.log_path.open("ab")
        self._log_start = log.tell()
        return log

    def _log_tail(self) -> str:
        """What the server said since its start."""
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")


def launch_command(run_as: RunAs, death_signal: signal.Signals, command: Command) -> list[str]:
    """The command line that becomes `command` as `run_as`, and gets `death_signal` when this process dies."""
    steps = [
        sys.executable,
        "-I",
        "-S",
        launch.__file__,
        run_as.uid,
        run_as.gid,
        os.getpid(),
        int(death_signal),
    ]
    return [str(part) for part in (*steps, *command)]


def is_living(pid: int, program: str) -> bool:
    """Whether process `pid` runs `program`; a zombie runs nothing."""
    if sys.platform == "linux":
        try:
            # `pid (name) state …`; the name may hold spaces and parentheses.
            name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            return False
        return name == program and not rest.lstrip().startswith("Z")
    answer = subprocess.run(
        ["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return Path(answer.stdout.strip()).name == program


def environment() -> dict[str, str]:
    """What servers see of our environment: nothing that changes their language, time or settings (PG…)."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def explain_failure(output: str, data_dir: Path) -> str:
    """One sentence out of what a server said before it gave up."""
    for phrase in _DISK_FULL:
        if phrase in output:
            return f"the disk of {data_dir} takes no more ({phrase})."
    if shutil.disk_usage(data_dir).free < LEAST_FREE_BYTES:  # then the log had no room for it either
        return f"the disk of {data_dir} is full."
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)]
    last = (telling or lines or ["it ended without a word"])[-1]
    return f"{_TELLING.split(last)[-1].strip().rstrip('.')}."
