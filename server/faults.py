"""Faults: what is wrong with one field of a request, as a word for programs and a sentence for people.  Pure.

Every fault's English sentence stands here, its Chinese one in http/words.py.  `{names}` in a sentence are the fault's
values, which also stand on the wire, so that a program need not read sentences.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

SENTENCES: dict[str, str] = {
    # Of any request.
    "missing": "This must not be left empty",
    # Whom an order is for.
    "bad_phone": "That is no phone number",
    "phone_has_letters": "A phone number has no letters",
    "phone_has_extension": "A courier cannot dial an extension: give a number that reaches you directly",
    "phone_too_short": "The phone number is too short",
    "phone_too_long": "The phone number is too long",
    "phone_needs_area_code": "The phone number lacks its area code",
    "phone_unknown_country": "The phone number begins with a country's code that does not exist",
    "phone_not_in_use": "No phone has this number: a digit may be wrong",
    "phone_unreachable": "A premium, pager or voicemail number cannot be called by a courier",
    "address_incomplete": "The address needs a street and a house number, or a note that tells the door",
    "out_of_range": "From {low} to {high}",
    "null_island": "0, 0 is a map that found nothing, not an address",
    "outside_delivery_area": "The merchant does not deliver there",
    "delivery_area_closed": "The merchant does not deliver there at that time",
    # Where and what.
    "unknown_merchant": "No merchant has this id",
    "merchant_closed": "The merchant is closed",
    "merchant_paused": "The merchant takes no orders until {until}",
    "bad_basket": "An order has 1 to {most} items",
    "unknown_item": "The menu has no such item",
    "item_unavailable": "The item is not available now",
    "item_repeated": "The item stands in the basket already",
    "bad_quantity": "From 1 to {most}",
    "below_minimum": "This merchant's orders begin at {minimum_minor}, in minor units of {currency}",
    "wrong_delivery_fee": "The delivery fee is {delivery_fee_minor} today",
    "wrong_total": "The total is {total_minor} today",
    # How it is paid.
    "cash_not_accepted": "This merchant takes no cash on delivery",
    "card_needs_checkout": "An order by card begins with POST /api/v1/checkouts",
    "card_not_accepted": "Cards are not taken here: pay cash on delivery",
    "nothing_to_pay": "There is nothing to pay: place the order for cash on delivery",
    "cash_needs_no_checkout": "An order for cash on delivery is placed with POST /api/v1/orders",
    # When.
    "bad_window": "A delivery window lasts from {least_minutes} minutes to {most_hours} hours",
    "window_too_soon": "A delivery window begins {lead_minutes} minutes from now at the earliest",
    "window_too_far": "A delivery window lies at most {most_days} days ahead",
    "merchant_closed_then": "The merchant is not open for the whole of that window",
    # What a merchant says of itself.
    "unknown_time_zone": "No time zone of the IANA database has this name",
    "unknown_currency": "No currency has this ISO 4217 code",
    "spans_overlap": "Two spans of one day overlap",
    "too_many_vertices": "The area has more than {most} corners",
    "too_few_corners": "A ring has at least three different corners",
    "latitude_out_of_range": "A latitude lies between -90 and 90: GeoJSON writes lng before lat",
    "too_wide": "The area is over {most_degrees} degrees wide; draw one across the 180th meridian as two polygons",
    "too_small": "The area is smaller than {least_m2} square metres",
    "too_large": "The area is larger than {most_km2} square kilometres",
    "not_a_polygon": "The area's outline crosses itself: {reason}",
    "area_far_away": "The area's nearest corner is more than {most_km} km from the merchant",
    # Where a webhook goes, and of what.
    "url_not_https": "It must begin with https://",
    "url_with_login": "It may not hold a user name or password; we sign what we send",
    "url_with_fragment": "It may not have a fragment (#…)",
    "url_private": "It must be an address of the open internet",
    "url_too_long": "It may have {most} characters at most",
    "url_bad_characters": "It may not hold spaces, backslashes or control characters",
    "url_not_ascii": "Beyond the host, other than ASCII must be percent-encoded",
    "url_unreadable": "That is no address",
    "no_such_type": "There is no webhook {type}",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where (a JSON pointer, RFC 6901), its word, and the values its sentence names."""

    pointer: str
    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def detail(self) -> str:
        """The sentence, in English."""
        return SENTENCES[self.code].format_map(self.values)

    def as_json(self) -> dict[str, Any]:
        """As it stands in a problem's `errors`."""
        told: dict[str, Any] = {"pointer": self.pointer, "code": self.code, "detail": self.detail}
        return {**told, "values": dict(self.values)} if self.values else told


def as_errors(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """The member `errors` of a problem."""
    return [fault.as_json() for fault in faults]
