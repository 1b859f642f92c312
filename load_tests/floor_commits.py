"""The floor of every command: how many one-row transactions the same PostgreSQL commits a second, flushed to disk."""

import asyncio
import time

import asyncpg

WRITERS = 8  # as many as a server process keeps connections


async def commits_per_s(database_url: str, seconds: float) -> float:
    """Single-row inserts a second, each its own commit, by WRITERS connections at once."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "create table bench_floor (id bigint generated always as identity primary key, text text not null)"
    )
    counts: list[int] = []
    until_s = time.monotonic() + seconds

    async def write() -> None:
        writer, count = await asyncpg.connect(database_url), 0
        try:
            while time.monotonic() < until_s:
                await writer.execute("insert into bench_floor (text) values ($1)", "delivered")
                count += 1
        finally:
            counts.append(count)
            await writer.close()

    started_s = time.monotonic()
    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(WRITERS):
                tasks.create_task(write())
        took_s = time.monotonic() - started_s
    finally:
        await connection.execute("drop table bench_floor")
        await connection.close()
    return sum(counts) / took_s
