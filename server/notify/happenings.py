"""What goes out: the one table from the event log's words to webhooks' types, and the message made of a row.  Pure.

Nobody's name, phone, address or position leaves by a webhook, whatever stands in an event: only the fields that
are named here do.  Words that people typed stay at home too, but for the merchant's own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from server.dispatch.legs import State
from server.orders.lifecycle import Status

TEST_TYPE = "webhook.test"


@dataclass(frozen=True, slots=True)
class Told:
    """One type of webhook: its name, what it means in English, which fields of the event it carries."""

    type: str
    meaning: str
    fields: tuple[str, ...] = ()


_ASSIGNMENT_FIELDS = ("courier_id", "leg")
_ASSIGNMENTS = {
    State.ASSIGNED: "An order was given to a courier",
    State.ACCEPTED: "The courier has taken it on",
    State.PICKUP_CONFIRMED: "He has read and confirmed what he is to fetch",
    State.EN_ROUTE_TO_PICKUP: "He is on the way to the merchant",
    State.ARRIVED_AT_PICKUP: "He stands at the merchant's door",
    State.PICKED_UP: "He has the bag",
    State.EN_ROUTE_TO_DROPOFF: "He is on the way to the customer",
    State.ARRIVED_AT_DROPOFF: "He stands at the customer's door",
    State.DELIVERED: "He has handed the bag over",
    State.EN_ROUTE_TO_RETURN: "He brings the bag back to the merchant",
    State.ARRIVED_AT_RETURN: "He is back at the merchant's door",
    State.RETURNED: "The merchant has the bag back",
    State.DECLINED: "The courier has declined it",
    State.LAPSED: "The courier did not answer in time",
    State.WITHDRAWN: "It was taken from him",
}
# A ticket is told as its notices tell it to the people of the order: how the case stands, not who said what.
_TICKET_FIELDS = ("kind", "state", "reason", "decision", "outcome")
_TICKETS = {
    "opened": "Something went wrong with the order, and we see to it",
    "acknowledged": "Somebody has it in hand",
    "decided": "Something was decided about it",
    "resolved": "It is settled",
    "dismissed": "There was nothing in it",
    "reopened": "It was not settled after all",
}
_REVIEW_FIELDS = ("merchant_stars", "delivery_stars")
# (entity, name) as the event log has them.
HAPPENINGS: dict[tuple[str, str], Told] = {
    ("order", "placed"): Told(
        "order.placed",
        "An order waits for the merchant's answer",
        ("total_minor", "currency", "payment_method", "accept_by"),
    ),
    # A merchant hears of a scheduled order when its time has come: to its program it is a new one like any other.
    ("order", "released"): Told("order.placed", "… as does a scheduled one, when it is time", ("accept_by",)),
    ("order", "accepted"): Told(
        "order.accepted", "The merchant has accepted", ("preparation_s", "promised_at")
    ),
    ("order", "postponed"): Told(
        "order.postponed", "The kitchen needs longer", ("preparation_s", "promised_at")
    ),
    ("order", "re_promised"): Told(
        "order.re_promised", "The customer was promised another time", ("promised_at",)
    ),
    ("order", "ready_late"): Told("order.ready_late", "The food should have been ready by now"),
    ("order", "promise_broken"): Told(
        "order.promise_broken", "What was promised to the customer was not kept"
    ),
    ("order", "rejected"): Told("order.rejected", "The merchant has declined", ("reason",)),
    ("order", "expired"): Told("order.expired", "The merchant did not answer in time"),
    ("order", "cancelled"): Told("order.cancelled", "It was called off"),
    ("order", "undone"): Told("order.undone", "A decline or cancellation was taken back: it waits again"),
    ("order", "undone_early"): Told(
        "order.undone", "The cancellation of a scheduled order was taken back: it is scheduled again"
    ),
    ("order", "ready"): Told("order.ready", "The food is ready to be fetched", ("ready_at",)),
    ("order", "not_ready"): Told("order.not_ready", "The food is not ready after all"),
    ("order", "picked_up"): Told("order.picked_up", "The courier has left with the food", ("picked_up_at",)),
    ("order", "delivered"): Told("order.delivered", "The customer has the food", ("delivered_at",)),
    ("order", "failed"): Told(
        "order.delivery_exception", "The delivery has failed; people decide what happens next"
    ),
    ("order", "disputed"): Told("order.delivery_exception", "The customer disputes the delivery"),
    ("order", "redelivering"): Told("order.redelivering", "The courier tries again"),
    ("order", "remade"): Told("order.remade", "The kitchen is to make it again"),
    ("order", "upheld"): Told("order.upheld", "The dispute is settled: the delivery was right"),
    ("order", "completed"): Told("order.completed", "Received and done"),
    ("order", "returned"): Told("order.returned", "The food is back with the merchant"),
    ("order", "settled"): Told("order.closed", "Settled without delivery"),
    ("order", "payment_changed"): Told(
        "order.payment_changed", "Its money has come, or goes back", ("payment_status",)
    ),
    ("refund", "confirmed"): Told(
        "refund.confirmed",
        "A refund has reached the customer; for the platform's own endpoints",
        ("amount_minor", "currency", "method", "reason"),
    ),
    **{
        ("assignment", state.value): Told(f"assignment.{state.value}", meaning, _ASSIGNMENT_FIELDS)
        for state, meaning in _ASSIGNMENTS.items()
    },
    **{
        ("ticket_notice", name): Told(f"ticket.{name}", meaning, _TICKET_FIELDS)
        for name, meaning in _TICKETS.items()
    },
    ("review", "filed"): Told("review.filed", "The customer has reviewed the order", _REVIEW_FIELDS),
    ("review", "edited"): Told("review.edited", "The customer has changed the review", _REVIEW_FIELDS),
}
TYPES = tuple(dict.fromkeys(told.type for told in HAPPENINGS.values()))
# For the query that reads the log.
WORDS = tuple(f"{entity}.{name}" for entity, name in HAPPENINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """A row of the event log, as far as a message needs it."""

    entity: str
    entity_id: UUID
    version: int
    name: str
    topics: tuple[str, ...]
    fields: Mapping[str, Any]
    occurred_at: datetime

    @property
    def told(self) -> Told:
        """Its line in the table."""
        return HAPPENINGS[self.entity, self.name]

    @property
    def order_id(self) -> UUID | None:
        """The order it is about."""
        if self.entity == "order":
            return self.entity_id
        return _id(self.fields.get("order_id"))

    @property
    def merchant_id(self) -> UUID | None:
        """Whose endpoints hear of it, as its people would by socket; None: only the platform's own."""
        prefix = "merchant:"
        return _id(next((topic[len(prefix) :] for topic in self.topics if topic.startswith(prefix)), None))


class OrderFacts(Protocol):
    """What the record says of an event's order; the event may lie behind it."""

    @property
    def number(self) -> int:
        """What people read to each other."""

    @property
    def status(self) -> Status:
        """Where it is by now."""

    @property
    def merchant_id(self) -> UUID:
        """Whose it is."""


def message(happened: Happened, order: OrderFacts | None) -> str:
    """The body that is sent: type, timestamp, data, as Standard Webhooks recommends."""
    told, fields = happened.told, happened.fields
    merchant_id = happened.merchant_id or (order.merchant_id if order else None)
    data = {
        "entity": happened.entity,
        "entity_id": happened.entity_id,
        "version": happened.version,
        "order_id": happened.order_id,
        "number": order.number if order else None,
        "status": _status(happened, order),
        "merchant_id": merchant_id,
        "by": fields.get("by"),
        **{name: fields[name] for name in told.fields if name in fields},
    }
    return body_of(told.type, happened.occurred_at, data)


def body_of(type_: str, moment: datetime, data: Mapping[str, Any]) -> str:
    """A message's text; what stands in it is signed, so it is made once and kept."""
    timestamp = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    whole = {"type": type_, "timestamp": timestamp, "data": data}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"), default=str)


def _status(happened: Happened, order: OrderFacts | None) -> str | None:
    if happened.entity == "order" and "status" in happened.fields:
        return str(happened.fields["status"])
    return order.status.value if order else None


def _id(text: object) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None


def table() -> str:
    """The table of docs/webhooks.md, printed by `python -m server.notify.happenings`."""
    lines = ["| type | sent when | beside the usual in `data` |", "|---|---|---|"]
    for told in HAPPENINGS.values():
        extra = ", ".join(f"`{name}`" for name in told.fields)
        lines.append(f"| `{told.type}` | {told.meaning} | {extra} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
