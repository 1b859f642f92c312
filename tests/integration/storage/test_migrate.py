"""The schema comes to the newest version, once."""

import asyncio
import sys
from datetime import date

import asyncpg
import pytest

from server.errors import StartupError
from server.storage.embedded import EmbeddedPostgres
from server.storage.migrate import migrate, newest_version
from tests.conftest import database_named


async def test_a_database_at_the_newest_version_is_left_alone(
    database_url: str, database: asyncpg.Pool
) -> None:
    before = await database.fetchval("SELECT id FROM database_incarnation")
    await migrate(database_url)
    assert await database.fetchval("SELECT id FROM database_incarnation") == before


async def test_several_processes_may_migrate_at_once(postgres: EmbeddedPostgres) -> None:
    url = database_named(postgres.url, "empty")
    admin = await asyncpg.connect(postgres.url)
    await admin.execute("DROP DATABASE IF EXISTS empty")
    await admin.execute("CREATE DATABASE empty")
    await admin.close()
    script = (
        "import asyncio, sys; from server.storage.migrate import migrate; asyncio.run(migrate(sys.argv[1]))"
    )
    processes = [await asyncio.create_subprocess_exec(sys.executable, "-c", script, url) for _ in range(2)]
    assert [await process.wait() for process in processes] == [0, 0]
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == newest_version()
    await connection.close()


async def test_a_database_of_a_newer_songda_is_refused(database_url: str, database: asyncpg.Pool) -> None:
    await database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StartupError, match="newer Songda"):
        await migrate(database_url)


async def test_a_day_of_tracks_is_made_once_however_many_ask(database: asyncpg.Pool) -> None:
    day = date(2026, 11, 23)
    await asyncio.gather(*(database.execute("SELECT ensure_track_day($1)", day) for _ in range(8)))
    assert (
        await database.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = 'track_chunks'::regclass")
        == 1
    )


async def test_a_role_that_may_not_make_tables_is_one_sentence(postgres: EmbeddedPostgres) -> None:
    admin = await asyncpg.connect(postgres.url)
    try:
        await admin.execute("CREATE DATABASE closed")
        with pytest.raises(StartupError) as refused:
            await migrate(f"{database_named(postgres.url, 'closed')}&options=-crole%3Dpg_monitor")
        assert str(refused.value) == "The tables could not be prepared: permission denied for schema public."
    finally:
        await admin.execute("DROP DATABASE IF EXISTS closed")
        await admin.close()
