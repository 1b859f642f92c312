"""Orders, as all roles use them: who may see which is decided in dispatch/views.py, what may be said to one stands
as a table in dispatch/commands.py.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.dispatch.commands import COMMANDS, Command, Services
from server.dispatch.views import order_view, orders_view
from server.http.parts import HttpParts
from server.http.requests import BadQuery, answer, body_of, key_of, query_id, query_limit, viewer_of
from server.orders.lifecycle import Status
from server.storage.event_log import read_at


class Orders:
    """`/api/v1/orders`, as all who may see orders use it."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        return [
            Route("/api/v1/orders", self.list, methods=["GET"]),
            Route("/api/v1/orders/{order_id:uuid}", self.one, methods=["GET"]),
            *(
                Route(
                    f"/api/v1/orders/{{order_id:uuid}}/{path_word(name)}",
                    self._endpoint(command),
                    methods=["POST"],
                )
                for name, command in COMMANDS.items()
            ),
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

    def _endpoint(self, command: Command) -> Callable[[Request], Awaitable[Response]]:
        services = Services(self._parts.orders, self._parts.dispatch)

        async def endpoint(request: Request) -> Response:
            viewer = viewer_of(request, self._parts.tokens)
            said = await body_of(request, command.body)
            order_id = request.path_params["order_id"]
            return answer(await command.act(services, viewer, order_id, said, key_of(request)))

        return endpoint


def _status(request: Request) -> Status | None:
    text = request.query_params.get("status")
    try:
        return None if text is None else Status(text)
    except ValueError as error:
        raise BadQuery(f"status must be one of {', '.join(Status)}", parameter="status") from error


def path_word(name: str) -> str:
    """A command's name as it stands in a path: `pick-up`."""
    return name.replace("_", "-")
