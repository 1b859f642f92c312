"""What the two embedded servers share: whose data it is, where the socket is, start, restart and stop."""

from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Self

from server.storage.child import Child
from server.storage.locks import DataDirLock
from server.storage.socket_directory import socket_directory


class EmbeddedServer(ABC):
    """A server that lives as long as we do.

    `data_dir` is Songda's, locked while a server runs on it; `run_dir` is where the sockets go, and short.
    """

    name: str

    def __init__(self, data_dir: Path, run_dir: Path | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.run_dir = run_dir or socket_directory(self.data_dir)
        self._lock = DataDirLock(self.data_dir)
        self._child: Child | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """How to connect."""

    @property
    def pid(self) -> int | None:
        """The server's process, while it runs."""
        return self._child.pid if self._child is not None else None

    @property
    def log_path(self) -> Path:
        """What the server has to say."""
        return self.data_dir / f"{self.name}.log"

    def start(self) -> None:
        """Start on the data of last time, or do nothing if it runs; also brings back a server that has died.

        StartupError says in one sentence what is wrong.
        """
        if self.pid is not None:
            return
        if self._child is None:
            self._lock.acquire()
        try:
            self._child = self._launch()
        except BaseException:
            self._child = None
            self._lock.release()
            raise

    def stop(self) -> None:
        """End the server; it writes out what it has first."""
        if self._child is None:
            return
        self._child.stop()
        self._child = None
        for directory in (self.run_dir / self.name, self.run_dir):
            with suppress(OSError):  # the other server's socket is still there: it will clear up
                directory.rmdir()
        self._lock.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def _launch(self) -> Child:
        """Start the process and wait until it answers."""
