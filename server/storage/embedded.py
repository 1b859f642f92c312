"""The two embedded servers together, as `serve`, `./dev` and the tests use them."""

from server.storage.embedded_postgres import EmbeddedPostgres
from server.storage.embedded_server import EmbeddedServer
from server.storage.embedded_valkey import EmbeddedValkey
from server.storage.locks import DataDirLock

__all__ = ["DataDirLock", "EmbeddedPostgres", "EmbeddedServer", "EmbeddedValkey"]
