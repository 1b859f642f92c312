"""Real servers for every test that wants them: one PostgreSQL and one Valkey per test process."""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import pytest
import redis
from redis.asyncio import Redis

from server.storage.database import open_database
from server.storage.embedded import EmbeddedPostgres, EmbeddedValkey
from server.storage.migrate import migrate
from server.storage.redis import open_redis
from server.storage.unit_of_work import Storage
from tests.fakes import ManualClock

T = TypeVar("T")
TEMPLATE = "songda_template"
_numbers = itertools.count()


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in a loop of its own, whether or not this thread has one: for synchronous fixtures."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def database_named(url: str, name: str) -> str:
    """The same server's address, another database."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _memory() -> str | None:
    """A file system in memory, if one has room: a test's database is 600 files, and a disk is 20 times slower."""
    shm = Path("/dev/shm")
    return str(shm) if shm.is_dir() and shutil.disk_usage(shm).free > 2 * 2**30 else None


@pytest.fixture(scope="session")
def servers_dir() -> Iterator[Path]:
    """Where this test process's servers keep their data; gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix="songda-tests-", dir=_memory()))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def postgres(servers_dir: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL with the migrated template; nothing here needs to survive a power cut, so fsync is off."""
    with EmbeddedPostgres(servers_dir) as server:
        run_async(_make_template(server.url))
        yield server


async def _make_template(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("ALTER SYSTEM SET fsync = off")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.execute(f"CREATE DATABASE {TEMPLATE}")
    await connection.close()
    await migrate(database_named(url, TEMPLATE))


@pytest.fixture(scope="session")
def valkey(servers_dir: Path) -> Iterator[EmbeddedValkey]:
    """A Valkey of this test process."""
    with EmbeddedValkey(servers_dir) as server:
        yield server


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """An empty, migrated database of this test's own."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    run_async(_administer(postgres.url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
    yield database_named(postgres.url, name)
    run_async(_administer(postgres.url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def redis_url(valkey: EmbeddedValkey) -> str:
    """A Valkey with nothing in it."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    return valkey.url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """A pool on this test's own database."""
    pool = await open_database(database_url, pool_size=8)
    yield pool
    await asyncio.wait_for(pool.close(), 5)  # a connection that a test did not give back is a mistake


@pytest.fixture
async def redis_client(redis_url: str) -> AsyncIterator[Redis]:
    """A client of an empty Valkey."""
    client = await open_redis(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still until it is turned."""
    return ManualClock()


@pytest.fixture
async def storage(database: asyncpg.Pool, redis_client: Redis, clock: ManualClock) -> AsyncIterator[Storage]:
    """The record on this test's own database, its tail and hints running."""
    storage = Storage(database, redis_client, clock)
    await storage.tail.start()
    running = asyncio.create_task(storage.run())
    yield storage
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await storage.close()
