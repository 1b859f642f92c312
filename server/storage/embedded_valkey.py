"""Our own Valkey (or Redis), for a machine that has none: append-only file on, on a unix socket only."""

import signal
import socket
from pathlib import Path
from urllib.parse import quote

from server.storage.binaries import find_server_binary
from server.storage.child import Child, ourselves
from server.storage.embedded_server import EmbeddedServer
from server.storage.locks import prepare_directory
from server.storage.socket_directory import prepare_socket

_CONFIGURATION = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "databases": "16",
    "daemonize": "no",
}


class EmbeddedValkey(EmbeddedServer):
    """One Valkey, on a unix socket."""

    name = "valkey"

    @property
    def url(self) -> str:
        """How to connect, as redis-py understands it."""
        return f"unix://{quote(str(self._socket))}?db=0"

    @property
    def _socket(self) -> Path:
        return self.run_dir / self.name / "s"

    def _launch(self) -> Child:
        run_as = ourselves()  # unlike PostgreSQL it does not mind who that is
        child = Child(self.name, data_dir=self.data_dir, run_as=run_as, stop_signal=signal.SIGTERM)
        child.end_orphans()
        path = prepare_socket(self.run_dir, self.name, self._socket.name, run_as)
        binary = find_server_binary("valkey-server")
        directory = self.data_dir / self.name
        prepare_directory(directory, 0o700)
        settings = {**_CONFIGURATION, "unixsocket": str(path), "dir": str(directory)}
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        child.start([binary.path, *options], ready=self._is_ready)
        return child

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
