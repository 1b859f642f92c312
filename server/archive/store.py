"""All SQL about the archive, and about what an order leaves behind when it goes there.

archived_orders   one row an order, partitioned by the month it ended in: ids, codes and moments, and how it was ridden
archived_words    what people wrote about it (reasons, notes, reviews): erased by deleting here
archive_days      the days that have orders, and when each was last written to its Parquet file

The words' tables are listed in erasure.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

_DUE = """
WHERE ended_at < $1 AND payment_status <> 'refund_pending'
    AND NOT EXISTS (SELECT FROM tickets t WHERE t.order_id = o.id AND t.closed_at IS NULL)
"""

_TAKEN = """
SELECT o.id AS order_id, o.ended_at, o.placed_at, o.number, o.status, o.merchant_id, o.customer_id, o.total_minor,
    o.currency, to_jsonb(o) - 'reason' AS facts,
    (SELECT coalesce(jsonb_agg(to_jsonb(a) - 'reason' ORDER BY a.id), '[]') FROM assignments a
        WHERE a.order_id = o.id) AS assignments,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('entity', e.entity, 'entity_id', e.entity_id, 'version', e.version,
            'name', e.name, 'fields', e.fields - 'reason' - 'why' - 'courier_name',
            'actor_id', e.actor_id, 'occurred_at', e.occurred_at,
            'received_at', e.received_at) ORDER BY e.transaction_id, e.position), '[]')
        FROM event_log e WHERE e.topics && ARRAY['order:' || o.id, 'staff:' || o.id]) AS events,
    (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY t.id), '[]') FROM tickets t WHERE t.order_id = o.id) AS tickets,
    (SELECT to_jsonb(r) - 'words' FROM reviews r WHERE r.order_id = o.id) AS review,
    (SELECT coalesce(jsonb_agg(to_jsonb(h) - 'words' ORDER BY h.filed_at), '[]') FROM handovers h
        WHERE h.order_id = o.id) AS handovers
FROM orders o WHERE o.id = ANY($1::uuid[]) ORDER BY o.id
"""

_WORDS = """
INSERT INTO archived_words (order_id, source, said)
SELECT id, 'orders', jsonb_build_object('reason', reason) FROM orders WHERE id = ANY($1::uuid[]) AND reason IS NOT NULL
UNION ALL
SELECT o.id, 'event_log', jsonb_strip_nulls(jsonb_build_object('entity', e.entity, 'version', e.version,
        'reason', e.fields -> 'reason', 'why', e.fields -> 'why'))
    FROM orders o JOIN event_log e ON e.topics && ARRAY['order:' || o.id, 'staff:' || o.id]
        AND e.fields ?| ARRAY['reason', 'why']
    WHERE o.id = ANY($1::uuid[])
UNION ALL
SELECT order_id, 'assignments', jsonb_build_object('courier_id', courier_id, 'reason', reason) FROM assignments
    WHERE order_id = ANY($1::uuid[]) AND reason IS NOT NULL
UNION ALL
SELECT t.order_id, 'ticket_notes', to_jsonb(n) FROM tickets t JOIN ticket_notes n ON n.ticket_id = t.id
    WHERE t.order_id = ANY($1::uuid[])
UNION ALL
SELECT t.order_id, 'ticket_contacts', to_jsonb(c) FROM tickets t JOIN ticket_contacts c ON c.ticket_id = t.id
    WHERE t.order_id = ANY($1::uuid[])
UNION ALL
SELECT t.order_id, 'ticket_evidence', to_jsonb(e) FROM tickets t JOIN ticket_evidence e ON e.ticket_id = t.id
    WHERE t.order_id = ANY($1::uuid[])
UNION ALL
SELECT order_id, 'reviews', jsonb_build_object('words', words) FROM reviews
    WHERE order_id = ANY($1::uuid[]) AND words <> ''
UNION ALL
SELECT order_id, 'handovers', jsonb_build_object('courier_id', courier_id, 'words', words) FROM handovers
    WHERE order_id = ANY($1::uuid[]) AND words <> ''
"""

# A rejoin from before what goes now must begin anew (storage/event_log.py).
_CLEAR_LOG = """
WITH gone AS (
    DELETE FROM event_log WHERE topics && $1::text[] RETURNING transaction_id
)
UPDATE database_incarnation
SET log_begins = greatest(log_begins, (SELECT transaction_id FROM gone ORDER BY transaction_id DESC LIMIT 1))
"""

_CLEAR = (
    # And what hangs on them.  Whether a courier was warned before is asked long after, so those about him stay; what
    # was written in them is erased with the order's people.
    "DELETE FROM tickets WHERE order_id = ANY($1::uuid[]) AND NOT about_courier",
    "DELETE FROM reviews WHERE order_id = ANY($1::uuid[])",
    "DELETE FROM handovers WHERE order_id = ANY($1::uuid[])",
    "DELETE FROM orders WHERE id = ANY($1::uuid[])",  # and their assignments
)

_COLUMNS = (
    "order_id, ended_on, ended_at, placed_at, number, status, merchant_id, customer_id, courier_ids, total_minor,"
    " currency, facts, assignments, events, tickets, review, handovers, tracks, archived_at"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which archived orders are looked for; what is None does not matter."""

    number: int | None = None
    phone: str | None = None  # E.164
    courier_id: UUID | None = None
    merchant_id: UUID | None = None
    customer_id: UUID | None = None
    day: date | None = None


@dataclass(slots=True, kw_only=True)
class Taken:
    """An order on its way into the archive, with all that belongs to it."""

    row: dict[str, Any]
    tracks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ended_on(self) -> date:
        """The UTC day it ended."""
        ended_at: datetime = self.row["ended_at"]
        return ended_at.date()

    @property
    def courier_ids(self) -> list[UUID]:
        """Who had it, in their order."""
        return list(dict.fromkeys(UUID(one["courier_id"]) for one in self.row["assignments"]))


class ArchiveStore:
    """Reads and writes the archive on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def due(self, ended_before: datetime, limit: int) -> list[dict[str, Any]]:
        """Rides of orders ended before that moment with nothing open any more, the longest over first."""
        rows = await self._connection.fetch(
            f"WITH due AS (SELECT id FROM orders o {_DUE} ORDER BY ended_at LIMIT $2)"
            " SELECT due.id AS order_id, a.courier_id, a.moments, a.created_at, a.ended_at"
            " FROM due LEFT JOIN assignments a ON a.order_id = due.id ORDER BY due.id, a.id",
            ended_before,
            limit,
        )
        return [dict(row) for row in rows]

    async def hold(self, order_ids: Sequence[UUID], ended_before: datetime) -> list[UUID]:
        """Those of these orders that are still due, held until this transaction ends."""
        rows = await self._connection.fetch(
            f"SELECT id FROM orders o {_DUE} AND id = ANY($2::uuid[]) ORDER BY id FOR UPDATE SKIP LOCKED",
            ended_before,
            list(order_ids),
        )
        return [row["id"] for row in rows]

    async def read(self, order_ids: Sequence[UUID]) -> list[Taken]:
        """These orders with all that belongs to them, still in their tables."""
        return [Taken(row=dict(row)) for row in await self._connection.fetch(_TAKEN, list(order_ids))]

    async def put_away(self, orders: Sequence[Taken], at: datetime) -> None:
        """Move these orders from their tables into the archive."""
        order_ids = [order.row["order_id"] for order in orders]
        days = sorted({order.ended_on for order in orders})
        await self._connection.execute(
            "SELECT ensure_archive_month(day) FROM unnest($1::date[]) AS day", days
        )
        await self._connection.executemany(
            f"INSERT INTO archived_orders ({_COLUMNS}) VALUES"
            " ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
            [_values(order, at) for order in orders],
        )
        await self._connection.execute(_WORDS, order_ids)
        await self._connection.execute(_CLEAR_LOG, _topics(order_ids))
        for statement in _CLEAR:
            await self._connection.execute(statement, order_ids)
        await self.touch(days, at)

    async def touch(self, days: Sequence[date], at: datetime) -> None:
        """Something about the orders of these days has changed: their files must be written anew."""
        await self._connection.execute(
            "INSERT INTO archive_days (day, changed_at) SELECT day, $2 FROM unnest($1::date[]) AS day"
            " ON CONFLICT (day) DO UPDATE SET changed_at = $2, written_at = NULL",
            list(days),
            at,
        )

    async def unwritten_days(self, limit: int) -> list[tuple[date, datetime]]:
        """Days whose files are older than what is known of them, with the moment of the last change."""
        rows = await self._connection.fetch(
            "SELECT day, changed_at FROM archive_days WHERE written_at IS NULL ORDER BY day LIMIT $1", limit
        )
        return [(row["day"], row["changed_at"]) for row in rows]

    async def written(self, day: date, changed_at: datetime, at: datetime, orders: int) -> None:
        """The day's file holds what was known at `changed_at`; if there is more by now, it will be written again."""
        await self._connection.execute(
            "UPDATE archive_days SET written_at = $3, orders = $4 WHERE day = $1 AND changed_at = $2",
            day,
            changed_at,
            at,
            orders,
        )

    async def of_day(self, day: date) -> list[dict[str, Any]]:
        """All orders of a UTC day, whole, for its file."""
        rows = await self._connection.fetch(
            f"SELECT {_COLUMNS} FROM archived_orders WHERE ended_on = $1 ORDER BY order_id", day
        )
        return [dict(row) for row in rows]

    async def get(self, order_id: UUID) -> dict[str, Any] | None:
        """One archived order, whole."""
        row = await self._connection.fetchrow(
            f"SELECT {_COLUMNS}, erased_at FROM archived_orders WHERE order_id = $1", order_id
        )
        return None if row is None else dict(row)

    async def words(self, order_id: UUID) -> list[dict[str, Any]]:
        """What people wrote about it, as far as it has not been erased."""
        rows = await self._connection.fetch(
            "SELECT source, said FROM archived_words WHERE order_id = $1 ORDER BY source", order_id
        )
        return [dict(row) for row in rows]

    async def find(self, wanted: Wanted, *, before: UUID | None, limit: int) -> list[dict[str, Any]]:
        """Archived orders, the latest placed first; each as a line of a list."""
        rows = await self._connection.fetch(
            "SELECT order_id, number, status, placed_at, ended_at, merchant_id, customer_id, courier_ids, total_minor,"
            " currency FROM archived_orders WHERE ($1::bigint IS NULL OR number = $1)"
            " AND ($2::text IS NULL OR order_id IN (SELECT order_id FROM order_contacts WHERE phone = $2))"
            " AND ($3::uuid IS NULL OR courier_ids @> ARRAY[$3]) AND ($4::uuid IS NULL OR merchant_id = $4)"
            " AND ($5::uuid IS NULL OR customer_id = $5) AND ($6::date IS NULL OR ended_on = $6)"
            " AND ($7::uuid IS NULL OR order_id < $7) ORDER BY order_id DESC LIMIT $8",
            wanted.number,
            wanted.phone,
            wanted.courier_id,
            wanted.merchant_id,
            wanted.customer_id,
            wanted.day,
            before,
            limit,
        )
        return [dict(row) for row in rows]


def _topics(order_ids: Sequence[UUID]) -> list[str]:
    """On which topics these orders were spoken of: to their people, and to the staff alone."""
    return [f"{kind}:{order_id}" for order_id in order_ids for kind in ("order", "staff")]


def _values(order: Taken, at: datetime) -> tuple[Any, ...]:
    row = order.row
    return (
        row["order_id"],
        order.ended_on,
        row["ended_at"],
        row["placed_at"],
        row["number"],
        row["status"],
        row["merchant_id"],
        row["customer_id"],
        order.courier_ids,
        row["total_minor"],
        row["currency"],
        row["facts"],
        row["assignments"],
        row["events"],
        row["tickets"],
        row["review"],
        row["handovers"],
        order.tracks,
        at,
    )
