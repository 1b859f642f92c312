"""Runs Alembic over asyncpg, one process at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from server.errors import StartupError
from server.storage.database import LOST, connect

_LOCK = (
    0x50_4E_47_44_41  # any number that nobody else locks; the others wait here and then find nothing to do
)


async def upgrade(url: str, to: str = "head") -> None:
    """All missing versions (up to that one) in one transaction: the schema is at the newest version, or as it was."""
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: connect(url), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await connection.run_sync(_run, to)
    except (*LOST, DBAPIError) as error:
        # SQLAlchemy's own text holds the whole statement; what PostgreSQL said is the first line of the cause.
        cause: BaseException = error
        if isinstance(error, DBAPIError) and error.orig is not None:
            cause = error.orig.__cause__ or error.orig
        reason = str(cause).strip().partition("\n")[0].rstrip(".") or type(error).__name__
        raise StartupError(f"The tables could not be prepared: {reason}.") from error
    finally:
        await engine.dispose()


def _run(connection: Connection, to: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
