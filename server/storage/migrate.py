"""Brings the schema to the newest version.  Versions are migrations/versions/NNNN_what_it_does.py (Alembic).

A server that starts on a current database must not wait for SQLAlchemy to load: the version is read with
asyncpg first.
"""

from pathlib import Path

import asyncpg

from server.errors import StartupError
from server.storage.database import connect

MIGRATIONS = Path(__file__).with_name("migrations")


def newest_version() -> str:
    """The number of the last migration we have."""
    return max(path.name.split("_")[0] for path in MIGRATIONS.glob("versions/[0-9]*_*.py"))


async def migrate(url: str) -> None:
    """Bring the database to the newest version, if it is not there; any number may call at once."""
    connection = await connect(url)
    try:
        current = await _current_version(connection)
    finally:
        await connection.close()
    newest = newest_version()
    if current == newest:
        return
    if current is not None and current > newest:
        raise StartupError(
            f"The database is at version {current}, made by a newer Songda; "
            f"this one knows versions up to {newest}."
        )
    from server.storage.migrations.upgrade import upgrade  # noqa: PLC0415  half a second that most starts can spare

    await upgrade(url)


async def _current_version(connection: asyncpg.Connection) -> str | None:
    try:
        version: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    return version
