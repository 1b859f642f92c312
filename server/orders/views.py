"""How orders and merchants look on the wire: plain JSON values, moments as RFC 3339 in UTC.  Pure.

Personal data are not in them: a contact is shown by its own view, to those whom accounts/permissions.py lets see it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from server.orders.delivery_areas import DeliveryArea
from server.orders.merchants import MenuItem, Merchant
from server.orders.model import Order
from server.orders.placing import Contact

Json = dict[str, Any]


def order_json(order: Order) -> Json:
    """The order at its version, without whom it goes to."""
    view: Json = msgspec.to_builtins(order)
    view["items"] = view.pop("lines")
    return view


def merchant_json(
    merchant: Merchant, menu: Sequence[MenuItem] | None = None, *, at: datetime | None = None
) -> Json:
    """The merchant, with the menu if it is given; with a moment also whether it takes orders then, or else when."""
    view: Json = msgspec.to_builtins(merchant)
    if at is not None:
        takes_orders_at = merchant.next_opening(at)
        view["open_now"] = takes_orders_at == at
        view["opens_at"] = None if takes_orders_at in (None, at) else msgspec.to_builtins(takes_orders_at)
    if menu is not None:
        view["menu"] = [item_json(item, at) for item in menu]
    return view


def item_json(item: MenuItem, at: datetime | None = None) -> Json:
    """The item; with a moment also whether it may be ordered then."""
    view: Json = msgspec.to_builtins(item)
    return view if at is None else {**view, "orderable": item.may_be_ordered(at)}


def area_json(area: DeliveryArea) -> Json:
    """The delivery area with its polygon, as GeoJSON; `repaired`: it is not quite what was drawn."""
    return {**area_summary_json(area), "polygon": area.area.drawing(), "repaired": area.area.repaired}


def area_summary_json(area: DeliveryArea) -> Json:
    """The delivery area without its polygon, for the log: a drawing may be larger than a frame."""
    return {
        "id": str(area.id),
        "merchant_id": str(area.merchant_id),
        "name": area.name,
        "hours": msgspec.to_builtins(area.hours),
        "delivery_fee_minor": area.delivery_fee_minor,
        "drawn_by": str(area.drawn_by),
        "version": area.version,
        "active": area.active,
    }


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
