"""How the answers of REST look, as types: for the description of the API, and for the tests that hold answers to it.

Nothing is encoded with these; what makes the JSON stands in the views.  Types that describe a record derive from it, so
that a new fact appears here by itself.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from server.accounts.roles import Role
from server.accounts.standing import Standing
from server.dispatch.legs import Leg, State
from server.geo.presence import Presence
from server.orders.merchants import MenuItem, Merchant
from server.orders.model import Order
from server.orders.placing import Contact

Moment = Annotated[datetime, Meta(tz=True)]


def derived(
    name: str,
    source: type,
    meaning: str,
    *,
    renamed: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> type[msgspec.Struct]:
    """What `msgspec.to_builtins` makes of the dataclass `source`, with `more` fields: all are always there."""
    hints = get_type_hints(source, include_extras=True)
    own = {(renamed or {}).get(one.name, one.name): _aware(hints[one.name]) for one in fields(source)}
    form = msgspec.defstruct(
        name,
        [_member(field, kind) for field, kind in {**own, **(more or {})}.items()],
        kw_only=True,
        forbid_unknown_fields=True,
        module=__name__,
    )
    form.__doc__ = meaning
    return form


def _member(field: str, kind: Any) -> Any:
    return (field, kind, UNSET) if UnsetType in get_args(kind) else (field, kind)


def _aware(kind: Any) -> Any:
    """`kind` with its moments in a time zone, as all of ours are."""
    if kind is datetime:
        return Moment
    if get_origin(kind) is not None and datetime in get_args(kind):
        return Union[tuple(_aware(one) for one in get_args(kind))]  # noqa: UP007 - made, not written
    return kind


class Answer(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An answer has exactly the members that its type names."""


class AssignmentAnswer(Answer):
    """Who carries an order, and on which leg he is."""

    id: UUID
    version: int
    state: State
    leg: Leg | None
    courier_id: UUID
    courier_name: str


class PickupAnswer(Answer):
    """Where the bag is fetched: the merchant, as an order's people see it."""

    id: UUID
    name: str
    address: str
    lat: float
    lng: float


class DropoffAnswer(Answer):
    """Where the bag is brought."""

    lat: float
    lng: float
    address: str


_LINES = {"lines": "items"}
_AROUND: dict[str, Any] = {
    "merchant": PickupAnswer,
    "assignment": AssignmentAnswer | None,
    "dropoff": DropoffAnswer | None,
}

OrderAnswer = derived(
    "OrderAnswer",
    Order,
    "An order at its version.  Sums are in minor units of `currency`.",
    renamed=_LINES,
)
OrderListed = derived(
    "OrderListed",
    Order,
    "An order in a list, with its merchant and its courier; `dropoff` only for those who may see it.",
    renamed=_LINES,
    more=_AROUND,
)
OrderSeen = derived(
    "OrderSeen",
    Order,
    "An order with all that stands around it; `contact` only for those who serve it, while they serve it."
    "  Its merchant is told the `pickup_code`, its customer the `dropoff_code`, as long as it is under way.",
    renamed=_LINES,
    more={
        **_AROUND,
        "contact": Contact | None,
        "pickup_code": str | None | UnsetType,
        "dropoff_code": str | None | UnsetType,
    },
)
OrderMoved = derived(
    "OrderMoved",
    Order,
    "The order after the command; with its assignment where the command moved that, too.",
    renamed=_LINES,
    more={"assignment": AssignmentAnswer | UnsetType},
)
_OPENING: dict[str, Any] = {"open_now": bool, "opens_at": Moment | None}
MerchantAnswer = derived(
    "MerchantAnswer",
    Merchant,
    "A merchant; `opens_at` is when it takes orders next, null where it does now, or where nobody knows.",
    more=_OPENING,
)
MenuItemAnswer = derived(
    "MenuItemAnswer",
    MenuItem,
    "An item of a menu; `orderable`: available, and not sold out at the moment.",
    more={"orderable": bool},
)
MerchantWithMenu = derived(
    "MerchantWithMenu",
    Merchant,
    "A merchant and all items of its menu, unavailable ones too.",
    more={**_OPENING, "menu": list[MenuItemAnswer]},  # type: ignore[valid-type]
)


class OrdersPage(Answer):
    """Orders, newest first; `next_before` is the `before` of the next page, null when there is none."""

    orders: list[OrderListed]  # type: ignore[valid-type]
    next_before: UUID | None


class MerchantsPage(Answer):
    """Merchants; `next_after` is the `after` of the next page, null when there is none."""

    merchants: list[MerchantAnswer]  # type: ignore[valid-type]
    next_after: UUID | None


class AccountAnswer(Answer):
    """An account."""

    id: UUID
    role: Role
    login: str
    display_name: str
    merchant_id: UUID | None
    status: Standing
    active: bool
    created_at: Moment


class CourierListed(Answer):
    """Who a courier is."""

    id: UUID
    display_name: str
    active: bool


class CourierList(Answer):
    """Couriers by id."""

    couriers: list[CourierListed]


class PositionAnswer(Answer):
    """Where a courier is by his newest fix, and whether he may be offered work."""

    lat: float
    lng: float
    bearing_deg: float | None
    fix_time: Moment
    presence: Presence
    available: bool


class CarriedAssignment(AssignmentAnswer):
    """An assignment, with the order it is for."""

    order_id: UUID


class CourierSeen(CourierListed):
    """One courier; `position` is null once he is gone, `assignment` while he carries nothing."""

    position: PositionAnswer | None
    assignment: CarriedAssignment | None


class NearCourier(Answer):
    """A courier near a place."""

    courier_id: UUID
    distance_m: float
    lat: float
    lng: float
    fix_time: Moment
    presence: Presence


class NearCouriers(Answer):
    """The free couriers nearest to a place, nearest first."""

    couriers: list[NearCourier]


class TrackFixAnswer(Answer):
    """A fix; moments in Unix milliseconds, as phones send them."""

    lat: float
    lng: float
    fix_time: int
    received_at: int
    accuracy_m: float | None
    bearing_deg: float | None
    speed_mps: float | None


class TrackAnswer(Answer):
    """Where a courier was, oldest fix first."""

    courier_id: UUID
    fixes: list[TrackFixAnswer]


class FieldFault(msgspec.Struct, kw_only=True):
    """What is wrong with one field: where (a JSON pointer, RFC 6901), its word, a sentence, the values it names."""

    pointer: str
    code: str
    detail: str
    values: dict[str, Any] | UnsetType = UNSET


class Problem(msgspec.Struct, kw_only=True):
    """What went wrong (RFC 9457).  Decide by `code`; `title` and `detail` are sentences for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str | UnsetType = UNSET
    errors: list[FieldFault] | UnsetType = UNSET
