"""The door to PostgreSQL: the pool, and its errors made ours.

Tables stand in migrations/, SQL in the stores.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import orjson
import structlog

from server.errors import StartupError, Unavailable
from server.storage.binaries import MINIMUM_VERSION

CONNECT_WITHIN_S = 10.0
STATEMENT_WITHIN_S = 30.0
PREPARED_STATEMENTS = 300  # that a connection remembers; we have fewer
STATEMENTS_A_CONNECTION = 1_000_000  # then it is replaced, should PostgreSQL have grown something in it

_SESSION = {
    "application_name": "songda",
    "timezone": "UTC",
    "statement_timeout": f"{STATEMENT_WITHIN_S:.0f}s",
    # A transaction left open holds back every tail of the event log (traps 32): PostgreSQL ends it.
    "idle_in_transaction_session_timeout": "10s",
}


class PooledConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that is given back as it is: a round trip less each time it was borrowed.

    So nobody may leave anything in a session: no SET without LOCAL, LISTEN, lock or cursor that outlives its
    transaction (tests/unit/storage/test_session_state.py).  An open transaction is still rolled back.
    """

    __slots__ = ()

    def get_reset_query(self) -> str:
        """Nothing."""
        return ""


class DatabaseUnavailable(Unavailable):
    """The database does not answer; whether the last command took effect, its idempotency key will tell."""

    code = "database_unavailable"


log = structlog.get_logger(__name__)

# What PostgreSQL or the way to it does when it is gone, going, full or stuck.  A repeated request may fare
# better.
LOST = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,  # disk full, too many connections, out of memory
    asyncpg.OperatorInterventionError,  # shutting down, cancelled, starting up
    asyncpg.TransactionRollbackError,  # deadlock, serialisation
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.PostgresSystemError,  # I/O error, a file it cannot write
    asyncpg.InternalClientError,  # a statement on a connection that is just being ended by the server
)


# Made by the migrations, which keep for themselves what it may not (0003).
PROGRAM_ROLE = "songda_program"
_MAY_TAKE_ROLE = """
    SELECT pg_has_role(current_user, oid, 'MEMBER')
        AND coalesce(has_table_privilege(oid, to_regclass('audit_log')::oid, 'INSERT'), false)
    FROM pg_roles WHERE rolname = $1
"""


@contextmanager
def database_errors() -> Iterator[None]:
    """Foreign trouble becomes DatabaseUnavailable; broken constraints and wrong SQL pass as they are."""
    try:
        yield
    except LOST as error:
        raise DatabaseUnavailable from error


async def open_database(url: str, *, pool_size: int) -> asyncpg.Pool:
    """A pool of up to `pool_size` connections; jsonb columns are Python values in it.

    StartupError in one sentence when the server cannot be reached, refuses us, or is too old.
    """
    connection = await connect(url)
    role = await _program_role(connection)
    await connection.close()
    with _startup_errors():
        return await asyncpg.create_pool(
            url,
            min_size=0,
            max_size=pool_size,
            max_queries=STATEMENTS_A_CONNECTION,
            statement_cache_size=PREPARED_STATEMENTS,
            connection_class=PooledConnection,
            init=_prepare,
            server_settings=_SESSION | ({"role": role} if role else {}),
            timeout=CONNECT_WITHIN_S,
            command_timeout=STATEMENT_WITHIN_S + 5.0,
        )


async def connect(url: str) -> asyncpg.Connection:
    """One connection outside any pool, to a server that is recent enough; StartupError likewise."""
    with _startup_errors():
        connection = await asyncpg.connect(url, server_settings=_SESSION, timeout=CONNECT_WITHIN_S)
    try:
        major = connection.get_server_version().major
        if major < MINIMUM_VERSION["postgres"]:
            raise StartupError(
                f"The database server is PostgreSQL {major}; "
                f"Songda needs {MINIMUM_VERSION['postgres']} or newer."
            )
        await _prepare(connection)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def _program_role(connection: asyncpg.Connection) -> str | None:
    """The role that the program works in, if there is one that we may take: it may change no table and no audit.

    None on a server where migrations were not permitted to make it, and on one where they have not run yet.
    """
    with _startup_errors():
        takes = await connection.fetchval(_MAY_TAKE_ROLE, PROGRAM_ROLE)
    if not takes:
        log.info("the program works as the owner of its tables", role=PROGRAM_ROLE)
    return PROGRAM_ROLE if takes else None


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_jsonb, decoder=_decode_jsonb, format="binary"
    )


def _encode_jsonb(value: Any) -> bytes:
    return b"\x01" + orjson.dumps(value)  # the one version of jsonb's binary form


def _decode_jsonb(value: bytes) -> Any:
    return orjson.loads(value[1:])


@contextmanager
def _startup_errors() -> Iterator[None]:
    """One sentence for the operator; the URL is not in it, since a password may be."""
    try:
        yield
    except (asyncpg.ClientConfigurationError, ValueError) as error:
        raise StartupError(f"DATABASE_URL is not a PostgreSQL address: {_sentence(error)}.") from error
    except TimeoutError as error:
        raise StartupError(
            f"The database server did not answer within {CONNECT_WITHIN_S:.0f} s: is DATABASE_URL right?"
        ) from error
    except OSError as error:
        raise StartupError(
            f"The database server cannot be reached ({_sentence(error)}): "
            "is it running, is DATABASE_URL right?"
        ) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartupError(f"The database server refuses us: {_sentence(error)}.") from error


def _sentence(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.strip().splitlines()[0].rstrip(".") if text.strip() else type(error).__name__
