"""What a unit of work has yet to write, and the one statement that writes it, just before the commit.

A statement of its own for each event, timer and key costs a round trip each, and with it most of a command's time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import chain, count
from typing import Any, Literal, TypeAlias
from uuid import UUID

import asyncpg

from server.storage.event_log import INSERT_EVENTS, Event, event_rows, taken_version
from server.storage.idempotency import KEEP_ANSWER, KeptAnswer, taken_key

TimerName: TypeAlias = tuple[str, UUID]  # kind and entity: an entity has one timer of a kind

Part: TypeAlias = Literal["events", "fired", "moved", "put", "cleared", "answer"]

_PUT_TIMERS = """
    INSERT INTO timers (kind, entity_id, due_at, payload)
    SELECT * FROM jsonb_to_recordset({}) AS (kind text, entity_id uuid, due_at timestamptz, payload jsonb)
    ON CONFLICT (kind, entity_id) DO UPDATE
    SET due_at = excluded.due_at, payload = excluded.payload, attempts = 0
"""
# A pair of values a timer: of a set of rows PostgreSQL would plan anew each time how best to join it.
_CLEAR_TIMERS = "DELETE FROM timers WHERE {}"
_ONE_TIMER = "(kind = {} AND entity_id = {})"
# Only while it is still what was fired: whoever set it anew or cleared it meanwhile is right.
_END_FIRED = "DELETE FROM timers WHERE id = {} AND xmin = {} RETURNING true"
_MOVE_FIRED = (
    "UPDATE timers SET due_at = {2}, payload = {3}, attempts = 0 WHERE id = {0} AND xmin = {1} RETURNING true"
)

_PARTS: Mapping[Part, str] = {
    "events": INSERT_EVENTS,
    "fired": _END_FIRED,
    "moved": _MOVE_FIRED,
    "put": _PUT_TIMERS,
    "cleared": _CLEAR_TIMERS,
    "answer": KEEP_ANSWER,
}
_OURS: dict[str, str] = {str(part): sql for part, sql in _PARTS.items()}
_OF_THE_FIRED: tuple[Part, ...] = ("fired", "moved")


class TimerMoved(Exception):
    """The timer that this unit of work fires was set anew, cleared or fired by somebody else meanwhile."""


@dataclass(frozen=True, slots=True)
class Firing:
    """The timer whose handler acts; `row_version` (PostgreSQL's xmin) tells whether it is still the same."""

    id: int
    row_version: int
    name: TimerName


@dataclass(slots=True)
class Pending:
    """Gathers; `write` empties it."""

    events: list[Event] = field(default_factory=list)
    timers: dict[TimerName, tuple[datetime, dict[str, Any]] | None] = field(default_factory=dict)
    firing: Firing | None = None
    answer: KeptAnswer | None = None
    along: list[tuple[str, tuple[object, ...]]] = field(default_factory=list)  # stores' own writes

    async def write_along(self, connection: asyncpg.Connection) -> None:
        """Write now what stores gave along, for those who are about to read it; the rest waits."""
        along, self.along = self.along, []
        for sql, values in along:
            await connection.execute(_placed(sql, len(values), count(1)), *values)

    async def write(self, connection: asyncpg.Connection, now: datetime) -> int | None:
        """Write all; the transaction's number, if there was anything.

        VersionConflict, KeyTaken or TimerMoved when somebody was faster: then the transaction is lost.
        """
        along, self.along = self.along, []
        parts: list[tuple[str, tuple[object, ...]]] = [*self._take_parts(now).items(), *along]
        if not parts:
            return None
        shape = tuple((part, len(values)) for part, values in parts)
        values = [value for _, part in parts for value in part]
        try:
            row = await connection.fetchrow(_statement(shape), *values)
        except asyncpg.UniqueViolationError as error:
            if taken := taken_version(error) or taken_key(error):
                raise taken from error
            raise
        if not row["still_the_same"]:
            raise TimerMoved
        transaction_id: int = row["transaction_id"]
        return transaction_id

    def _take_parts(self, now: datetime) -> dict[Part, tuple[object, ...]]:
        """What is to be written, by part of the statement: the values for its parameters."""
        parts: dict[Part, tuple[object, ...]] = {}
        if self.events:
            parts["events"] = (event_rows(self.events), now)
        if self.firing is not None:
            again = self.timers.pop(self.firing.name, None)
            fired = (self.firing.id, self.firing.row_version)
            parts |= {"fired": fired} if again is None else {"moved": (*fired, *again)}
        # In one order everywhere, so that two who write the same timers do not wait for each other.
        timers = sorted(self.timers.items())
        put = [
            {"kind": kind, "entity_id": str(entity_id), "due_at": timer[0], "payload": timer[1]}
            for (kind, entity_id), timer in timers
            if timer is not None
        ]
        if put:
            parts["put"] = (put,)
        if cleared := [name for name, timer in timers if timer is None]:
            parts["cleared"] = tuple(chain.from_iterable(cleared))
        if self.answer is not None:
            parts["answer"] = self.answer.row(now)
        self.events, self.timers, self.firing, self.answer = [], {}, None, None
        return parts


@cache
def _statement(shape: tuple[tuple[str, int], ...]) -> str:
    """One statement for these parts with that many values each; the few there are each connection has prepared.

    What is no part of ours is a store's own SQL.
    """
    places = count(1)
    written = []
    for number, (part, values) in enumerate(shape):
        sql = _OURS.get(part)
        name = f"along_{number}" if sql is None else part
        if part == "cleared" and sql is not None:
            sql = sql.format(" OR ".join([_ONE_TIMER] * (values // 2)))
        written.append(f"{name} AS ({_placed(sql or part, values, places)})")
    fired = next((part for part, _ in shape if part in _OF_THE_FIRED), None)
    same = "true" if fired is None else f"EXISTS (SELECT FROM {fired})"
    return (
        f"WITH {', '.join(written)} SELECT pg_current_xact_id() AS transaction_id, {same} AS still_the_same"
    )


def _placed(sql: str, values: int, places: Iterator[int]) -> str:
    """The SQL with a parameter of its own for each of its values."""
    return sql.format(*(f"${next(places)}" for _ in range(values)))
