"""The checks an order passes before it exists.  Pure: what is asked for against the merchant and the menu as they are.

All faults are told at once, each with a JSON pointer to its field; nothing half-made stays.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from server.errors import BadInput
from server.orders.merchants import MenuItem, Merchant
from server.orders.model import Line

MAX_LINES = 50
MAX_QUANTITY = 99
# As people write it; the next checks will bring it into E.164 (at most 15 digits, ITU-T E.164 §6).
PHONE = re.compile(r"\+?[0-9][0-9 ()./-]*")
PHONE_DIGITS = range(5, 16)

Text = Annotated[str, Meta(max_length=200)]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many of one item of the menu."""

    item_id: UUID
    quantity: int


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who gets it, and where.  Personal data: kept in one table, shown only while it serves."""

    name: Text
    phone: Annotated[str, Meta(max_length=40)]
    address: Annotated[str, Meta(max_length=400)]
    lat: float
    lng: float
    note: Annotated[str, Meta(max_length=500)] = ""


class PlaceOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a customer asks for.  `total_minor`, when given, is the sum they were shown and must still be right."""

    merchant_id: UUID
    items: list[Wanted]
    contact: Contact
    total_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where (RFC 6901), a word for programs, a sentence for people."""

    pointer: str
    code: str
    detail: str


class CheckFailed(BadInput):
    """The order cannot be placed as it is; `errors` says which fields and why."""

    code = "check_failed"

    def __init__(self, faults: Iterable[Fault]) -> None:
        super().__init__(
            errors=[
                {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail} for fault in faults
            ]
        )


def check(asked: PlaceOrder, merchant: Merchant | None, menu: Mapping[UUID, MenuItem]) -> tuple[Line, ...]:
    """The lines of the order at today's prices; CheckFailed with all that is wrong.  `menu` is that merchant's."""
    faults = [
        *_merchant_faults(merchant),
        *_basket_faults(asked.items, menu),
        *_contact_faults(asked.contact),
    ]
    if faults:
        raise CheckFailed(faults)
    lines = tuple(
        Line(item_id=item.id, name=item.name, quantity=wanted.quantity, price_minor=item.price_minor)
        for wanted in asked.items
        for item in [menu[wanted.item_id]]
    )
    if asked.total_minor not in (None, total_minor(lines)):
        raise CheckFailed([Fault("/total_minor", "wrong_total", f"The total is {total_minor(lines)} today")])
    return lines


def total_minor(lines: Iterable[Line]) -> int:
    """What the lines cost together, in minor units."""
    return sum(line.quantity * line.price_minor for line in lines)


def _merchant_faults(merchant: Merchant | None) -> Iterable[Fault]:
    if merchant is None:
        yield Fault("/merchant_id", "unknown_merchant", "No merchant has this id")
    elif not merchant.open:
        yield Fault("/merchant_id", "merchant_closed", "The merchant is closed")


def _basket_faults(items: list[Wanted], menu: Mapping[UUID, MenuItem]) -> Iterable[Fault]:
    if not 1 <= len(items) <= MAX_LINES:
        yield Fault("/items", "bad_basket", f"An order has 1 to {MAX_LINES} items")
        return
    seen: set[UUID] = set()
    for index, wanted in enumerate(items):
        item = menu.get(wanted.item_id)
        if item is None:
            yield Fault(f"/items/{index}/item_id", "unknown_item", "The menu has no such item")
        elif not item.available:
            yield Fault(f"/items/{index}/item_id", "item_unavailable", "The item is not available now")
        if wanted.item_id in seen:
            yield Fault(f"/items/{index}/item_id", "item_repeated", "The item stands in the basket already")
        seen.add(wanted.item_id)
        if not 1 <= wanted.quantity <= MAX_QUANTITY:
            yield Fault(f"/items/{index}/quantity", "bad_quantity", f"From 1 to {MAX_QUANTITY}")


def _contact_faults(contact: Contact) -> Iterable[Fault]:
    if not contact.name.strip():
        yield Fault("/contact/name", "missing", "Who receives it?")
    if not contact.address.strip():
        yield Fault("/contact/address", "missing", "Where is it brought?")
    digits = sum(letter.isdigit() for letter in contact.phone)
    if PHONE.fullmatch(contact.phone) is None or digits not in PHONE_DIGITS:
        yield Fault(
            "/contact/phone",
            "bad_phone",
            "A phone number has 5 to 15 digits, with a + before the country's code",
        )
    # `not (low <= x <= high)` is also true of NaN.
    if not (-90 <= contact.lat <= 90):
        yield Fault("/contact/lat", "out_of_range", "A latitude lies between -90 and 90")
    if not (-180 <= contact.lng <= 180):
        yield Fault("/contact/lng", "out_of_range", "A longitude lies between -180 and 180")
    if contact.lat == 0 and contact.lng == 0:
        yield Fault("/contact", "null_island", "0, 0 is a map that found nothing, not an address")
