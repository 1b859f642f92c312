"""What several roles do with orders: look at them, and call them off.

Who may see which is decided in dispatch/views.py.
"""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.dispatch.views import order_view, orders_view
from server.http.parts import HttpParts
from server.http.requests import BadQuery, answer, body_of, key_of, query_id, query_limit, viewer_of
from server.orders.lifecycle import Status
from server.storage.event_log import read_at


class Cancelling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, and the version of the order that was seen."""

    reason: str
    version: int | None = None


class Orders:
    """`/api/v1/orders`, as all who may see orders use it."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        return [
            Route("/api/v1/orders", self.list, methods=["GET"]),
            Route("/api/v1/orders/{order_id:uuid}", self.one, methods=["GET"]),
            Route("/api/v1/orders/{order_id:uuid}/cancel", self.cancel, methods=["POST"]),
        ]

    async def list(self, request: Request) -> Response:
        """The viewer's orders, newest first; `next_before` is the `before` of the next page, if there may be one."""
        viewer = viewer_of(request, self._parts.tokens)
        limit = query_limit(request, default=50)
        status, before = _status(request), query_id(request, "before")
        async with read_at(self._parts.storage.pool) as (connection, _):
            orders = await orders_view(connection, viewer, status=status, before=before, limit=limit)
        return answer({"orders": orders, "next_before": orders[-1]["id"] if len(orders) == limit else None})

    async def one(self, request: Request) -> Response:
        """One order with its merchant, its assignment and, for those who serve it, its contact."""
        viewer = viewer_of(request, self._parts.tokens)
        async with read_at(self._parts.storage.pool) as (connection, _):
            order = await order_view(connection, viewer, request.path_params["order_id"])
        return answer(order)

    async def cancel(self, request: Request) -> Response:
        """Call the order off."""
        viewer = viewer_of(request, self._parts.tokens)
        body = await body_of(request, Cancelling)
        return answer(
            await self._parts.orders.cancel(
                viewer,
                request.path_params["order_id"],
                body.reason,
                version=body.version,
                key=key_of(request),
            )
        )


def _status(request: Request) -> Status | None:
    text = request.query_params.get("status")
    try:
        return None if text is None else Status(text)
    except ValueError as error:
        raise BadQuery(f"status must be one of {', '.join(Status)}", parameter="status") from error
