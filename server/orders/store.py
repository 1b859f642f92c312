"""All SQL about orders, and the one door to the personal data of an order.

orders           one row an order, at its newest version; the history is the event log
order_contacts   the name, phone and exact address it goes to; nothing else of ours holds those
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.accounts.permissions import OrderNotFound
from server.errors import Refused
from server.orders.kitchen import Kitchen
from server.orders.lifecycle import Status
from server.orders.model import Line, Order, PaymentMethod, PaymentStatus, Proof
from server.orders.placing import Contact
from server.orders.views import order_json


class OrderChanged(Refused):
    """The order has moved on since you saw it; `order` is what it is now."""

    code = "order_changed"

    def __init__(self, order: Order) -> None:
        super().__init__(order=order_json(order))


def require_version(order: Order, version: int | None) -> None:
    """OrderChanged when somebody decided on another version than the one there is."""
    if version is not None and version != order.version:
        raise OrderChanged(order)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders somebody asks for, of those that they may see; what is None is not asked about."""

    statuses: Collection[Status] | None = None
    customer_id: UUID | None = None
    merchant_id: UUID | None = None
    courier_id: UUID | None = None  # who has, or had, an assignment of it
    number: int | None = None
    placed_after: datetime | None = None  # at that moment or later
    placed_before: datetime | None = None  # earlier than that moment

    def conditions(self) -> list[tuple[str, object]]:
        """As SQL, with a place for each value."""
        asked: list[tuple[str, object]] = [
            (
                "status = ANY({}::text[])",
                None if self.statuses is None else [one.value for one in self.statuses],
            ),
            ("customer_id = {}", self.customer_id),
            ("merchant_id = {}", self.merchant_id),
            ("id IN (SELECT order_id FROM assignments WHERE courier_id = {})", self.courier_id),
            ("number = {}", self.number),
            ("placed_at >= {}", self.placed_after),
            ("placed_at < {}", self.placed_before),
        ]
        return [(what, value) for what, value in asked if value is not None]


WHICHEVER = OrderFilter()


@dataclass(frozen=True, slots=True)
class Named:
    """An order as others speak of it."""

    number: int
    status: Status
    merchant_id: UUID


class OrderStore:
    """Reads and writes orders on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def insert(self, order: Order, contact: Contact, *, ride_s: int) -> Order:
        """Store a new order and where it goes; the order comes back with its number.

        The contact may be there already, under the id of the checkout that the order comes from.
        """
        number = await self._connection.fetchval(
            "WITH placed AS ("
            " INSERT INTO orders"
            " (id, merchant_id, customer_id, status, version, items, total_minor, currency, placed_at,"
            " items_minor, delivery_fee_minor, payment_method, payment_status, scheduled_from, scheduled_to,"
            " release_at, accept_by, ride_s)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $16, $17, $18, $19, $20, $21, $22, $23, $24)"
            " RETURNING id, number"
            "), contact AS ("
            " INSERT INTO order_contacts (order_id, name, phone, address, lat, lng, note)"
            " SELECT id, $10, $11, $12, $13, $14, $15 FROM placed ON CONFLICT (order_id) DO NOTHING"
            ") SELECT number FROM placed",
            order.id,
            order.merchant_id,
            order.customer_id,
            order.status.value,
            order.version,
            msgspec.to_builtins(order.lines),
            order.total_minor,
            order.currency,
            order.placed_at,
            contact.name,
            contact.phone,
            contact.address,
            contact.lat,
            contact.lng,
            contact.note,
            order.items_minor,
            order.delivery_fee_minor,
            order.payment_method.value,
            order.payment_status.value,
            order.scheduled_from,
            order.scheduled_to,
            order.release_at,
            order.accept_by,
            ride_s,
        )
        return replace(order, number=number)

    async def get(self, order_id: UUID) -> Order:
        """The order as it is; OrderNotFound."""
        return _found(
            await self._connection.fetchrow(f"SELECT {_COLUMNS} FROM orders WHERE id = $1", order_id)
        )

    async def lock(self, order_id: UUID) -> Order:
        """The order, held until this transaction ends: who comes second judges what the first made of it.

        The lock stands for all that belongs to the order (its assignment too), and is always taken first.
        """
        return _found(
            await self._connection.fetchrow(
                f"SELECT {_COLUMNS} FROM orders WHERE id = $1 FOR UPDATE", order_id
            )
        )

    async def hold(self, order_id: UUID) -> "Held":
        """The order locked as by `lock`, with what a command about it must know beside it, in one round trip."""
        row = await self._connection.fetchrow("SELECT * FROM hold_order($1)", order_id)
        if row is None:
            raise OrderNotFound
        return Held(
            order=_order({name: row["held"][name] for name in _NAMES}),
            ride_s=row["held"]["ride_s"],
            wrong_codes=row["held"]["wrong_codes"],
            pickup_code_required=row["pickup_code_required"],
            dropoff_proof_required=row["dropoff_proof_required"],
            usual_preparation_s=row["usual_preparation_s"],
            merchant_place=(row["lat"], row["lng"]),
            assignment=row["assignment"],
            courier_name=row["courier_name"],
        )

    async def replace(self, before: Order, moved: Order) -> None:
        """Write `moved` over `before`; OrderChanged if that is no longer the newest version."""
        sql, *values = replacing(before, moved)
        places = (f"${place}" for place in range(1, len(values) + 1))
        written = await self._connection.fetchval(sql.format(*places), *values)
        if written is None:
            raise OrderChanged(await self.get(before.id))

    async def count_wrong_code(self, order_id: UUID) -> int:
        """One more wrong code was said; how many there were."""
        count: int = await self._connection.fetchval(
            "UPDATE orders SET wrong_codes = wrong_codes + 1 WHERE id = $1 RETURNING wrong_codes", order_id
        )
        return count

    async def forget_wrong_codes(self, order_id: UUID) -> None:
        """The right one was said: the next is counted anew."""
        await self._connection.execute("UPDATE orders SET wrong_codes = 0 WHERE id = $1", order_id)

    async def move_contact(
        self, order_id: UUID, *, address: str, lat: float, lng: float, ride_s: int
    ) -> None:
        """It goes elsewhere, and the ride there takes another time."""
        await self._connection.execute(
            "WITH ridden AS (UPDATE orders SET ride_s = $5 WHERE id = $1)"
            " UPDATE order_contacts SET address = $2, lat = $3, lng = $4 WHERE order_id = $1",
            order_id,
            address,
            lat,
            lng,
            ride_s,
        )

    async def named(self, order_ids: Collection[UUID]) -> dict[UUID, "Named"]:
        """What people call these orders by and whose they are; those that the archive has taken are missing."""
        rows = await self._connection.fetch(
            "SELECT id, number, status, merchant_id FROM orders WHERE id = ANY($1::uuid[])", list(order_ids)
        )
        return {row["id"]: Named(row["number"], Status(row["status"]), row["merchant_id"]) for row in rows}

    async def put_contact(self, checkout_id: UUID, contact: Contact) -> None:
        """Store whom a checkout is for, under the id that its order will have."""
        await self._connection.execute(
            "INSERT INTO order_contacts (order_id, name, phone, address, lat, lng, note)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            checkout_id,
            contact.name,
            contact.phone,
            contact.address,
            contact.lat,
            contact.lng,
            contact.note,
        )

    async def forget_contact(self, checkout_id: UUID) -> None:
        """A checkout came to nothing: nobody needs to know any more whom it was for."""
        await self._connection.execute("DELETE FROM order_contacts WHERE order_id = $1", checkout_id)

    async def contact(self, order_id: UUID) -> Contact | None:
        """Where the order goes; None when that has been erased."""
        return (await self.contacts([order_id])).get(order_id)

    async def contacts(self, order_ids: Collection[UUID]) -> dict[UUID, Contact]:
        """Where these orders go; those whose contact has been erased are missing."""
        rows = await self._connection.fetch(
            "SELECT order_id, name, phone, address, lat, lng, note FROM order_contacts"
            " WHERE order_id = ANY($1::uuid[])",
            list(order_ids),
        )
        return {
            row["order_id"]: Contact(
                name=row["name"],
                phone=row["phone"],
                address=row["address"],
                lat=row["lat"],
                lng=row["lng"],
                note=row["note"],
            )
            for row in rows
        }

    async def newest(
        self,
        *,
        asked: OrderFilter = WHICHEVER,
        order_id: UUID | None = None,
        customer_id: UUID | None = None,
        merchant_id: UUID | None = None,
        open_only: bool = False,
        before: UUID | None = None,
        limit: int = 50,
    ) -> list[Order]:
        """Orders as `asked`, newest first: one, a customer's, a merchant's, still under way (so not
        those that only wait for their customer's word), older than `before`.
        """
        wanted = asked.conditions()
        if order_id is not None:
            wanted.append(("id = {}", order_id))
        if customer_id is not None:
            wanted.append(("customer_id = {}", customer_id))
        if merchant_id is not None:
            wanted.append(("merchant_id = {}", merchant_id))
        if before is not None:
            wanted.append(("(placed_at, id) < (SELECT placed_at, id FROM orders WHERE id = {})", before))
        where = [what.format(f"${place}") for place, (what, _) in enumerate(wanted, start=2)]
        if merchant_id is not None:
            where.append("accept_by IS NOT NULL")  # else it has not heard of it yet
        if open_only:
            where.append("ended_at IS NULL AND status <> 'delivered'")
        rows = await self._connection.fetch(
            f"SELECT {_COLUMNS} FROM orders {'WHERE ' if where else ''}{' AND '.join(where)}"
            " ORDER BY placed_at DESC, id DESC LIMIT $1",
            limit,
            *(value for _, value in wanted),
        )
        return [_order(row) for row in rows]


def replacing(before: Order, moved: Order) -> tuple[Any, ...]:
    """The statement that writes `moved` over `before`, and its values; it writes nothing over a newer version."""
    return (
        _REPLACE,
        moved.status.value,
        moved.version,
        moved.preparation_s,
        moved.reason,
        moved.accepted_at,
        moved.picked_up_at,
        moved.delivered_at,
        moved.ended_at,
        None if moved.kitchen is None else moved.kitchen.value,
        moved.ready_at,
        moved.first_promised_at,
        moved.promised_at,
        None if moved.proof is None else msgspec.to_builtins(moved.proof),
        moved.ended_by,
        moved.payment_status.value,
        moved.accept_by,
        moved.waived,
        before.id,
        before.version,
    )


_REPLACE = (
    "UPDATE orders SET status = {}, version = {}, preparation_s = {}, reason = {}, accepted_at = {},"
    " picked_up_at = {}, delivered_at = {}, ended_at = {}, kitchen = {}, ready_at = {}, first_promised_at = {},"
    " promised_at = {}, proof = {}, ended_by = {}, payment_status = {}, accept_by = {}, waived = {}"
    " WHERE id = {} AND version = {} RETURNING true"
)

# Column for field; only the lines of the basket are called otherwise.
_NAMES = tuple("items" if name == "lines" else name for name in Order.__dataclass_fields__)
_COLUMNS = ", ".join(_NAMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An order that this transaction holds, and what stands around it.

    `assignment` is the newest row about it of that table, open or ended, for dispatch/store.py to read; None: none yet.
    """

    order: Order
    ride_s: int  # from the merchant to the door
    wrong_codes: int
    pickup_code_required: bool
    dropoff_proof_required: bool
    usual_preparation_s: int
    merchant_place: tuple[float, float]
    assignment: Any
    courier_name: str | None

    @property
    def courier_id(self) -> UUID | None:
        """Who has it on him now."""
        row = self.assignment
        return None if row is None or row["ended_at"] is not None else row["courier_id"]

    @property
    def last_courier_id(self) -> UUID | None:
        """Who has it, or had it last."""
        return None if self.assignment is None else self.assignment["courier_id"]


def _found(row: Any) -> Order:
    if row is None:
        raise OrderNotFound
    return _order(row)


def _order(row: Any) -> Order:
    facts = dict(row)
    items = facts.pop("items")
    return Order(
        **{
            **facts,
            "status": Status(facts["status"]),
            "lines": msgspec.convert(items, tuple[Line, ...]),
            "payment_method": PaymentMethod(facts["payment_method"]),
            "payment_status": PaymentStatus(facts["payment_status"]),
            "kitchen": None if facts["kitchen"] is None else Kitchen(facts["kitchen"]),
            "waived": tuple(facts["waived"]),
            "proof": None if facts["proof"] is None else msgspec.convert(facts["proof"], Proof),
        }
    )
