"""Orders with all that stands around them (merchant, where it goes, who carries it), as plain JSON values.

`connection` is the pool, a unit of work's connection, or one at a snapshot (storage/event_log.py: read_at).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from server.accounts.permissions import (
    Permission,
    Scope,
    may,
    reach,
    require,
    require_for_order,
)
from server.accounts.personal import Service, may_see_contact
from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.dispatch.legs import ENDED, Assignment
from server.dispatch.store import AssignmentStore
from server.orders.codes import Codes
from server.orders.merchants import Merchant, MerchantStore
from server.orders.model import Order
from server.orders.placing import Contact
from server.orders.store import WHICHEVER, OrderFilter, OrderStore
from server.orders.ticket_store import TicketStore
from server.orders.views import Json, contact_json, dropoff_json, order_json, pickup_json


def assignment_json(assignment: Assignment) -> Json:
    """Who carries an order, and on which leg he is."""
    leg = assignment.leg
    return {
        "id": str(assignment.id),
        "version": assignment.version,
        "state": assignment.state.value,
        "leg": None if leg is None else leg.value,
        "courier_id": str(assignment.courier_id),
        "courier_name": assignment.courier_name,
    }


async def shown_contacts(
    connection: Any, viewer: Viewer, orders: Sequence[Order], carriers: Mapping[UUID, UUID]
) -> set[UUID]:
    """Those of these orders whose contact the viewer is shown now; `carriers`: who has which order on him."""
    over = [order.id for order in orders if order.ended_at is not None]
    worked_on = await TicketStore(connection).worked_on(over) if over else set()
    return {
        order.id
        for order in orders
        if may_see_contact(
            viewer,
            Service(
                customer_id=order.customer_id,
                merchant_id=order.merchant_id,
                courier_id=carriers.get(order.id),
                order_is_open=order.ended_at is None,
                ticket_is_open=order.id in worked_on,
            ),
        )
    }


async def describe(
    connection: Any, viewer: Viewer, orders: Sequence[Order], *, with_contact: bool = True
) -> list[Json]:
    """Each order with its `merchant`, its open `assignment` and, for those who may see it, its exact `dropoff`."""
    order_ids = [order.id for order in orders]
    merchants = await MerchantStore(connection).several({order.merchant_id for order in orders})
    assignments = await AssignmentStore(connection).open_of_orders(order_ids)
    shown: set[UUID] = set()
    if with_contact and may(viewer, Permission.SEE_CONTACT):
        carriers = {order_id: assignment.courier_id for order_id, assignment in assignments.items()}
        shown = await shown_contacts(connection, viewer, orders, carriers)
    contacts = await OrderStore(connection).contacts(sorted(shown)) if shown else {}
    return [
        _described(order, merchants[order.merchant_id], assignments.get(order.id), contacts.get(order.id))
        for order in orders
    ]


def codes_json(order: Order, role: Role, codes: Codes) -> Json:
    """The code that this role tells the courier, while there is somebody to tell; nobody else is shown one."""
    over = order.ended_at is not None
    shown: dict[Role, Json] = {
        Role.MERCHANT: {"pickup_code": None if over else codes.pickup(order.id)},
        Role.CUSTOMER: {"dropoff_code": None if over else codes.dropoff(order.id)},
    }
    return shown.get(role, {})


async def order_view(
    connection: Any, viewer: Viewer, order_id: UUID, codes: Codes, *, with_contact: bool = True
) -> Json:
    """One order as this viewer may see it, with its latest assignment; NotAllowed, or NotFound for a foreign one.

    Without `with_contact` nobody's address is looked at, so that no look has to be written down.
    """
    require(viewer, Permission.SEE_ORDER)
    order = await OrderStore(connection).get(order_id)
    assignment = await AssignmentStore(connection).newest_of_order(order_id)
    carrier = assignment.courier_id if assignment is not None and assignment.state not in ENDED else None
    require_for_order(viewer, Permission.SEE_ORDER, **order.people(carrier))
    carriers = {} if carrier is None else {order_id: carrier}
    shown = await shown_contacts(connection, viewer, [order], carriers) if with_contact else set()
    merchant = await MerchantStore(connection).get(order.merchant_id)
    contact = await OrderStore(connection).contact(order_id) if shown else None
    return {
        **_described(order, merchant, assignment, contact),
        **codes_json(order, viewer.role, codes),
        "contact": None if contact is None else contact_json(contact),
    }


async def orders_view(
    connection: Any,
    viewer: Viewer,
    *,
    asked: OrderFilter = WHICHEVER,
    before: UUID | None = None,
    limit: int = 50,
    with_contact: bool = True,
) -> list[Json]:
    """The viewer's orders as `asked` (their own, or all for those who see all), newest first; `before` is an id."""
    require(viewer, Permission.SEE_ORDER)
    newest = partial(OrderStore(connection).newest, asked=asked, before=before, limit=limit)
    if reach(viewer, Permission.SEE_ORDER) is Scope.ALL:
        orders = await newest()
    elif viewer.order_id is not None:
        orders = await newest(order_id=viewer.order_id)
    elif viewer.role is Role.CUSTOMER:
        orders = await newest(customer_id=viewer.account_id)
    elif viewer.role is Role.MERCHANT and viewer.merchant_id is not None:
        orders = await newest(merchant_id=viewer.merchant_id)
    else:  # a courier's own is what he carries now
        carried = await AssignmentStore(connection).open_of_courier(viewer.account_id)
        orders = [] if carried is None else await newest(order_id=carried.order_id)
    return await describe(connection, viewer, orders, with_contact=with_contact)


def _described(
    order: Order, merchant: Merchant, assignment: Assignment | None, contact: Contact | None
) -> Json:
    return {
        **order_json(order),
        "merchant": pickup_json(merchant),
        "assignment": None if assignment is None else assignment_json(assignment),
        "dropoff": None if contact is None else dropoff_json(contact),
    }
