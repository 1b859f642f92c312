"""Who is shown the name, phone number and exact address of an order, and until when.  Pure.

The table of permissions says who may at all; here is what "while they serve it" means.
"""

from dataclasses import dataclass
from uuid import UUID

from server.accounts.permissions import Permission, is_own, may
from server.accounts.roles import Role
from server.accounts.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What an order's state says about who serves it now."""

    customer_id: UUID
    merchant_id: UUID
    courier_id: UUID | None  # who carries it now; None: nobody
    order_is_open: bool
    ticket_is_open: bool = False  # somebody works on one of its tickets


def may_see_contact(viewer: Viewer, service: Service) -> bool:
    """Customers always their own, couriers while they carry it, staff while the order or a ticket of it is open.

    Whoever follows by a link sees none: the link goes to others than the one who ordered.
    """
    if viewer.order_id is not None or not may(viewer, Permission.SEE_CONTACT):
        return False
    match viewer.role:
        case Role.CUSTOMER | Role.COURIER:
            return is_own(
                viewer,
                customer_id=service.customer_id,
                merchant_id=service.merchant_id,
                courier_id=service.courier_id,
            )
        case _:
            return service.order_is_open or service.ticket_is_open


def is_a_look(viewer: Viewer, customer_id: UUID) -> bool:
    """Whether showing an order's contact to the viewer belongs into the audit: to anybody but its customer."""
    return viewer.role is not Role.CUSTOMER or viewer.account_id != customer_id
