"""All SQL about assignments.  Two constraints decide every race: one open assignment an order, one a courier."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from server.dispatch.legs import Assignment, State
from server.errors import Refused
from server.orders.store import Held

REASSIGNED = "reassigned"  # why an assignment was withdrawn whose courier shall not get the order again


class AssignmentChanged(Refused):
    """The assignment has moved on since it was read."""

    code = "assignment_changed"


class AssignmentStore:
    """Reads and writes assignments on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def take(self, assignment: Assignment) -> bool:
        """Store a new assignment; False when the order or the courier has an open one, or is getting it right now."""
        return (
            await self._connection.fetchval(
                "INSERT INTO assignments (id, order_id, courier_id, state, version, created_at)"
                " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING true",
                assignment.id,
                assignment.order_id,
                assignment.courier_id,
                assignment.state.value,
                assignment.version,
                assignment.created_at,
            )
            is not None
        )

    async def replace(self, before: Assignment, moved: Assignment) -> None:
        """Write `moved` over `before`; AssignmentChanged if that is no longer the newest version."""
        sql, *values = replacing(before, moved)
        places = (f"${place}" for place in range(1, len(values) + 1))
        written = await self._connection.fetchval(sql.format(*places), *values)
        if written is None:
            raise AssignmentChanged

    async def newest_of_order(self, order_id: UUID) -> Assignment | None:
        """The order's latest assignment, open or ended."""
        row = await self._connection.fetchrow(
            f"SELECT {_COLUMNS} FROM {_TABLES} WHERE a.order_id = $1"
            " ORDER BY a.ended_at IS NULL DESC, a.turn DESC LIMIT 1",
            order_id,
        )
        return None if row is None else _assignment(row)

    async def refused_by(self, order_id: UUID) -> set[UUID]:
        """Who has had the order and would not, or should not, have it again."""
        rows = await self._connection.fetch(
            "SELECT DISTINCT courier_id FROM assignments WHERE order_id = $1"
            " AND (state IN ('declined', 'lapsed') OR state = 'withdrawn' AND reason = $2)",
            order_id,
            REASSIGNED,
        )
        return {row["courier_id"] for row in rows}

    async def open_of_orders(self, order_ids: Sequence[UUID]) -> dict[UUID, Assignment]:
        """The open assignments of these orders, by order."""
        rows = await self._connection.fetch(
            f"SELECT {_COLUMNS} FROM {_TABLES} WHERE a.order_id = ANY($1::uuid[]) AND a.ended_at IS NULL",
            list(order_ids),
        )
        return {row["order_id"]: _assignment(row) for row in rows}

    async def open_of_courier(self, courier_id: UUID) -> Assignment | None:
        """What this courier carries or is on his way to."""
        row = await self._connection.fetchrow(
            f"SELECT {_COLUMNS} FROM {_TABLES} WHERE a.courier_id = $1 AND a.ended_at IS NULL", courier_id
        )
        return None if row is None else _assignment(row)

    async def all_open(self) -> list[tuple[Assignment, UUID, UUID]]:
        """Every open assignment with its order's merchant and customer."""
        rows = await self._connection.fetch(
            f"SELECT {_COLUMNS}, o.merchant_id, o.customer_id FROM {_TABLES}"
            " JOIN orders o ON o.id = a.order_id WHERE a.ended_at IS NULL"
        )
        return [(_assignment(row), row["merchant_id"], row["customer_id"]) for row in rows]


async def carriers_of(connection: Any, order_id: UUID) -> list[UUID]:
    """Who has the order or had it, the latest first; not who would not have it."""
    rows = await connection.fetch(
        "SELECT courier_id FROM assignments WHERE order_id = $1 AND state NOT IN ('declined', 'lapsed')"
        " ORDER BY ended_at IS NULL DESC, turn DESC",
        order_id,
    )
    return [row["courier_id"] for row in rows]


def replacing(before: Assignment, moved: Assignment) -> tuple[Any, ...]:
    """The statement that writes `moved` over `before`, and its values; it writes nothing over a newer version."""
    return (
        "UPDATE assignments SET state = {}, version = {}, ended_at = {}, moments = {}, reason = {}"
        " WHERE id = {} AND version = {} RETURNING true",
        moved.state.value,
        moved.version,
        moved.ended_at,
        moved.moments,
        moved.reason,
        before.id,
        before.version,
    )


def assignment_of(held: Held) -> Assignment | None:
    """The newest assignment of an order that is held, open or ended; None when it never had one."""
    row = held.assignment
    return None if row is None else _assignment(row, held.courier_name or "")


_COLUMNS = (
    "a.id, a.order_id, a.courier_id, c.display_name, a.state, a.version, a.created_at, a.ended_at, a.moments,"
    " a.reason"
)
_TABLES = "assignments a JOIN accounts c ON c.id = a.courier_id"


def _assignment(row: Any, courier_name: str | None = None) -> Assignment:
    return Assignment(
        id=row["id"],
        order_id=row["order_id"],
        courier_id=row["courier_id"],
        courier_name=row["display_name"] if courier_name is None else courier_name,
        state=State(row["state"]),
        version=row["version"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
        moments={name: datetime.fromisoformat(moment) for name, moment in row["moments"].items()},
        reason=row["reason"],
    )
