"""The event log: what commands say happened, and how everybody reads it in commit order.

A row is visible to readers of the log only when every older transaction is over (traps 32), so the order
(transaction_id, position) never changes behind a reader.  Writing is the unit of work's business
(pending.py), topics are names that this file does not interpret.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from server.clock import Clock
from server.errors import Refused
from server.storage.cursor import BadCursor, Cursor, Snapshot
from server.storage.database import LOST, database_errors

__all__ = [
    "BadCursor",
    "Cursor",
    "Event",
    "EventTail",
    "LogRow",
    "Snapshot",
    "VersionConflict",
    "changes_since",
    "history",
    "read_at",
    "told_on",
]

BATCH_ROWS = 1000
# Under load one look brings several commits; a lone commit is looked for at once.
LOOKS_APART_S = 0.006
RELOOK_S = 0.02  # hinted, but an older transaction still holds the row back
LOOK_WITHIN_S = 5.0
RECONNECT_S = 0.25

log = structlog.get_logger(__name__)

_COLUMNS = (
    "entity, entity_id, version, name, topics, fields, actor_id, occurred_at, "
    "transaction_id, position, received_at"
)


class VersionConflict(Refused):
    """Somebody else changed it first; look again."""

    code = "version_conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a command says happened to one entity; `version` is the entity's, counted without gaps from 1."""

    entity: str
    entity_id: UUID
    version: int
    name: str
    topics: tuple[str, ...]
    fields: dict[str, Any]
    actor_id: UUID | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow(Event):
    """An event with its place in the log."""

    transaction_id: int
    position: int
    received_at: datetime


# All events of a unit of work as one JSON value: positions are given in its order.
INSERT_EVENTS = """
    INSERT INTO event_log
        (entity, entity_id, version, name, topics, fields, actor_id, occurred_at, received_at)
    SELECT entity, entity_id, version, name, topics, fields, actor_id, occurred_at, {1}
    FROM ROWS FROM (jsonb_to_recordset({0}) AS (
        entity text, entity_id uuid, version int, name text, topics text[], fields jsonb, actor_id uuid,
        occurred_at timestamptz
    )) WITH ORDINALITY
    ORDER BY ordinality
"""


def event_rows(events: Iterable[Event]) -> list[dict[str, Any]]:
    """The first value of INSERT_EVENTS; the second is the moment at which we heard of them."""
    return [
        {
            "entity": event.entity,
            "entity_id": str(event.entity_id),  # the driver's own kind of UUID is none to orjson
            "version": event.version,
            "name": event.name,
            "topics": event.topics,
            "fields": event.fields,
            "actor_id": None if event.actor_id is None else str(event.actor_id),
            "occurred_at": event.occurred_at,
        }
        for event in events
    ]


def taken_version(error: asyncpg.UniqueViolationError) -> VersionConflict | None:
    """VersionConflict, if that is what the database complains of."""
    return VersionConflict() if error.constraint_name == "event_log_version" else None


@asynccontextmanager
async def read_at(pool: asyncpg.Pool) -> AsyncIterator[tuple[asyncpg.Connection, Cursor]]:
    """A connection on which all statements see the same moment, and the cursor of that moment.

    Join so: begin to keep the topic's rows from the tail, then read here, then pass on of the kept and the
    coming rows those that the cursor `needs`.
    """
    with database_errors():
        async with (
            pool.acquire(timeout=LOOK_WITHIN_S) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            # The first statement takes the snapshot that the others will use.
            row = await connection.fetchrow(
                "SELECT id, pg_current_snapshot()::text FROM database_incarnation"
            )
            yield connection, Cursor.at(str(row[0]), Snapshot.parse(row[1]))


async def changes_since(
    connection: asyncpg.Connection, topic: str, cursor: Cursor, *, limit: int = 2000
) -> tuple[list[LogRow], int] | None:
    """What happened on `topic` after `cursor`, in order, and the horizon up to which that is all.

    The viewer's place is then `cursor.level_with(horizon)`: the tail brings him the rest.  None when the
    cursor is of another database, or more than `limit` rows behind: he needs a new snapshot.
    """
    incarnation, snapshot_text, log_begins = await connection.fetchrow(
        "SELECT id, pg_current_snapshot()::text, log_begins::text::bigint FROM database_incarnation"
    )
    snapshot = Snapshot.parse(snapshot_text)
    # A cursor from the future was given out by a database that has since been put back to an older copy; after one
    # from long ago there may have been changes that are in the archive by now.
    if cursor.incarnation != str(incarnation) or not log_begins <= cursor.transaction_id <= snapshot.xmax:
        return None
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM event_log"  # noqa: S608  constants only
        " WHERE topics @> ARRAY[$1::text] AND (transaction_id, position) > ($2::xid8, $3::bigint)"
        " AND transaction_id < $4::xid8 ORDER BY transaction_id, position LIMIT $5",
        topic,
        cursor.transaction_id,
        cursor.position,
        snapshot.xmin,
        limit + 1,
    )
    if len(records) > limit:
        return None
    rows = [_log_row(record) for record in records]
    return [row for row in rows if cursor.needs(row)], snapshot.xmin


async def history(connection: asyncpg.Connection, entity: str, entity_id: UUID) -> list[LogRow]:
    """All that happened to one entity, in the order of its versions."""
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM event_log"  # noqa: S608  constants only
        " WHERE entity = $1 AND entity_id = $2 ORDER BY version",
        entity,
        entity_id,
    )
    return [_log_row(record) for record in records]


async def told_on(connection: asyncpg.Connection, topic: str, *, limit: int = 2000) -> list[LogRow]:
    """What was told on `topic`, the newest last."""
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM event_log WHERE topics @> ARRAY[$1::text]"  # noqa: S608  constants only
        " ORDER BY transaction_id DESC, position DESC LIMIT $2",
        topic,
        limit,
    )
    return [_log_row(record) for record in reversed(records)]


def _log_row(record: asyncpg.Record) -> LogRow:
    return LogRow(
        entity=record["entity"],
        entity_id=record["entity_id"],
        version=record["version"],
        name=record["name"],
        topics=tuple(record["topics"]),
        fields=record["fields"],
        actor_id=record["actor_id"],
        occurred_at=record["occurred_at"],
        transaction_id=record["transaction_id"],
        position=record["position"],
        received_at=record["received_at"],
    )


class EventTail:
    """Reads the log to its end and stays there: every process has one, and feeds from it whoever subscribes.

    It holds one connection of the pool while it runs.  When the database goes away it comes back by itself
    and continues where it was.
    """

    def __init__(self, pool: asyncpg.Pool, *, clock: Clock, poll_ms: int = 500) -> None:
        self.incarnation = ""
        self._pool = pool
        self._clock = clock
        self._poll_s = poll_ms / 1000
        self._callbacks: list[Callable[[Sequence[LogRow]], None]] = []
        self._place = (0, 0)
        self._hinted = 0
        self._woken = asyncio.Event()
        self._looked_s = clock.monotonic_s()

    def subscribe(self, callback: Callable[[Sequence[LogRow]], None]) -> None:
        """Have `callback` called with the next rows, in commit order, at least one at a time, in the loop."""
        self._callbacks.append(callback)

    def hint(self, transaction_id: int | None = None) -> None:
        """Somebody has committed (that transaction): look now, and again until it has been seen."""
        if transaction_id is not None:
            if transaction_id < self._place[0]:
                return  # our own commit, told to us by Redis as well, and seen already
            self._hinted = max(self._hinted, transaction_id)
        self._woken.set()

    def silent_s(self) -> float:
        """Seconds since the log could last be read; a poll's length is usual."""
        return self._clock.monotonic_s() - self._looked_s

    async def start(self) -> None:
        """Stand at the end of the log.

        What is read from the database after this may contain a row or two that the tail still brings: apply
        rows by version, and nothing is missed and nothing counts twice.
        """
        with database_errors():
            row = await self._pool.fetchrow(
                "SELECT id, pg_snapshot_xmin(pg_current_snapshot())::text::bigint FROM database_incarnation"
            )
        self.incarnation = str(row[0])
        self._place = (row[1], 0)

    async def run(self) -> None:
        """Follow the log until cancelled."""
        while True:
            try:
                async with self._pool.acquire(timeout=LOOK_WITHIN_S) as connection:
                    while True:
                        self._woken.clear()
                        next_look_s = asyncio.get_running_loop().time() + LOOKS_APART_S
                        await self._look(connection)
                        level = self._hinted < self._place[0]
                        await self._wait(self._poll_s if level else min(RELOOK_S, self._poll_s))
                        await asyncio.sleep(max(0.0, next_look_s - asyncio.get_running_loop().time()))
            except LOST as error:
                log.warning("event log unreachable", error=type(error).__name__)
                await asyncio.sleep(RECONNECT_S)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def _look(self, connection: asyncpg.Connection) -> None:
        """Hand on all rows up to the oldest open transaction."""
        while True:
            records = await connection.fetch(_NEXT_ROWS, *self._place, BATCH_ROWS, timeout=LOOK_WITHIN_S)
            self._looked_s = self._clock.monotonic_s()
            rows = [_log_row(record) for record in records if record["position"] is not None]
            at_end = len(rows) < BATCH_ROWS
            self._place = (
                (records[0]["horizon"], 0) if at_end else (rows[-1].transaction_id, rows[-1].position)
            )
            if self._hinted >= records[0]["not_yet_given"]:
                self._hinted = 0  # a hint of another database that shares our Redis
            if rows:
                self._hand_on(rows)
            if at_end:
                return

    def _hand_on(self, rows: Sequence[LogRow]) -> None:
        for callback in self._callbacks:
            try:
                callback(rows)
            except Exception:
                # One subscriber's mistake must not keep the others from hearing what happened.
                log.exception("a subscriber of the event log failed")


# One row at least, so that the bounds of the very same snapshot always come along.
_NEXT_ROWS = f"""
    SELECT pg_snapshot_xmin(snapshot)::text::bigint AS horizon,
        pg_snapshot_xmax(snapshot)::text::bigint AS not_yet_given, {_COLUMNS}
    FROM pg_current_snapshot() AS snapshot
    LEFT JOIN LATERAL (
        SELECT * FROM event_log
        WHERE (transaction_id, position) > ($1::xid8, $2::bigint)
            AND transaction_id < pg_snapshot_xmin(snapshot)
        ORDER BY transaction_id, position LIMIT $3
    ) AS rows ON true
    ORDER BY transaction_id, position
"""  # noqa: S608  constants only
