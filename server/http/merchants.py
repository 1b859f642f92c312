"""What merchants do with the orders they get: accept or reject them."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.parts import HttpParts
from server.http.requests import answer, body_of, key_of, viewer_of


class Accepting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the kitchen needs, and the version of the order that was seen."""

    preparation_s: int
    version: int | None = None


class Rejecting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, and the version of the order that was seen."""

    reason: str
    version: int | None = None


class Merchants:
    """`accept` and `reject` of an order."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        return [
            Route("/api/v1/orders/{order_id:uuid}/accept", self.accept, methods=["POST"]),
            Route("/api/v1/orders/{order_id:uuid}/reject", self.reject, methods=["POST"]),
        ]

    async def accept(self, request: Request) -> Response:
        """Take the order on."""
        viewer = viewer_of(request, self._parts.tokens)
        body = await body_of(request, Accepting)
        return answer(
            await self._parts.orders.accept(
                viewer,
                request.path_params["order_id"],
                body.preparation_s,
                version=body.version,
                key=key_of(request),
            )
        )

    async def reject(self, request: Request) -> Response:
        """Turn the order down."""
        viewer = viewer_of(request, self._parts.tokens)
        body = await body_of(request, Rejecting)
        return answer(
            await self._parts.orders.reject(
                viewer,
                request.path_params["order_id"],
                body.reason,
                version=body.version,
                key=key_of(request),
            )
        )
