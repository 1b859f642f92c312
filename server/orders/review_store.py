"""All SQL about reviews and handovers (tables `reviews` and `handovers`)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from server.orders.reviews import Handover, Hindrance, Review

_REVIEW = (
    "order_id, merchant_id, courier_id, customer_id, merchant_stars, courier_stars, delivery_stars, words,"
    " version, filed_at, edited_at"
)
_HANDOVER = (
    "order_id, merchant_id, courier_id, pickup_stars, dropoff_stars, hindrances, words, version, filed_at,"
    " edited_at"
)


class ReviewStore:
    """Reads and writes reviews on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def review(self, order_id: UUID) -> Review | None:
        """The customer's review of an order."""
        row = await self._connection.fetchrow(f"SELECT {_REVIEW} FROM reviews WHERE order_id = $1", order_id)
        return None if row is None else Review(**row)

    async def handover(self, order_id: UUID, courier_id: UUID) -> Handover | None:
        """A courier's word on an order's handovers."""
        row = await self._connection.fetchrow(
            f"SELECT {_HANDOVER} FROM handovers WHERE order_id = $1 AND courier_id = $2", order_id, courier_id
        )
        return None if row is None else _handover(row)

    async def put_review(self, review: Review) -> None:
        """Store the review in place of the version before."""
        await self._connection.execute(
            f"INSERT INTO reviews ({_REVIEW}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
            " ON CONFLICT (order_id) DO UPDATE SET merchant_stars = $5, courier_stars = $6, delivery_stars = $7,"
            " words = $8, version = $9, edited_at = $11",
            review.order_id,
            review.merchant_id,
            review.courier_id,
            review.customer_id,
            review.merchant_stars,
            review.courier_stars,
            review.delivery_stars,
            review.words,
            review.version,
            review.filed_at,
            review.edited_at,
        )

    async def put_handover(self, handover: Handover) -> None:
        """Store the courier's word in place of the version before."""
        await self._connection.execute(
            f"INSERT INTO handovers ({_HANDOVER}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            " ON CONFLICT (order_id, courier_id) DO UPDATE SET pickup_stars = $4, dropoff_stars = $5,"
            " hindrances = $6, words = $7, version = $8, edited_at = $10",
            handover.order_id,
            handover.merchant_id,
            handover.courier_id,
            handover.pickup_stars,
            handover.dropoff_stars,
            [hindrance.value for hindrance in handover.hindrances],
            handover.words,
            handover.version,
            handover.filed_at,
            handover.edited_at,
        )

    async def reviews(
        self,
        *,
        merchant_id: UUID | None = None,
        courier_id: UUID | None = None,
        before: UUID | None = None,
        limit: int = 50,
    ) -> list[Review]:
        """Reviews of a merchant, of a courier, or all, of the newest orders first; `before` is an order's id."""
        rows = await self._connection.fetch(
            f"SELECT {_REVIEW} FROM reviews WHERE ($1::uuid IS NULL OR merchant_id = $1)"
            " AND ($2::uuid IS NULL OR courier_id = $2) AND ($3::uuid IS NULL OR order_id < $3)"
            " ORDER BY order_id DESC LIMIT $4",
            merchant_id,
            courier_id,
            before,
            limit,
        )
        return [Review(**row) for row in rows]

    async def handovers(
        self,
        *,
        merchant_id: UUID | None = None,
        courier_id: UUID | None = None,
        before: UUID | None = None,
        limit: int = 50,
    ) -> list[Handover]:
        """Couriers' words on a merchant, by a courier, or all, of the newest orders first."""
        rows = await self._connection.fetch(
            f"SELECT {_HANDOVER} FROM handovers WHERE ($1::uuid IS NULL OR merchant_id = $1)"
            " AND ($2::uuid IS NULL OR courier_id = $2) AND ($3::uuid IS NULL OR order_id < $3)"
            " ORDER BY order_id DESC, courier_id LIMIT $4",
            merchant_id,
            courier_id,
            before,
            limit,
        )
        return [_handover(row) for row in rows]

    async def summary(
        self, *, merchant_id: UUID | None = None, courier_id: UUID | None = None
    ) -> dict[str, Any]:
        """How many reviews there are, and the mean of each kind of stars."""
        row = await self._connection.fetchrow(
            "SELECT count(*) AS reviews, avg(merchant_stars)::float8 AS merchant_stars,"
            " avg(courier_stars)::float8 AS courier_stars, avg(delivery_stars)::float8 AS delivery_stars"
            " FROM reviews WHERE ($1::uuid IS NULL OR merchant_id = $1) AND ($2::uuid IS NULL OR courier_id = $2)",
            merchant_id,
            courier_id,
        )
        return dict(row)

    async def forget_words(self, order_ids: Sequence[UUID]) -> None:
        """Erase what was written about these orders; the stars stay."""
        for table in ("reviews", "handovers"):
            await self._connection.execute(
                f"UPDATE {table} SET words = '' WHERE order_id = ANY($1::uuid[]) AND words <> ''",
                list(order_ids),
            )


def _handover(row: Any) -> Handover:
    return Handover(**{**dict(row), "hindrances": tuple(Hindrance(word) for word in row["hindrances"])})
