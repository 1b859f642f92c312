"""Couriers who are offered no work for a while; all SQL about the table `courier_rests`.

No judgement: somebody after an accident rests too.  A dispatcher's own hand may still give him an order.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID


class RestStore:
    """Reads and writes rests on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def rest(self, courier_id: UUID, until: datetime) -> None:
        """He is offered nothing until then; the newest word counts."""
        await self._connection.execute(
            "INSERT INTO courier_rests (courier_id, until) VALUES ($1, $2)"
            " ON CONFLICT (courier_id) DO UPDATE SET until = excluded.until",
            courier_id,
            until,
        )

    async def resting(self, courier_ids: Sequence[UUID], now: datetime) -> set[UUID]:
        """Which of these couriers are to be left alone now."""
        rows = await self._connection.fetch(
            "SELECT courier_id FROM courier_rests WHERE courier_id = ANY($1::uuid[]) AND until > $2",
            list(courier_ids),
            now,
        )
        return {row["courier_id"] for row in rows}
