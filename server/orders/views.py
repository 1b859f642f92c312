"""How orders and merchants look on the wire: plain JSON values, moments as RFC 3339 in UTC.  Pure.

Personal data are not in them: a contact is shown by its own view, to those whom accounts/permissions.py lets see it.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from server.orders.merchants import MenuItem, Merchant
from server.orders.model import Order
from server.orders.placing import Contact

Json = dict[str, Any]


def order_json(order: Order) -> Json:
    """The order at its version, without whom it goes to."""
    view: Json = msgspec.to_builtins(order)
    view["items"] = view.pop("lines")
    return view


def merchant_json(merchant: Merchant, menu: Sequence[MenuItem] | None = None) -> Json:
    """The merchant, with the menu if it is given."""
    view: Json = msgspec.to_builtins(merchant)
    if menu is not None:
        view["menu"] = [msgspec.to_builtins(item) for item in menu]
    return view


def pickup_json(merchant: Merchant) -> Json:
    """Where the bag is fetched."""
    return {
        "id": str(merchant.id),
        "name": merchant.name,
        "address": merchant.address,
        "lat": merchant.lat,
        "lng": merchant.lng,
    }


def dropoff_json(contact: Contact) -> Json:
    """Where the bag is brought: exact, so only for those who may see the contact."""
    return {"lat": contact.lat, "lng": contact.lng, "address": contact.address}


def contact_json(contact: Contact) -> Json:
    """All of the contact, for those who serve the order while they serve it."""
    view: Json = msgspec.to_builtins(contact)
    return view
