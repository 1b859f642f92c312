"""Merchants and their menus: what they are, and all SQL about them (tables `merchants` and `menu_items`)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.errors import NotFound
from server.orders.delivery_areas import ACTIVE_AREAS_OF_M, AreaStore, DeliveryArea
from server.orders.hours import Hours, next_opening


class MerchantNotFound(NotFound):
    """No merchant has this id."""

    code = "merchant_not_found"


class ItemNotFound(NotFound):
    """The menu has no item of this id."""

    code = "item_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """Where food is made.  `preparation_s` is what the kitchen usually needs, `open` the people's own switch.

    `version` counts all changes: of these facts, of the menu and of the delivery areas.
    """

    id: UUID
    name: str
    address: str
    lat: float
    lng: float
    preparation_s: int
    open: bool
    version: int = 1
    time_zone: str = "Europe/Helsinki"
    hours: Hours | None = None  # none: at any hour
    paused_until: datetime | None = None  # closed until then, then open again by itself
    currency: str = "EUR"
    delivery_fee_minor: int = 0  # where an area has none of its own
    minimum_order_minor: int = 0
    cash_on_delivery: bool = True
    pickup_code_required: bool = True
    dropoff_proof_required: bool = True

    @property
    def zone(self) -> ZoneInfo:
        """Whose wall clock its hours mean."""
        return ZoneInfo(self.time_zone)

    def next_opening(self, at: datetime) -> datetime | None:
        """When it takes orders next: at once, later, or (None) not by itself or not within two weeks."""
        if not self.open:
            return None
        begins = self.paused_until if self.paused_until is not None and at < self.paused_until else at
        return next_opening(self.hours, self.zone, begins)

    def is_paused(self, at: datetime) -> bool:
        """Whether its people have stopped taking orders for a while."""
        return self.paused_until is not None and at < self.paused_until


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem:
    """Something to order; the price in minor units of the merchant's currency."""

    id: UUID
    name: str
    price_minor: int
    available: bool
    sold_out_until: datetime | None = None

    def may_be_ordered(self, at: datetime) -> bool:
        """Whether the kitchen has it, or will have by then."""
        return self.available and (self.sold_out_until is None or at >= self.sold_out_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offering:
    """What an order is checked against: a merchant, the items asked for that are on its menu, its delivery areas."""

    merchant: Merchant
    menu: Mapping[UUID, MenuItem]
    areas: Sequence[DeliveryArea] = ()


class MerchantStore:
    """Reads and writes merchants on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def insert(self, merchant: Merchant, menu: Sequence[MenuItem], created_at: datetime) -> None:
        """Store a new merchant with its menu."""
        facts = _facts(merchant)
        names = ", ".join(facts)
        places = ", ".join(f"${number}" for number in range(3, len(facts) + 3))
        await self._connection.execute(
            f"INSERT INTO merchants (id, created_at, {names}) VALUES ($1, $2, {places})",
            merchant.id,
            created_at,
            *facts.values(),
        )
        for item in menu:
            await self.put_item(merchant.id, item)

    async def replace(self, merchant: Merchant) -> None:
        """Write all facts of the merchant, whose row the caller has locked."""
        facts = _facts(merchant)
        changes = ", ".join(f"{name} = ${number}" for number, name in enumerate(facts, start=2))
        await self._connection.execute(
            f"UPDATE merchants SET {changes} WHERE id = $1", merchant.id, *facts.values()
        )

    async def put_item(self, merchant_id: UUID, item: MenuItem) -> None:
        """Store the item, new or changed."""
        await self._connection.execute(
            "INSERT INTO menu_items (id, merchant_id, name, price_minor, available, sold_out_until)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
            " price_minor = excluded.price_minor, available = excluded.available,"
            " sold_out_until = excluded.sold_out_until",
            item.id,
            merchant_id,
            item.name,
            item.price_minor,
            item.available,
            item.sold_out_until,
        )

    async def remove_item(self, item_id: UUID, removed_at: datetime) -> None:
        """Take the item off the menu; its row stays, since old orders name it."""
        await self._connection.execute(
            "UPDATE menu_items SET removed_at = $2 WHERE id = $1", item_id, removed_at
        )

    async def get(self, merchant_id: UUID) -> Merchant:
        """The merchant; MerchantNotFound."""
        return _found(
            await self._connection.fetchrow(f"SELECT {_COLUMNS} FROM merchants WHERE id = $1", merchant_id)
        )

    async def lock(self, merchant_id: UUID) -> Merchant:
        """The merchant, held until this transaction ends; whoever changes it, its menu or its areas does this first."""
        return _found(
            await self._connection.fetchrow(
                f"SELECT {_COLUMNS} FROM merchants WHERE id = $1 FOR NO KEY UPDATE", merchant_id
            )
        )

    async def has_orders(self, merchant_id: UUID) -> bool:
        """Whether anybody has ever ordered here, or is about to pay."""
        return bool(
            await self._connection.fetchval(
                "SELECT EXISTS (SELECT FROM orders WHERE merchant_id = $1)"
                " OR EXISTS (SELECT FROM archived_orders WHERE merchant_id = $1)"
                " OR EXISTS (SELECT FROM checkouts WHERE merchant_id = $1)",
                merchant_id,
            )
        )

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
            f"SELECT {_ITEM_COLUMNS} FROM menu_items WHERE merchant_id = $1 AND removed_at IS NULL ORDER BY id",
            merchant_id,
        )
        return [MenuItem(**row) for row in rows]

    async def item(self, merchant_id: UUID, item_id: UUID) -> MenuItem:
        """An item of the menu; ItemNotFound."""
        row = await self._connection.fetchrow(
            f"SELECT {_ITEM_COLUMNS} FROM menu_items WHERE merchant_id = $1 AND id = $2 AND removed_at IS NULL",
            merchant_id,
            item_id,
        )
        if row is None:
            raise ItemNotFound
        return MenuItem(**row)

    async def offering(self, merchant_id: UUID, item_ids: Collection[UUID]) -> Offering | None:
        """What an order of these items is checked against, in one round trip; None: no such merchant."""
        rows = await self._connection.fetch(
            f"WITH m AS MATERIALIZED ("
            f" SELECT {_COLUMNS}, {ACTIVE_AREAS_OF_M} AS areas FROM merchants m WHERE id = $1"
            ") SELECT m.*, i.id AS item_id, i.name AS item_name, i.price_minor, i.available, i.sold_out_until"
            " FROM m LEFT JOIN menu_items i"
            " ON i.merchant_id = m.id AND i.id = ANY($2::uuid[]) AND i.removed_at IS NULL",
            merchant_id,
            list(item_ids),
        )
        if not rows:
            return None
        menu = {
            row["item_id"]: MenuItem(
                id=row["item_id"],
                name=row["item_name"],
                price_minor=row["price_minor"],
                available=row["available"],
                sold_out_until=row["sold_out_until"],
            )
            for row in rows
            if row["item_id"] is not None
        }
        areas = await AreaStore(self._connection).with_polygons(rows[0]["areas"] or [])
        return Offering(merchant=_merchant(rows[0]), menu=menu, areas=areas)


_NAMES = tuple(name for name in Merchant.__dataclass_fields__)
_COLUMNS = ", ".join(_NAMES)
_ITEM_COLUMNS = "id, name, price_minor, available, sold_out_until"


def _facts(merchant: Merchant) -> dict[str, Any]:
    """Column by column, all but the id."""
    facts = {name: getattr(merchant, name) for name in _NAMES if name != "id"}
    return {**facts, "hours": None if merchant.hours is None else msgspec.to_builtins(merchant.hours)}


def _found(row: Any) -> Merchant:
    if row is None:
        raise MerchantNotFound
    return _merchant(row)


def _merchant(row: Any) -> Merchant:
    facts = {name: row[name] for name in _NAMES}
    hours = facts["hours"]
    return Merchant(**{**facts, "hours": None if hours is None else msgspec.convert(hours, Hours)})
