"""What is said of a merchant, new or changed, and whether it can be.  Pure."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

import msgspec
from msgspec import UNSET, Meta, UnsetType

from server.errors import BadInput, Refused
from server.faults import Fault, as_errors
from server.orders.currencies import is_currency
from server.orders.hours import Hours, Span

# A lunch for a million, in cents: anything above is a slip of the hand.
MAX_PRICE_MINOR = 100_000_000
MAX_ITEMS = 500
_DAY = date(2026, 1, 1)

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Address = Annotated[str, Meta(min_length=1, max_length=400)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Minor = Annotated[int, Meta(ge=0, le=MAX_PRICE_MINOR)]
Preparation = Annotated[int, Meta(ge=0, le=4 * 3600)]
Zone = Annotated[str, Meta(max_length=60, examples=["Europe/Helsinki"])]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["EUR"])]
Version = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Moment = Annotated[datetime, Meta(tz=True)]


class BadMerchant(BadInput):
    """That cannot be said of a merchant; `errors` says which fields and why."""

    code = "bad_merchant"

    def __init__(self, faults: Iterable[Fault]) -> None:
        super().__init__(errors=as_errors(faults))


class CurrencyFixed(Refused):
    """A merchant's currency is fixed by its first order."""

    code = "currency_fixed"


class TooManyItems(Refused):
    """A menu has at most 500 items."""

    code = "too_many_items"


class NewItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item of a new menu."""

    name: Name
    price_minor: Minor
    available: bool = True


class ChangedItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What changes of an item.  `sold_out_today` takes it off until the kitchen opens on the next day."""

    name: Name | UnsetType = UNSET
    price_minor: Minor | UnsetType = UNSET
    available: bool | UnsetType = UNSET
    sold_out_today: bool | UnsetType = UNSET


class NewMerchant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an administrator says of a new merchant."""

    name: Name
    address: Address
    lat: Latitude
    lng: Longitude
    menu: Annotated[list[NewItem], Meta(max_length=MAX_ITEMS)]
    preparation_s: Preparation = 600
    time_zone: Zone = "Europe/Helsinki"
    hours: Hours | None = None
    currency: Currency = "EUR"
    delivery_fee_minor: Minor = 0
    minimum_order_minor: Minor = 0
    cash_on_delivery: bool = True
    pickup_code_required: bool = True
    dropoff_proof_required: bool = True


class ChangedMerchant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What changes of a merchant; `version` is the one that was seen."""

    # Who it is and where couriers go is for the platform's people to check.
    name: Name | UnsetType = UNSET
    address: Address | UnsetType = UNSET
    lat: Latitude | UnsetType = UNSET
    lng: Longitude | UnsetType = UNSET
    # What its own people decide.
    open: bool | UnsetType = UNSET
    paused_until: Moment | UnsetType | None = UNSET
    hours: Hours | UnsetType | None = UNSET
    time_zone: Zone | UnsetType = UNSET
    preparation_s: Preparation | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    delivery_fee_minor: Minor | UnsetType = UNSET
    minimum_order_minor: Minor | UnsetType = UNSET
    cash_on_delivery: bool | UnsetType = UNSET
    pickup_code_required: bool | UnsetType = UNSET
    dropoff_proof_required: bool | UnsetType = UNSET
    version: Version | None = None


PLATFORM_S = frozenset({"name", "address", "lat", "lng"})


def changes_in(changed: msgspec.Struct) -> dict[str, Any]:
    """The fields that somebody named, but the version seen."""
    named = {name: getattr(changed, name) for name in changed.__struct_fields__ if name != "version"}
    return {name: value for name, value in named.items() if value is not UNSET}


def check_facts(facts: Mapping[str, Any]) -> None:
    """BadMerchant unless these facts can be said of a merchant; those that are not there are as they were."""
    faults = [*hours_faults(facts.get("hours"), "/hours")]
    if facts.get("time_zone", "UTC") not in _zones():
        faults.append(Fault("/time_zone", "unknown_time_zone"))
    if not is_currency(facts.get("currency", "EUR")):
        faults.append(Fault("/currency", "unknown_currency"))
    if faults:
        raise BadMerchant(faults)


def hours_faults(hours: Hours | None, base: str) -> Iterable[Fault]:
    """What is wrong with opening hours; `base` points at them in the request."""
    if hours is None:
        return
    days = {f"weekly/{day}": spans for day, spans in hours.weekly.items()}
    days |= {f"exceptions/{day.isoformat()}": spans for day, spans in hours.exceptions.items()}
    for pointer, spans in days.items():
        if _overlap(spans):
            yield Fault(f"{base}/{pointer}", "spans_overlap")


def _overlap(spans: list[Span]) -> bool:
    """Whether two spans of one day share a minute."""
    walls = sorted((time.fromisoformat(span.opens), time.fromisoformat(span.closes)) for span in spans)
    ends = datetime.combine(_DAY, time(0))
    for opens, closes in walls:
        begins = datetime.combine(_DAY, opens)
        if begins < ends:
            return True
        ends = datetime.combine(_DAY, closes) + timedelta(days=int(closes <= opens))
    return False


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime", "Factory", "posixrules"}
