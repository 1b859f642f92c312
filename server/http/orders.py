"""Orders, as all roles use them: who may see which is decided in dispatch/views.py, what may be said to one stands
as a table in dispatch/commands.py.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.accounts.audit import LOOKED_AT_CONTACT
from server.accounts.permissions import OrderNotFound
from server.accounts.personal import is_a_look
from server.accounts.viewer import Viewer
from server.dispatch.commands import COMMANDS, Command, Services
from server.dispatch.views import order_view, orders_view
from server.http.answers import Moment, OrderMoved, OrderSeen, OrdersPage
from server.http.command_words import SAID, Said
from server.http.operations import BEFORE, LIMIT, Handler, Operation, Query, operation
from server.http.parts import HttpParts
from server.http.requests import (
    answer,
    body_of,
    key_of,
    query_choice,
    query_choices,
    query_count,
    query_id,
    query_limit,
    query_moment_if_given,
    tagged,
    version_in_if_match,
    viewer_of,
)
from server.orders.codes import Codes
from server.orders.lifecycle import Status
from server.orders.store import OrderChanged, OrderFilter
from server.orders.views import Json
from server.storage.event_log import read_at

MAX_NUMBER = 10**12


class Flag(StrEnum):
    """A condition that is set or not."""

    TRUE = "true"
    FALSE = "false"


FILTERS = (
    Query("status", list[Status], "In one of these statuses"),
    Query("number", Annotated[int, Meta(ge=1, le=MAX_NUMBER)], "The number that people read to each other"),
    Query("customer_id", UUID, "Placed by this customer"),
    Query("merchant_id", UUID, "Made by this merchant"),
    Query("courier_id", UUID, "Given to this courier, now or earlier"),
    Query("placed_after", Moment, "Placed at this moment or later"),
    Query("placed_before", Moment, "Placed earlier than this moment"),
)
# A desk that shows an order looks at its contact on purpose only, since each look is written down.
CONTACT = Query("contact", Flag, "false: without `contact` and `dropoff`, which then are not looked at")


class Orders:
    """`/api/v1/orders`, as all who may see orders use it."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts
        self._codes = Codes(parts.settings.secret)

    def routes(self) -> list[Route]:
        one = "/api/v1/orders/{order_id:uuid}"
        return [
            operation(
                "GET",
                "/api/v1/orders",
                self.list,
                "The orders you may see, newest first",
                answer=OrdersPage,
                query=(*FILTERS, CONTACT, LIMIT, BEFORE),
            ),
            operation(
                "GET",
                one,
                self.one,
                "One order",
                answer=OrderSeen,
                query=(CONTACT,),
                etag=True,
                errors=(OrderNotFound,),
            ),
            *(self._command(f"{one}/{path_word(name)}", name, command) for name, command in COMMANDS.items()),
        ]

    async def list(self, request: Request) -> Response:
        """Your own, or all if your role sees all; a courier's own is the one he carries now.

        `next_before` is the `before` of the next page, null when this is the last.
        """
        viewer = viewer_of(request, self._parts.tokens)
        limit = query_limit(request, default=50)
        asked, before = _filter(request), query_id(request, "before")
        look = query_choice(request, "contact", Flag) is not Flag.FALSE
        async with read_at(self._parts.storage.pool) as (connection, _):
            orders = await orders_view(
                connection, viewer, asked=asked, before=before, limit=limit, with_contact=look
            )
        await self._look(viewer, orders)
        return answer({"orders": orders, "next_before": orders[-1]["id"] if len(orders) == limit else None})

    async def one(self, request: Request) -> Response:
        """With its merchant, its assignment and, for those who serve it, its contact.

        The ETag names the version; send it as If-None-Match to be told 304 while nothing has changed, and as If-Match
        with a command that shall only be carried out on the order as you saw it.
        """
        viewer = viewer_of(request, self._parts.tokens)
        look = query_choice(request, "contact", Flag) is not Flag.FALSE
        async with read_at(self._parts.storage.pool) as (connection, _):
            order = await order_view(
                connection, viewer, request.path_params["order_id"], self._codes, with_contact=look
            )
        await self._look(viewer, [order])
        return tagged(request, order, version=order["version"])

    async def _look(self, viewer: Viewer, orders: Sequence[Json]) -> None:
        """Before anybody else is shown where a customer lives, it is written down."""
        shown = [
            UUID(order["id"])
            for order in orders
            if order["dropoff"] is not None and is_a_look(viewer, UUID(order["customer_id"]))
        ]
        await self._parts.audit.looked(viewer, LOOKED_AT_CONTACT, "order", shown)

    def _command(self, path: str, name: str, command: Command) -> Operation:
        said = SAID.get(name, Said(name.replace("_", " ").capitalize()))
        takes_version = "version" in command.body.__struct_fields__
        return operation(
            "POST",
            path,
            self._endpoint(command),
            said.summary,
            body=may_be_left_out(command.body),
            answer=OrderMoved,
            errors=(OrderNotFound, *said.errors),
            keyed=True,
            if_match=takes_version,
            tag="commands",
            details=said.details or (command.body.__doc__ or ""),
        )

    def _endpoint(self, command: Command) -> Handler:
        services = Services(self._parts.orders, self._parts.dispatch, self._parts.tickets)

        async def endpoint(request: Request) -> Response:
            viewer = viewer_of(request, self._parts.tokens)
            said = await body_of(request, command.body)
            seen = version_in_if_match(request) if "version" in command.body.__struct_fields__ else None
            if seen is not None:
                said = msgspec.structs.replace(said, version=seen)
            order_id = request.path_params["order_id"]
            try:
                return answer(await command.act(services, viewer, order_id, said, key_of(request)))
            except OrderChanged as error:
                if seen is not None:
                    error.http_status = 412  # as RFC 9110 has it; without If-Match it is a conflict
                raise

        return endpoint


def _filter(request: Request) -> OrderFilter:
    return OrderFilter(
        statuses=query_choices(request, "status", Status),
        number=query_count(request, "number", most=MAX_NUMBER),
        customer_id=query_id(request, "customer_id"),
        merchant_id=query_id(request, "merchant_id"),
        courier_id=query_id(request, "courier_id"),
        placed_after=query_moment_if_given(request, "placed_after"),
        placed_before=query_moment_if_given(request, "placed_before"),
    )


def may_be_left_out(form: type[msgspec.Struct]) -> Any:
    """The form of a command's body; an empty one need not be sent."""
    try:
        msgspec.convert({}, form)
    except msgspec.ValidationError:
        return form
    return form | None


def path_word(name: str) -> str:
    """A command's name as it stands in a path: `pick-up`."""
    return name.replace("_", "-")
