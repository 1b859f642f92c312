"""All SQL about tracking links: table `tracking_links`.  A link's own words are stored nowhere."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """By which somebody without an account follows one order."""

    id: UUID
    order_id: UUID
    made_by: UUID
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


class LinkStore:
    """Reads and writes links on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def insert(self, link: Link) -> None:
        """Store a new one."""
        await self._connection.execute(
            "INSERT INTO tracking_links (id, order_id, made_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
            link.id,
            link.order_id,
            link.made_by,
            link.created_at,
            link.expires_at,
        )

    async def open_of(self, order_id: UUID, now: datetime) -> list[Link]:
        """The order's links that are still good, the newest first."""
        rows = await self._connection.fetch(
            "SELECT * FROM tracking_links WHERE order_id = $1 AND ended_at IS NULL AND expires_at > $2"
            " ORDER BY id DESC",
            order_id,
            now,
        )
        return [Link(**row) for row in rows]

    async def end(self, order_id: UUID, now: datetime, *, only: UUID | None = None) -> list[Link]:
        """End the order's links, or `only` that one; those that were."""
        rows = await self._connection.fetch(
            "UPDATE tracking_links SET ended_at = $2 WHERE order_id = $1 AND ended_at IS NULL"
            " AND ($3::uuid IS NULL OR id = $3) RETURNING *",
            order_id,
            now,
            only,
        )
        return [Link(**row) for row in rows]

    async def forget(self, before: datetime) -> None:
        """Forget links that nobody can use any more since then."""
        await self._connection.execute("DELETE FROM tracking_links WHERE expires_at < $1", before)
