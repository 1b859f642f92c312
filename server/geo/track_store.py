"""Tracks in PostgreSQL; the only file with SQL about them.  How a chunk is packed stands in track.py.

track_chunks is partitioned by the UTC day of a chunk's first fix; `ensure_track_day` makes a day's
partition when its first chunk comes.  A chunk never reaches over midnight, so a day can be archived or
dropped as a whole.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from server.clock import from_ms
from server.geo.track import Chunk, TrackFix, chunks_of, in_order, read_chunk
from server.storage.database import database_errors

_COLUMNS = ("courier_id", "first_fix_time", "last_fix_time", "fixes", "chunk", "stored_at")

_ENSURE_DAYS = "SELECT ensure_track_day(day) FROM unnest($1::date[]) AS day"

# A chunk is of one day, so one that reaches into the time asked for begins on its first day at the earliest.
_READ = """
SELECT chunk FROM track_chunks
WHERE courier_id = $1 AND first_fix_time >= $2 AND first_fix_time < $3 AND last_fix_time >= $4
ORDER BY first_fix_time
"""


class TrackStore:
    """Append and read tracks; DatabaseUnavailable when PostgreSQL does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def append(self, packed: Iterable[tuple[UUID, Sequence[bytes]]], *, stored_at: datetime) -> None:
        """Commit these couriers' fixes (packed by track.pack_fix) in one COPY: all of them, or none."""
        rows = [
            _row(courier_id, chunk, stored_at) for courier_id, fixes in packed for chunk in chunks_of(fixes)
        ]
        if not rows:
            return
        days = {row[1].date() for row in rows}
        with database_errors():
            async with self._pool.acquire() as connection:
                await connection.execute(_ENSURE_DAYS, sorted(days))
                await connection.copy_records_to_table("track_chunks", records=rows, columns=_COLUMNS)

    async def read(self, courier_id: UUID, begin: datetime, end: datetime) -> list[TrackFix]:
        """The courier's fixes with `begin` <= fix_time < `end`, in order, each moment once."""
        midnight = datetime.combine(begin.astimezone(UTC).date(), datetime.min.time(), UTC)
        with database_errors():
            chunks = await self._pool.fetch(_READ, courier_id, midnight, end, begin)
        begin_ms, end_ms = begin.timestamp() * 1000, end.timestamp() * 1000
        fixes = (fix for row in chunks for fix in read_chunk(row["chunk"]))
        return in_order(fix for fix in fixes if begin_ms <= fix.fix_time_ms < end_ms)


def _row(
    courier_id: UUID, chunk: Chunk, stored_at: datetime
) -> tuple[UUID, datetime, datetime, int, bytes, datetime]:
    first, last = from_ms(chunk.first_fix_time_ms), from_ms(chunk.last_fix_time_ms)
    return courier_id, first, last, chunk.fixes, chunk.data, stored_at
