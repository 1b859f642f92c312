"""What a topic's snapshot holds, for each kind and audience, read through the stores of orders and dispatch.

Personal data: the dropoff's address goes to its customer, to the courier who has the order, and to staff who
may see contacts while the order or a ticket of it is open; name and phone of the contact only to that courier,
in his own topic.  Nobody else gets them, not even coarse.  What rules this is accounts/personal.py.
"""

from typing import Any, Protocol
from uuid import UUID

from server.accounts.permissions import OrderNotFound
from server.accounts.roles import Role
from server.dispatch.duties import DutyBoard
from server.dispatch.legs import Assignment
from server.dispatch.store import AssignmentStore
from server.dispatch.views import assignment_json, codes_json
from server.geo.nearest import NearestIndex
from server.orders.checkout_service import checkout_json
from server.orders.checkout_store import CheckoutStore
from server.orders.checkouts import Checkout, CheckoutNotFound
from server.orders.codes import Codes
from server.orders.merchants import MerchantStore
from server.orders.model import NOBODY, Order
from server.orders.store import OrderStore
from server.orders.ticket_store import TicketStore, Wanted
from server.orders.ticket_views import notice_json, ticket_json
from server.orders.views import Json, contact_json, dropoff_json, merchant_json, order_json, pickup_json
from server.realtime.audiences import shown_position
from server.realtime.topics import Audience, Kind, Parties, TopicName

MAX_OPEN_TICKETS = 500
MAX_OPEN_ORDERS = 500  # in one snapshot; who has more open orders than this needs pages, not a list

# Whose permission does not hang on whose the order is.
SEES_ALL_ORDERS = frozenset({Audience.STAFF, Audience.OBSERVER})
TELLS_CODE = {
    Audience.MERCHANT: Role.MERCHANT,
    Audience.CUSTOMER: Role.CUSTOMER,
    Audience.FOLLOWER: Role.CUSTOMER,
}
# Who is shown where an order goes.
SEES_DROPOFF = frozenset({Audience.CUSTOMER, Audience.COURIER, Audience.STAFF})


class SnapshotReader(Protocol):
    """Reads within a given transaction; raises NotFound for what is not there."""

    async def parties(self, connection: Any, topic: TopicName, audience: Audience) -> Parties | None:
        """Whose the order of the topic is, as far as this audience's permission hangs on it; None: not at all."""
        ...

    async def read(
        self, connection: Any, topic: TopicName, audience: Audience
    ) -> tuple[Parties | None, Json]:
        """`parties`, and the snapshot as this audience may see it."""
        ...


class StoreSnapshots:
    """The real reader."""

    def __init__(self, duties: DutyBoard, nearest: NearestIndex, codes: Codes) -> None:
        self._duties = duties
        self._nearest = nearest
        self._codes = codes

    async def parties(self, connection: Any, topic: TopicName, audience: Audience) -> Parties | None:
        if topic.kind is not Kind.ORDER or topic.id is None or audience in SEES_ALL_ORDERS:
            return None
        try:
            order = await OrderStore(connection).get(topic.id)
        except OrderNotFound:
            return _waiting_parties(await _waiting(connection, topic.id))
        carried = audience is Audience.COURIER
        assignment = await AssignmentStore(connection).newest_of_order(topic.id) if carried else None
        return _parties(order, assignment)

    async def read(
        self, connection: Any, topic: TopicName, audience: Audience
    ) -> tuple[Parties | None, Json]:
        match topic.kind, topic.id:
            case Kind.ORDER, UUID() as order_id:
                return await self._order(connection, order_id, audience)
            case Kind.MERCHANT, UUID() as merchant_id:
                return None, await self._merchant(connection, merchant_id, audience)
            case Kind.COURIER, UUID() as courier_id:
                return None, await self._courier(connection, courier_id, audience)
            case Kind.TICKETS, _:
                return None, {"tickets": await _open_tickets(connection)}
            case _:
                return None, await self._dispatch(connection)

    async def _order(self, connection: Any, order_id: UUID, audience: Audience) -> tuple[Parties, Json]:
        try:
            order = await OrderStore(connection).get(order_id)
        except OrderNotFound:
            checkout = await _waiting(connection, order_id)
            view = checkout_json(checkout)
            if audience is not Audience.CUSTOMER:
                del view["pay_url"]  # who has it could pay, or decline
            nothing_yet: Json = {"order": None, "assignment": None, "position": None, "tickets": []}
            return _waiting_parties(checkout), {**nothing_yet, "checkout": view}
        assignment = await AssignmentStore(connection).newest_of_order(order_id)
        return _parties(order, assignment), {
            "order": {**await _order_view(connection, order, audience), **self._codes_for(order, audience)},
            "assignment": None if assignment is None else assignment_json(assignment),
            "position": self._position(order_id, audience),
            "tickets": [
                notice_json(ticket)
                for ticket in await TicketStore(connection).newest(Wanted(order_id=order_id))
                if not ticket.rule.about_courier
            ],
        }

    async def _merchant(self, connection: Any, merchant_id: UUID, audience: Audience) -> Json:
        merchant = await MerchantStore(connection).get(merchant_id)
        orders = await OrderStore(connection).newest(
            merchant_id=merchant_id, open_only=True, limit=MAX_OPEN_ORDERS
        )
        listed = await _listed(connection, orders)
        if audience is Audience.MERCHANT:
            pairs = zip(orders, listed, strict=True)
            listed = [{**shown, **self._codes_for(order, audience)} for order, shown in pairs]
        return {"merchant": merchant_json(merchant), "orders": listed}

    def _codes_for(self, order: Order, audience: Audience) -> Json:
        """What its merchant and its customer tell the courier."""
        role = TELLS_CODE.get(audience)
        return {} if role is None else codes_json(order, role, self._codes)

    async def _courier(self, connection: Any, courier_id: UUID, audience: Audience) -> Json:
        assignment = await AssignmentStore(connection).open_of_courier(courier_id)
        position = self._nearest.get(courier_id)
        snapshot: Json = {
            "assignment": None if assignment is None else assignment_json(assignment),
            "order": None,
            "available": position is not None and position.available,
        }
        if assignment is not None:
            order = await OrderStore(connection).get(assignment.order_id)
            snapshot["order"] = await _order_view(connection, order, audience)
            if audience is Audience.COURIER:
                contact = await OrderStore(connection).contact(order.id)
                snapshot["contact"] = None if contact is None else contact_json(contact)
        return snapshot

    async def _dispatch(self, connection: Any) -> Json:
        orders = await OrderStore(connection).newest(open_only=True, limit=MAX_OPEN_ORDERS)
        return {
            "orders": await _listed(connection, orders),
            "couriers_online": len(self._nearest),
            "tickets": await _open_tickets(connection),
        }

    def _position(self, order_id: UUID, audience: Audience) -> object:
        """Where the courier is, as far as this audience may know."""
        held = self._duties.by_order(order_id)
        if held is None:
            return None
        courier_id, duty = held
        position = self._nearest.get(courier_id)
        if position is None:
            return None
        return shown_position(position, duty_mark=duty.mark, leg=duty.leg, audience=audience)


async def _open_tickets(connection: Any) -> list[Json]:
    """What people have to work on, the newest first."""
    found = await TicketStore(connection).newest(Wanted(open_only=True), limit=MAX_OPEN_TICKETS)
    return [ticket_json(ticket) for ticket in found]


async def _order_view(connection: Any, order: Order, audience: Audience) -> Json:
    """The order with the merchant it is fetched from and, for those who may see it, where it goes."""
    view = order_json(order)
    view["merchant"] = pickup_json(await MerchantStore(connection).get(order.merchant_id))
    shown = audience in SEES_DROPOFF
    if audience is Audience.STAFF and order.ended_at is not None:
        shown = bool(await TicketStore(connection).worked_on([order.id]))
    contact = await OrderStore(connection).contact(order.id) if shown else None
    view["dropoff"] = None if contact is None else dropoff_json(contact)
    return view


async def _listed(connection: Any, orders: list[Order]) -> list[Json]:
    """Orders for a list, each with its open assignment."""
    carried = await AssignmentStore(connection).open_of_orders([order.id for order in orders])
    return [
        {
            **order_json(order),
            "assignment": assignment_json(carried[order.id]) if order.id in carried else None,
        }
        for order in orders
    ]


async def _waiting(connection: Any, checkout_id: UUID) -> Checkout:
    """The checkout of which an order may come; OrderNotFound when there is none either."""
    try:
        return await CheckoutStore(connection).get(checkout_id)
    except CheckoutNotFound as error:
        raise OrderNotFound from error


def _waiting_parties(checkout: Checkout) -> Parties:
    """Before it is paid, it is nobody's but its customer's."""
    return Parties(checkout.customer_id, NOBODY, None)


def _parties(order: Order, assignment: Assignment | None) -> Parties:
    has_it = assignment is not None and assignment.ended_at is None
    people = order.people(assignment.courier_id if assignment and has_it else None)
    return Parties(people["customer_id"], people["merchant_id"], people["courier_id"], order.id)


def contact_shown(audience: Audience, snapshot: Json) -> UUID | None:
    """The order whose contact or address this snapshot shows to somebody else than its customer, if it does."""
    order = snapshot.get("order")
    if audience is Audience.CUSTOMER or order is None or order.get("dropoff") is None:
        return None
    return UUID(order["id"])
