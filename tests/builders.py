"""Things of the trade, made in one line: `an_order(status=…)`.  Whatever is not named is ordinary."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.clock import to_ms
from server.dispatch.legs import Assignment, State
from server.orders.lifecycle import Status
from server.orders.merchants import MenuItem, Merchant
from server.orders.model import CURRENCY, Line, Order
from server.orders.placing import Contact, PlaceOrder, Wanted
from server.orders.ticket_kinds import Kind
from server.orders.tickets import Ticket, opened
from server.storage.event_log import Event
from tests.fakes import NOON

HELSINKI = (60.1699, 24.9384)
SECRET = "a secret that is long enough for every algorithm a forger might name"


def a_viewer(role: Role = Role.CUSTOMER, **facts: Any) -> Viewer:
    """Somebody signed in for the next hour."""
    return Viewer(
        **{
            "account_id": uuid4(),
            "role": role,
            "merchant_id": uuid4() if role is Role.MERCHANT else None,
            "expires_at_ms": to_ms(NOON) + 3_600_000,
            **facts,
        }
    )


def a_merchant(**facts: Any) -> Merchant:
    """An open kitchen at the railway square."""
    return Merchant(
        **{
            "id": uuid4(),
            "name": "Lönnrot",
            "address": "Rautatientori 1",
            "lat": HELSINKI[0],
            "lng": HELSINKI[1],
            "preparation_s": 600,
            "open": True,
            "pickup_code_required": False,
            "dropoff_proof_required": False,
            **facts,
        }
    )


def an_item(**facts: Any) -> MenuItem:
    """A soup for 9.50."""
    return MenuItem(**{"id": uuid4(), "name": "Lohikeitto", "price_minor": 950, "available": True, **facts})


def a_contact(**facts: Any) -> Contact:
    """Somebody across the bay."""
    return Contact(
        **{
            "name": "Aino Virtanen",
            "phone": "+358401234567",
            "address": "Siltasaarenkatu 4 A 12",
            "lat": 60.1791,
            "lng": 24.9502,
            **facts,
        }
    )


def a_wish(merchant_id: UUID, *items: MenuItem, quantity: int = 1, **facts: Any) -> PlaceOrder:
    """Somebody wants these items."""
    return PlaceOrder(
        **{
            "merchant_id": merchant_id,
            "items": [Wanted(item.id, quantity) for item in items],
            "contact": a_contact(),
            **facts,
        }
    )


def an_order(**facts: Any) -> Order:
    """Two soups, placed at noon."""
    return Order(
        **{
            "id": uuid4(),
            "number": 17,
            "merchant_id": uuid4(),
            "customer_id": uuid4(),
            "status": Status.PENDING_ACCEPTANCE,
            "version": 1,
            "lines": (Line(item_id=uuid4(), name="Lohikeitto", quantity=2, price_minor=950),),
            "total_minor": 1900,
            "currency": CURRENCY,
            "placed_at": NOON,
            "accept_by": NOON + timedelta(seconds=180),
            **facts,
        }
    )


def an_assignment(**facts: Any) -> Assignment:
    """A courier on his way to the pickup since noon."""
    return Assignment(
        **{
            "id": uuid4(),
            "order_id": uuid4(),
            "courier_id": uuid4(),
            "courier_name": "Li",
            "state": State.ASSIGNED,
            "version": 1,
            "created_at": NOON,
            **facts,
        }
    )


def a_ticket(kind: Kind = Kind.DELAY, **facts: Any) -> Ticket:
    """An order of its own is in trouble since noon, and the system has said so."""
    ticket = opened(
        kind,
        ticket_id=uuid4(),
        reason="other",
        at=NOON,
        reported_at=NOON,
        opened_by=None,
        opened_by_role="system",
        order_id=uuid4(),
        merchant_id=uuid4(),
        customer_id=uuid4(),
        courier_id=uuid4(),
    )
    return replace(ticket, **facts)


def an_event(**facts: Any) -> Event:
    """An order of its own was placed, told to the dispatchers."""
    return Event(
        **{
            "entity": "order",
            "entity_id": uuid4(),
            "version": 1,
            "name": "placed",
            "topics": ("dispatch:all",),
            "fields": {"status": "pending_acceptance"},
            "actor_id": None,
            "occurred_at": NOON,
            **facts,
        }
    )
