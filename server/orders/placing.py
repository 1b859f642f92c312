"""The checks an order passes before it exists.  Pure: what is asked for against the merchant as it is at a moment.

All faults are told at once, each with a JSON pointer to its field; nothing half-made stays.  What is read for the
checks stands in door.py.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from server.errors import BadInput
from server.faults import Fault, as_errors
from server.geo.distances import distance_m
from server.orders.delivery_areas import DeliveryArea
from server.orders.hours import open_at, open_during
from server.orders.merchants import MenuItem, Merchant, Offering
from server.orders.model import Line, PaymentMethod
from server.orders.phones import MAX_WRITTEN, BadPhone, to_e164

MAX_LINES = 50
MAX_QUANTITY = 99
# Shorter than a quarter of an hour nobody can promise, longer than an afternoon nobody waits.
MIN_WINDOW, MAX_WINDOW = timedelta(minutes=15), timedelta(hours=6)
MAX_AHEAD = timedelta(days=7)

Text = Annotated[str, Meta(max_length=200)]
Moment = Annotated[datetime, Meta(tz=True)]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many of one item of the menu."""

    item_id: UUID
    quantity: int


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who gets it, and where.  Personal data: kept in one table, shown only while it serves."""

    name: Text
    phone: Annotated[str, Meta(max_length=MAX_WRITTEN)]
    address: Annotated[str, Meta(max_length=400)]
    lat: float
    lng: float
    note: Annotated[str, Meta(max_length=500)] = ""


class Window(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begins": "from", "ends": "to"}
):
    """When the food shall come."""

    begins: Moment
    ends: Moment


class PaymentWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the customer wants to pay."""

    method: PaymentMethod = PaymentMethod.CASH


class PlaceOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a customer asks for.  The sums, when given, are those they were shown and must still be right.

    `total_minor` is of the items and the delivery fee.  Without `scheduled_for` the food comes as soon as possible.
    """

    merchant_id: UUID
    items: list[Wanted]
    contact: Contact
    total_minor: int | None = None
    delivery_fee_minor: int | None = None
    scheduled_for: Window | None = None
    payment: PaymentWish = PaymentWish()


class CheckFailed(BadInput):
    """The order cannot be placed as it is; `errors` says which fields and why."""

    code = "check_failed"

    def __init__(self, faults: Iterable[Fault]) -> None:
        super().__init__(errors=as_errors(faults))


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorRules:
    """What the platform asks of every order."""

    phone_region: str  # numbers without a country's code are read as of here
    delivery_radius_m: float  # around a merchant who has drawn no area
    schedule_lead: timedelta  # a window begins no sooner than this from now


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """An order that may be placed: its lines at today's prices, its sums, its contact in normal form."""

    merchant: Merchant
    lines: tuple[Line, ...]
    items_minor: int
    delivery_fee_minor: int
    total_minor: int  # items and fee
    currency: str
    contact: Contact
    scheduled_for: Window | None
    payment_method: PaymentMethod


def check(
    asked: PlaceOrder,
    offering: Offering | None,
    *,
    at: datetime,
    rules: DoorRules,
    methods: Collection[PaymentMethod] = tuple(PaymentMethod),
) -> Checked:
    """The order as it may be placed; CheckFailed with all that is wrong.  `methods` are those this door takes."""
    contact, faults = check_contact(asked.contact, rules)
    faults += _window_faults(asked.scheduled_for, at, rules.schedule_lead)
    if offering is None:
        raise CheckFailed([Fault("/merchant_id", "unknown_merchant"), *_size_faults(asked.items), *faults])
    merchant = offering.merchant
    wanted_at = at if asked.scheduled_for is None else asked.scheduled_for.begins
    faults += _merchant_faults(merchant, asked.scheduled_for, at)
    faults += _payment_faults(asked.payment.method, merchant, methods)
    fee_minor = None
    if not _place_faults(contact, ""):
        fee_minor, area_faults = _delivery_fee_minor(contact, offering, asked.scheduled_for, at, rules)
        faults += area_faults
    basket_faults = [*_basket_faults(asked.items, offering.menu, wanted_at)]
    if basket_faults:
        raise CheckFailed([*faults, *basket_faults])
    lines = _lines(asked.items, offering.menu)
    items_minor = total_minor(lines)
    faults += _sum_faults(asked, merchant, items_minor, fee_minor)
    if faults or fee_minor is None:
        raise CheckFailed(faults)
    return Checked(
        merchant=merchant,
        lines=lines,
        items_minor=items_minor,
        delivery_fee_minor=fee_minor,
        total_minor=items_minor + fee_minor,
        currency=merchant.currency,
        contact=contact,
        scheduled_for=asked.scheduled_for,
        payment_method=asked.payment.method,
    )


def total_minor(lines: Iterable[Line]) -> int:
    """What the lines cost together, in minor units."""
    return sum(line.quantity * line.price_minor for line in lines)


def check_contact(contact: Contact, rules: DoorRules, base: str = "/contact") -> tuple[Contact, list[Fault]]:
    """The contact in normal form, and what is wrong with it by itself; `base` points at it in the request."""
    faults = []
    if not contact.name.strip():
        faults.append(Fault(f"{base}/name", "missing"))
    try:
        phone = to_e164(contact.phone, rules.phone_region)
    except BadPhone as error:
        phone = contact.phone
        faults.append(Fault(f"{base}/phone", error.why if contact.phone.strip() else "missing"))
    if not contact.address.strip():
        faults.append(Fault(f"{base}/address", "missing"))
    elif not is_complete(contact.address, contact.note):
        faults.append(Fault(f"{base}/address", "address_incomplete"))
    normal = msgspec.structs.replace(
        contact,
        name=contact.name.strip(),
        phone=phone,
        address=" ".join(contact.address.split()),
        note=contact.note.strip(),
    )
    return normal, [*faults, *_place_faults(contact, base)]


def _place_faults(contact: Contact, base: str) -> list[Fault]:
    faults = []
    # `not (low <= x <= high)` is also true of NaN.
    if not (-90 <= contact.lat <= 90):
        faults.append(Fault(f"{base}/lat", "out_of_range", {"low": -90, "high": 90}))
    if not (-180 <= contact.lng <= 180):
        faults.append(Fault(f"{base}/lng", "out_of_range", {"low": -180, "high": 180}))
    if contact.lat == 0 and contact.lng == 0:
        faults.append(Fault(base, "null_island"))
    return faults


def is_complete(address: str, note: str) -> bool:
    """Whether a courier who stands in the street finds the door: a name and a number in any script, or a note."""
    has_letters = any(letter.isalpha() for letter in address)
    has_number = any(letter.isnumeric() for letter in address)  # 5, ٥ and 五
    return has_letters and (has_number or any(letter.isalnum() for letter in note))


def _window_faults(window: Window | None, at: datetime, lead: timedelta) -> Iterable[Fault]:
    if window is None:
        return
    if not MIN_WINDOW <= window.ends - window.begins <= MAX_WINDOW:
        yield Fault(
            "/scheduled_for",
            "bad_window",
            {
                "least_minutes": MIN_WINDOW // timedelta(minutes=1),
                "most_hours": MAX_WINDOW // timedelta(hours=1),
            },
        )
    if window.begins < at + lead:
        yield Fault(
            "/scheduled_for/from", "window_too_soon", {"lead_minutes": round(lead / timedelta(minutes=1))}
        )
    if window.ends > at + MAX_AHEAD:
        yield Fault("/scheduled_for/to", "window_too_far", {"most_days": MAX_AHEAD.days})


def _merchant_faults(merchant: Merchant, window: Window | None, at: datetime) -> Iterable[Fault]:
    wanted_at = at if window is None else window.begins
    if not merchant.open:
        yield Fault("/merchant_id", "merchant_closed")
    elif merchant.paused_until is not None and merchant.is_paused(wanted_at):
        yield Fault(
            "/merchant_id", "merchant_paused", {"until": _by_its_clock(merchant.paused_until, merchant)}
        )
    elif window is None and not open_at(merchant.hours, merchant.zone, at):
        opens_at = merchant.next_opening(at)
        when = {} if opens_at is None else {"opens_at": _by_its_clock(opens_at, merchant)}
        yield Fault("/merchant_id", "merchant_closed", when)
    elif window is not None and not open_during(merchant.hours, merchant.zone, window.begins, window.ends):
        yield Fault("/scheduled_for", "merchant_closed_then")


def _by_its_clock(moment: datetime, merchant: Merchant) -> str:
    """The moment as people there read it, with its offset for programs."""
    return moment.astimezone(merchant.zone).isoformat(timespec="minutes")


def _payment_faults(
    method: PaymentMethod, merchant: Merchant, methods: Collection[PaymentMethod]
) -> Iterable[Fault]:
    if method not in methods:
        elsewhere = "card_needs_checkout" if method is PaymentMethod.CARD else "cash_needs_no_checkout"
        yield Fault("/payment/method", elsewhere)
    elif method is PaymentMethod.CASH and not merchant.cash_on_delivery:
        yield Fault("/payment/method", "cash_not_accepted")


def _size_faults(items: list[Wanted]) -> Iterable[Fault]:
    if not 1 <= len(items) <= MAX_LINES:
        yield Fault("/items", "bad_basket", {"most": MAX_LINES})


def _basket_faults(items: list[Wanted], menu: Mapping[UUID, MenuItem], at: datetime) -> Iterable[Fault]:
    if not 1 <= len(items) <= MAX_LINES:
        yield from _size_faults(items)
        return
    seen: set[UUID] = set()
    for index, wanted in enumerate(items):
        item = menu.get(wanted.item_id)
        if item is None:
            yield Fault(f"/items/{index}/item_id", "unknown_item")
        elif not item.may_be_ordered(at):
            yield Fault(f"/items/{index}/item_id", "item_unavailable")
        if wanted.item_id in seen:
            yield Fault(f"/items/{index}/item_id", "item_repeated")
        seen.add(wanted.item_id)
        if not 1 <= wanted.quantity <= MAX_QUANTITY:
            yield Fault(f"/items/{index}/quantity", "bad_quantity", {"most": MAX_QUANTITY})


def _lines(items: list[Wanted], menu: Mapping[UUID, MenuItem]) -> tuple[Line, ...]:
    return tuple(
        Line(item_id=item.id, name=item.name, quantity=wanted.quantity, price_minor=item.price_minor)
        for wanted in items
        for item in [menu[wanted.item_id]]
    )


def _delivery_fee_minor(
    contact: Contact, offering: Offering, window: Window | None, at: datetime, rules: DoorRules
) -> tuple[int | None, list[Fault]]:
    """What bringing it there costs; None, with the fault, when nobody brings it there, or not then."""
    merchant = offering.merchant
    if not offering.areas:
        away_m = distance_m(merchant.lat, merchant.lng, contact.lat, contact.lng)
        if away_m <= rules.delivery_radius_m:
            return merchant.delivery_fee_minor, []
        return None, [Fault("/contact/address", "outside_delivery_area")]
    reaching = [area for area in offering.areas if area.area.contains(contact.lat, contact.lng)]
    if not reaching:
        return None, [Fault("/contact/address", "outside_delivery_area")]
    fees_minor = [
        merchant.delivery_fee_minor if area.delivery_fee_minor is None else area.delivery_fee_minor
        for area in reaching
        if _serves(area, merchant, window, at)
    ]
    if not fees_minor:
        return None, [Fault("/contact/address", "delivery_area_closed")]
    return min(fees_minor), []


def _serves(area: DeliveryArea, merchant: Merchant, window: Window | None, at: datetime) -> bool:
    if window is None:
        return open_at(area.hours, merchant.zone, at)
    return open_during(area.hours, merchant.zone, window.begins, window.ends)


def _sum_faults(
    asked: PlaceOrder, merchant: Merchant, items_minor: int, fee_minor: int | None
) -> Iterable[Fault]:
    if items_minor < merchant.minimum_order_minor:
        yield Fault(
            "/items",
            "below_minimum",
            {"minimum_minor": merchant.minimum_order_minor, "currency": merchant.currency},
        )
    if fee_minor is None:
        return
    if asked.delivery_fee_minor not in (None, fee_minor):
        yield Fault("/delivery_fee_minor", "wrong_delivery_fee", {"delivery_fee_minor": fee_minor})
    if asked.total_minor not in (None, items_minor + fee_minor):
        yield Fault("/total_minor", "wrong_total", {"total_minor": items_minor + fee_minor})
