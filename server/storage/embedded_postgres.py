"""Our own PostgreSQL, for a machine that has none: one cluster below the data directory, a unix socket only.

It is an ordinary PostgreSQL with fsync on; only its start and end are ours.  Whoever the kernel says is our
own user gets in (peer), nobody else does: there is no password to keep.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from server.errors import StartupError
from server.storage.binaries import ServerBinary, find_server_binary
from server.storage.child import (
    Child,
    Command,
    RunAs,
    environment,
    explain_failure,
    is_living,
    launch_command,
    nobody,
    ourselves,
)
from server.storage.embedded_server import EmbeddedServer
from server.storage.reach import can_reach, reachable_postgres
from server.storage.socket_directory import prepare_socket

DATABASE = "songda"
INITDB_WITHIN_S = 120.0

# Modest: a laptop must not notice it.  What is not named here, such as fsync, is as PostgreSQL has it: on.
_CONFIGURATION = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # our statements take less time than compiling them
    # The log names no person: neither statements with their values nor the DETAIL of a broken constraint.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
_INITDB = (
    "--encoding=UTF8",
    "--locale=C",
    "--auth=peer",
    "--data-checksums",
    "--no-sync",
    "--no-instructions",
)


class EmbeddedPostgres(EmbeddedServer):
    """One PostgreSQL cluster, on a unix socket."""

    name = "postgres"

    def __init__(self, data_dir: Path, run_dir: Path | None = None) -> None:
        super().__init__(data_dir, run_dir)
        self.cluster = self.data_dir / self.name

    @property
    def url(self) -> str:
        """How to connect: libpq's form, understood by asyncpg and psql."""
        return (
            f"postgresql://{quote(ourselves().name)}@/{DATABASE}?host={quote(str(self.run_dir / self.name))}"
        )

    def _launch(self) -> Child:
        run_as = nobody() if os.geteuid() == 0 else ourselves()
        child = Child(self.name, data_dir=self.data_dir, run_as=run_as, stop_signal=signal.SIGINT)
        child.end_orphans()
        socket = prepare_socket(self.run_dir, self.name, ".s.PGSQL.5432", run_as)
        binary = find_server_binary("postgres", data_version=self._data_version(run_as))
        binary = reachable_postgres(binary, run_as, self.data_dir)
        if not self.cluster.exists():
            self._make_cluster(binary, run_as)
        for pid_file in (self.cluster / "postmaster.pid", socket.with_name(f"{socket.name}.lock")):
            _remove_stale(pid_file)
        with _open_for(run_as, self.cluster) as (cluster, keep):
            settings = {**_CONFIGURATION, "unix_socket_directories": str(socket.parent)}
            options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
            child.start(
                [binary.path, "-D", cluster, *options], ready=lambda: self._is_ready(child.pid), keep=keep
            )
        return child

    def _data_version(self, run_as: RunAs) -> int | None:
        """The major version that made the cluster, or None when there is none yet."""
        path = self.cluster / "PG_VERSION"
        try:
            text = path.read_text().strip()
            owner = path.stat().st_uid
        except FileNotFoundError:
            if self.cluster.exists():
                raise StartupError(f"{self.cluster} holds no PostgreSQL cluster: move it away.") from None
            return None
        except OSError as error:
            raise StartupError(f"{path} cannot be read: {error.strerror}.") from error
        if owner != run_as.uid:
            raise StartupError(
                f"{self.cluster} belongs to user id {owner}, but PostgreSQL would run as {run_as.name}: "
                "start Songda as the user who made it."
            )
        if not text.isdigit():
            raise StartupError(f"{path} does not tell a PostgreSQL version.")
        return int(text)

    def _make_cluster(self, binary: ServerBinary, run_as: RunAs) -> None:
        """initdb under another name, renamed when whole: a half-made cluster is never taken for one."""
        unfinished = self.cluster.with_name("postgres.unfinished")
        try:
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(mode=0o700)
            if run_as.uid != os.geteuid():
                os.chown(unfinished, run_as.uid, run_as.gid)
            with _open_for(run_as, unfinished) as (cluster, keep):
                initdb: Command = [binary.initdb, "-D", cluster, f"--username={ourselves().name}", *_INITDB]
                self._run(initdb, run_as, keep)
                single_user: Command = [binary.path, "--single", "-c", "fsync=off", "-D", cluster, "postgres"]
                self._run(single_user, run_as, keep, stdin=f"CREATE DATABASE {DATABASE}\n")
            # One sync instead of a thousand of single files, which take a quarter of a minute on a busy disk.
            os.sync()
            unfinished.rename(self.cluster)
            _sync_directory(self.data_dir)
        except OSError as error:
            raise StartupError(f"{self.cluster} cannot be made: {error.strerror}.") from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _run(
        self, command: Command, run_as: RunAs, keep: tuple[int, ...], *, stdin: str | None = None
    ) -> None:
        try:
            done = subprocess.run(
                launch_command(run_as, signal.SIGTERM, command),
                input=stdin or "",
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=environment(),
                start_new_session=True,
                pass_fds=keep,
                timeout=INITDB_WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise StartupError(
                f"A PostgreSQL cluster could not be made within {INITDB_WITHIN_S:.0f} s."
            ) from None
        if done.returncode != 0 or "ERROR:" in done.stdout:
            reason = explain_failure(done.stdout, self.data_dir)
            raise StartupError(f"A PostgreSQL cluster cannot be made: {reason}")

    def _is_ready(self, pid: int | None) -> bool:
        """As pg_ctl does: the eighth line of the postmaster's own file."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and lines[0] == str(pid)


def _sync_directory(path: Path) -> None:
    """See that a renaming in `path` outlives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_stale(pid_file: Path) -> None:
    """Remove the pid file of a dead server whose number another process, or its own zombie, now has.

    PostgreSQL would refuse to start.  Nobody of ours lives (the server lock was free); a PostgreSQL that
    somebody started by hand is left alone, and then PostgreSQL's refusal is the right answer.
    """
    try:
        pid = abs(int(pid_file.read_text().split()[0]))
    except (FileNotFoundError, ValueError, IndexError):
        return
    if not is_living(pid, "postgres"):
        pid_file.unlink()


@contextmanager
def _open_for(run_as: RunAs, cluster: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The cluster's path as `run_as` can use it, and the descriptors that must stay open for it.

    Where he may not pass through a parent (/root, a closed home), we open the directory for him: on Linux
    /proc/self/fd leads there without asking the parents.
    """
    if sys.platform != "linux" or can_reach(run_as, cluster):
        yield str(cluster), ()
        return
    descriptor = os.open(cluster, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}", (descriptor,)
    finally:
        os.close(descriptor)
