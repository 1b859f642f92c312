"""The doors to PostgreSQL and Redis: what is wrong with them is one sentence, never a traceback."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import redis as sync_redis

from server.errors import StartupError
from server.storage import binaries, database, redis
from server.storage.database import open_database
from server.storage.redis import open_listener, open_redis
from tests.conftest import database_named


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


async def refusal_of_database(url: str) -> str:
    with pytest.raises(StartupError) as refused:
        await open_database(url, pool_size=1)
    return str(refused.value)


async def refusal_of_redis(url: str) -> str:
    with pytest.raises(StartupError) as refused:
        await open_redis(url)
    return str(refused.value)


async def test_jsonb_is_a_python_value(database: asyncpg.Pool) -> None:
    value = {"name": "Säihky 外卖", "n": [1, 2.5, None, True], "deep": {"a": {}}}
    assert await database.fetchval("SELECT $1::jsonb", value) == value
    assert await database.fetchval("SELECT NULL::jsonb") is None
    assert await database.fetchval("SELECT $1::jsonb ->> 'name'", value) == "Säihky 外卖"


async def test_a_database_that_is_not_there(closed_port: int, tmp_path: Path) -> None:
    for url in (f"postgresql://x@127.0.0.1:{closed_port}/x", f"postgresql://x@/x?host={tmp_path}"):
        assert (await refusal_of_database(url)).startswith("The database server cannot be reached (")


async def test_a_database_that_says_nothing(silent_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "CONNECT_WITHIN_S", 0.05)
    said = await refusal_of_database(f"postgresql://x@127.0.0.1:{silent_port}/x")
    assert said.startswith("The database server did not answer within")


async def test_a_database_that_refuses_us(database_url: str) -> None:
    said = await refusal_of_database(database_named(database_url, "nowhere"))
    assert said == 'The database server refuses us: database "nowhere" does not exist.'
    stranger = urlsplit(database_url)._replace(netloc="stranger:secret@").geturl()
    said = await refusal_of_database(stranger)
    assert said.startswith("The database server refuses us: ")
    assert "secret" not in said


async def test_an_address_that_is_none() -> None:
    assert "DATABASE_URL is not" in await refusal_of_database("mysql://here")
    assert "REDIS_URL is not" in await refusal_of_redis("http://here")
    assert "DATABASE_URL is not" in await refusal_of_database("postgresql://x@127.0.0.1:abc/x")
    assert "REDIS_URL is not" in await refusal_of_redis("redis://127.0.0.1/0?nobody=knows")


async def test_servers_that_are_too_old(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "MINIMUM_VERSION", {"postgres": 99, "valkey-server": 99})
    monkeypatch.setattr(database, "MINIMUM_VERSION", binaries.MINIMUM_VERSION)
    monkeypatch.setattr(redis, "MINIMUM_VERSION", binaries.MINIMUM_VERSION)
    assert (await refusal_of_database(database_url)).endswith("Songda needs 99 or newer.")
    assert (await refusal_of_redis(redis_url)).endswith("Songda needs 99 or newer.")


async def test_a_redis_that_is_not_there(closed_port: int, tmp_path: Path) -> None:
    for url in (f"redis://127.0.0.1:{closed_port}", f"unix://{tmp_path}/none"):
        assert (await refusal_of_redis(url)).startswith("The Redis server cannot be reached (")


async def test_a_redis_that_says_nothing(silent_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "ANSWER_WITHIN_S", 0.05)
    said = await refusal_of_redis(f"redis://127.0.0.1:{silent_port}")
    assert said.startswith("The Redis server cannot be reached (")


async def test_a_redis_that_refuses_us(redis_url: str) -> None:
    address = urlsplit(redis_url)
    said = await refusal_of_redis(address._replace(netloc="stranger:secret@").geturl())
    assert said == "The Redis server refuses us: is the password in REDIS_URL right?"
    assert "secret" not in said


async def test_a_command_whose_reply_is_lost_is_not_sent_again(redis_url: str, tmp_path: Path) -> None:
    """redis-py's own default would run it twice (traps 12)."""
    cut = False

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_unix_connection(urlsplit(redis_url).path)
        while question := await reader.read(4096):
            questions.write(question)
            answer = await answers.read(4096)
            if cut:
                break
            writer.write(answer)
        writer.close()
        questions.close()

    async with await asyncio.start_unix_server(carry, tmp_path / "proxy"):
        client = await open_redis(f"unix://{tmp_path}/proxy")
        cut = True
        with pytest.raises(sync_redis.RedisError):
            await client.incr("n")
        await client.aclose()
    assert sync_redis.Redis.from_url(redis_url).get("n") == b"1"


async def test_a_listener_may_wait_longer_than_a_command(redis_url: str) -> None:
    listener = open_listener(redis_url)
    assert listener.connection_pool.connection_kwargs["socket_timeout"] is None
    await listener.aclose()
