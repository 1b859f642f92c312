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
from server.dispatch.service import DispatchService
from server.orders.service import OrderService
from server.orders.views import Json


class Accept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the kitchen needs, and the version of the order that was seen."""

    preparation_s: int
    version: int | None = None


class Reasoned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, and the version of the order that was seen."""

    reason: str
    version: int | None = None


class Assign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To whom, and the version of the order that was seen."""

    courier_id: UUID
    version: int | None = None


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When it happened, by the phone: a report may have waited for the network."""

    occurred_at: Annotated[datetime, Meta(tz=True)] | None = None


@dataclass(frozen=True, slots=True)
class Services:
    """Those who carry the commands out."""

    orders: OrderService
    dispatch: DispatchService


# (services, who says it, the order, what is said, the idempotency key) -> what is answered once it is committed
Act = Callable[[Services, Viewer, UUID, Any, str | None], Awaitable[Json]]


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that can be said: `body` is its form, `act` carries it out."""

    body: type[msgspec.Struct]
    act: Act


COMMANDS: dict[str, Command] = {
    # The merchant's
    "accept": Command(Accept, lambda to, viewer, order_id, said, key: to.orders.accept(
        viewer, order_id, said.preparation_s, version=said.version, key=key)),
    "reject": Command(Reasoned, lambda to, viewer, order_id, said, key: to.orders.reject(
        viewer, order_id, said.reason, version=said.version, key=key)),
    # The customer's, and the staff's
    "cancel": Command(Reasoned, lambda to, viewer, order_id, said, key: to.orders.cancel(
        viewer, order_id, said.reason, version=said.version, key=key)),
    # The dispatcher's
    "assign": Command(Assign, lambda to, viewer, order_id, said, key: to.dispatch.assign(
        viewer, order_id, said.courier_id, version=said.version, key=key)),
    # The courier's
    "pick_up": Command(Report, lambda to, viewer, order_id, said, key: to.dispatch.pick_up(
        viewer, order_id, said.occurred_at, key=key)),
    "deliver": Command(Report, lambda to, viewer, order_id, said, key: to.dispatch.deliver(
        viewer, order_id, said.occurred_at, key=key)),
}  # fmt: skip
