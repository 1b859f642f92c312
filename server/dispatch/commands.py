"""What people say to an order, as one table: REST and the socket read from it.

Here is only the form of what is said.  Who may say it, and what follows, is decided in the services.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from server.accounts.viewer import Viewer
from server.dispatch.legs import Act
from server.dispatch.reports import ProofGiven
from server.dispatch.service import DispatchService
from server.orders.codes import Waiver
from server.orders.kitchen import KitchenEvent
from server.orders.service import OrderService
from server.orders.ticket_kinds import Kind
from server.orders.ticket_service import TicketService
from server.orders.trouble import Grievance
from server.orders.views import Json


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The version of the order that was seen."""

    version: int | None = None


class Accept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the kitchen needs, and the version of the order that was seen."""

    preparation_s: int
    version: int | None = None


class Postpone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the kitchen needs from now on, why, and the version of the order that was seen."""

    preparation_s: int
    reason: str
    version: int | None = None


class Reasoned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, and the version of the order that was seen."""

    reason: str
    version: int | None = None


class Disputed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wrong: a reason of the catalogue, its kind where that does not say it, words and pictures."""

    reason: str
    kind: Kind | None = None
    note: str = ""
    evidence: list[UUID] = []
    version: int | None = None


class Override(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the courier may go on without, and why; and the version of the order that was seen."""

    what: Waiver
    reason: str
    version: int | None = None


class Assign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To whom, and the version of the order that was seen."""

    courier_id: UUID
    version: int | None = None


Moment = Annotated[datetime, Meta(tz=True)]


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When it happened, by the phone: a report may have waited for the network."""

    occurred_at: Moment | None = None


class Declined(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, and when, by the phone."""

    reason: str
    occurred_at: Moment | None = None


class PickedUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code that the merchant told, where it is asked for; and when, by the phone."""

    code: str | None = None
    occurred_at: Moment | None = None


class Delivered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How it is proved, where that is asked for; and when, by the phone."""

    proof: ProofGiven | None = None
    occurred_at: Moment | None = None


class Failed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why: a reason of the catalogue, words and pictures; and when, by the phone."""

    reason: str
    note: str = ""
    evidence: list[UUID] = []
    occurred_at: Moment | None = None


@dataclass(frozen=True, slots=True)
class Services:
    """Those who carry the commands out."""

    orders: OrderService
    dispatch: DispatchService
    tickets: TicketService


# (services, who says it, the order, what is said, the idempotency key) -> what is answered once it is committed
Doing = Callable[[Services, Viewer, UUID, Any, str | None], Awaitable[Json]]


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that can be said: `body` is its form, `act` carries it out."""

    body: type[msgspec.Struct]
    act: Doing


def _step(act: Act) -> Command:
    """A report of a step that needs nothing but its moment."""
    return Command(Report, lambda to, viewer, order_id, said, key: to.dispatch.reports.step(
        viewer, order_id, act, said.occurred_at, key=key))  # fmt: skip


def _cook(event: KitchenEvent) -> Command:
    """What the kitchen says of the food."""
    return Command(Seen, lambda to, viewer, order_id, said, key: to.orders.cook(
        viewer, order_id, event, version=said.version, key=key))  # fmt: skip


COMMANDS: dict[str, Command] = {
    # The merchant's
    "accept": Command(Accept, lambda to, viewer, order_id, said, key: to.orders.accept(
        viewer, order_id, said.preparation_s, version=said.version, key=key)),
    "reject": Command(Reasoned, lambda to, viewer, order_id, said, key: to.orders.reject(
        viewer, order_id, said.reason, version=said.version, key=key)),
    "postpone": Command(Postpone, lambda to, viewer, order_id, said, key: to.orders.postpone(
        viewer, order_id, said.preparation_s, said.reason, version=said.version, key=key)),
    "mark_ready": _cook(KitchenEvent.MARK_READY),
    "unmark_ready": _cook(KitchenEvent.UNMARK_READY),
    # The customer's, the merchant's and the staff's
    "cancel": Command(Reasoned, lambda to, viewer, order_id, said, key: to.orders.cancel(
        viewer, order_id, said.reason, version=said.version, key=key)),
    "undo": Command(Seen, lambda to, viewer, order_id, said, key: to.orders.undo(
        viewer, order_id, version=said.version, key=key)),
    # The customer's
    "confirm_receipt": Command(Seen, lambda to, viewer, order_id, said, key: to.orders.confirm_receipt(
        viewer, order_id, version=said.version, key=key)),
    "dispute": Command(Disputed, lambda to, viewer, order_id, said, key: to.orders.dispute(
        viewer, order_id,
        Grievance(reason=said.reason, kind=said.kind, note=said.note, evidence=tuple(said.evidence)),
        version=said.version, key=key)),
    # The dispatcher's, and customer service's
    "assign": Command(Assign, lambda to, viewer, order_id, said, key: to.dispatch.assign(
        viewer, order_id, said.courier_id, version=said.version, key=key)),
    "override": Command(Override, lambda to, viewer, order_id, said, key: to.orders.override(
        viewer, order_id, said.what, said.reason, version=said.version, key=key)),
    # The courier's
    "take": _step(Act.TAKE),
    "decline": Command(Declined, lambda to, viewer, order_id, said, key: to.dispatch.reports.decline(
        viewer, order_id, said.reason, said.occurred_at, key=key)),
    "confirm_pickup": _step(Act.CONFIRM_PICKUP),
    "set_off": _step(Act.SET_OFF),
    "arrive_at_pickup": _step(Act.ARRIVE_AT_PICKUP),
    "pick_up": Command(PickedUp, lambda to, viewer, order_id, said, key: to.dispatch.reports.pick_up(
        viewer, order_id, said.occurred_at, code=said.code, key=key)),
    "leave_pickup": _step(Act.LEAVE_PICKUP),
    "arrive_at_dropoff": _step(Act.ARRIVE_AT_DROPOFF),
    "deliver": Command(Delivered, lambda to, viewer, order_id, said, key: to.dispatch.reports.deliver(
        viewer, order_id, said.occurred_at, proof=said.proof, key=key)),
    "fail": Command(Failed, lambda to, viewer, order_id, said, key: to.dispatch.reports.fail(
        viewer, order_id, Grievance(reason=said.reason, note=said.note, evidence=tuple(said.evidence)),
        said.occurred_at, key=key)),
    "arrive_at_return": _step(Act.ARRIVE_AT_RETURN),
    "hand_back": _step(Act.HAND_BACK),
}  # fmt: skip
