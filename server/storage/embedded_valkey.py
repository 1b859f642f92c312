"""Our own Valkey (or Redis), for a machine that has none: append-only file on, on a unix socket only."""

import signal
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from server.errors import StartupError
from server.storage.binaries import find_server_binary
from server.storage.child import Child, ourselves
from server.storage.locks import DataDirLock
from server.storage.socket_directory import prepare_socket, socket_directory


class EmbeddedValkey:
    """A Valkey that lives as long as we do.  `data_dir` is Songda's; `run_dir` is where the socket goes."""

    def __init__(self, data_dir: Path, run_dir: Path | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.run_dir = run_dir or socket_directory(self.data_dir)
        self._socket = self.run_dir / "valkey" / "s"
        self._lock = DataDirLock(self.data_dir)
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """How to connect, as redis-py understands it."""
        return f"unix://{quote(str(self._socket))}?db=0"

    @property
    def pid(self) -> int | None:
        """The server's process, while it runs."""
        return self._child.pid if self._child is not None else None

    def start(self) -> None:
        """Start on the data of last time; StartupError says what is wrong in one sentence."""
        if self._child is not None and self._child.running:
            return
        if self._child is None:
            self._lock.acquire()
        try:
            self._start()
        except BaseException:
            self._child = None
            self._lock.release()
            raise

    def stop(self) -> None:
        """End it; the append-only file is written out first."""
        if self._child is None:
            return
        self._child.stop()
        self._child = None
        for directory in (self._socket.parent, self.run_dir):
            with suppress(OSError):  # the other server's socket is still there: it will clear up
                directory.rmdir()
        self._lock.release()

    def __enter__(self) -> "EmbeddedValkey":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        run_as = ourselves()  # unlike PostgreSQL it does not mind who that is
        child = Child("valkey", data_dir=self.data_dir, run_as=run_as, stop_signal=signal.SIGTERM)
        self._child = child
        child.end_orphans()
        prepare_socket(self.run_dir, "valkey", self._socket.name, run_as)
        binary = find_server_binary("valkey-server")
        directory = self.data_dir / "valkey"
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StartupError(f"{directory} cannot be made: {error.strerror}.") from error
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(directory),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "databases": "16",
            "daemonize": "no",
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        child.start([binary.path, *options], ready=self._is_ready)

    def _is_ready(self) -> bool:
        """Whether it answers a PING with PONG; while it reads its file it answers LOADING."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1.0)
            try:
                connection.connect(str(self._socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
            except OSError:
                return False
