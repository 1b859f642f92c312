"""What couriers report of the order they carry.  Their fixes come by socket, or by server/http/phones.py."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.parts import HttpParts
from server.http.requests import answer, body_of, key_of, viewer_of


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When it happened, by the phone: a report may have waited for the network."""

    occurred_at: Annotated[datetime, Meta(tz=True)] | None = None


class Couriers:
    """`pick-up` and `deliver` of an order."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        return [
            Route("/api/v1/orders/{order_id:uuid}/pick-up", self.pick_up, methods=["POST"]),
            Route("/api/v1/orders/{order_id:uuid}/deliver", self.deliver, methods=["POST"]),
        ]

    async def pick_up(self, request: Request) -> Response:
        """The bag is fetched."""
        viewer = viewer_of(request, self._parts.tokens)
        body = await body_of(request, Report)
        return answer(
            await self._parts.dispatch.pick_up(
                viewer, request.path_params["order_id"], body.occurred_at, key=key_of(request)
            )
        )

    async def deliver(self, request: Request) -> Response:
        """The bag is handed over."""
        viewer = viewer_of(request, self._parts.tokens)
        body = await body_of(request, Report)
        return answer(
            await self._parts.dispatch.deliver(
                viewer, request.path_params["order_id"], body.occurred_at, key=key_of(request)
            )
        )
