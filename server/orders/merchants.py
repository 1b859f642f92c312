"""Merchants and their menus: what they are, and all SQL about them (tables `merchants` and `menu_items`)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from server.errors import NotFound


class MerchantNotFound(NotFound):
    """No merchant has this id."""

    code = "merchant_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """Where food is made.  `preparation_s` is what the kitchen usually needs."""

    id: UUID
    name: str
    address: str
    lat: float
    lng: float
    preparation_s: int
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem:
    """Something to order; the price in minor units of the platform's currency."""

    id: UUID
    name: str
    price_minor: int
    available: bool


class MerchantStore:
    """Reads and writes merchants on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def insert(self, merchant: Merchant, menu: Sequence[MenuItem], created_at: datetime) -> None:
        """Store a new merchant with its menu."""
        await self._connection.execute(
            "INSERT INTO merchants (id, name, address, lat, lng, preparation_s, open, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            merchant.id,
            merchant.name,
            merchant.address,
            merchant.lat,
            merchant.lng,
            merchant.preparation_s,
            merchant.open,
            created_at,
        )
        await self._connection.executemany(
            "INSERT INTO menu_items (id, merchant_id, name, price_minor, available) VALUES ($1, $2, $3, $4, $5)",
            [(item.id, merchant.id, item.name, item.price_minor, item.available) for item in menu],
        )

    async def get(self, merchant_id: UUID) -> Merchant:
        """The merchant; MerchantNotFound."""
        row = await self._connection.fetchrow(f"SELECT {_COLUMNS} FROM merchants WHERE id = $1", merchant_id)
        if row is None:
            raise MerchantNotFound
        return _merchant(row)

    async def several(self, merchant_ids: Collection[UUID]) -> dict[UUID, Merchant]:
        """These merchants, by id."""
        rows = await self._connection.fetch(
            f"SELECT {_COLUMNS} FROM merchants WHERE id = ANY($1::uuid[])", list(merchant_ids)
        )
        return {row["id"]: _merchant(row) for row in rows}

    async def all(self, *, after: UUID | None, limit: int) -> list[Merchant]:
        """Merchants in the order they joined, those after the merchant `after`."""
        rows = await self._connection.fetch(
            f"SELECT {_COLUMNS} FROM merchants WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2",
            after,
            limit,
        )
        return [_merchant(row) for row in rows]

    async def menu(self, merchant_id: UUID) -> list[MenuItem]:
        """All items of the menu, unavailable ones too."""
        rows = await self._connection.fetch(
            "SELECT id, name, price_minor, available FROM menu_items WHERE merchant_id = $1 ORDER BY id",
            merchant_id,
        )
        return [_item(row) for row in rows]

    async def with_items(
        self, merchant_id: UUID, item_ids: Collection[UUID]
    ) -> tuple[Merchant | None, dict[UUID, MenuItem]]:
        """A merchant and those of these items that are on its menu, in one round trip; None: no such merchant."""
        rows = await self._connection.fetch(
            "SELECT m.id, m.name, m.address, m.lat, m.lng, m.preparation_s, m.open,"
            " i.id AS item_id, i.name AS item_name, i.price_minor, i.available"
            " FROM merchants m LEFT JOIN menu_items i ON i.merchant_id = m.id AND i.id = ANY($2::uuid[])"
            " WHERE m.id = $1",
            merchant_id,
            list(item_ids),
        )
        menu = {
            row["item_id"]: MenuItem(
                id=row["item_id"],
                name=row["item_name"],
                price_minor=row["price_minor"],
                available=row["available"],
            )
            for row in rows
            if row["item_id"] is not None
        }
        return (_merchant(rows[0]) if rows else None), menu


_COLUMNS = "id, name, address, lat, lng, preparation_s, open"


def _merchant(row: Any) -> Merchant:
    return Merchant(
        id=row["id"],
        name=row["name"],
        address=row["address"],
        lat=row["lat"],
        lng=row["lng"],
        preparation_s=row["preparation_s"],
        open=row["open"],
    )


def _item(row: Any) -> MenuItem:
    return MenuItem(
        id=row["id"], name=row["name"], price_minor=row["price_minor"], available=row["available"]
    )
