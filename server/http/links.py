"""Tracking links of an order: for the neighbour who takes it in, for whoever it was ordered for."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.accounts.permissions import OrderNotFound
from server.http.answers import Answer, Moment
from server.http.operations import operation
from server.http.parts import HttpParts
from server.http.requests import answer, viewer_of
from server.http.sessions import answer_nothing
from server.orders.links import PATH, LinkNotFound, LinksOver, TooManyLinks


class LinkAnswer(Answer):
    """A new link.  `url` is a path of this host; what follows its # is the token, which no browser sends anywhere by
    itself.  Both are told this once."""

    id: UUID
    url: str
    token: str
    expires_at: Moment


class LinkListed(Answer):
    """A link that is good."""

    id: UUID
    created_at: Moment
    expires_at: Moment


class LinkList(Answer):
    """An order's links that are good, the newest first."""

    links: list[LinkListed]


class Links:
    """`/api/v1/orders/{id}/links`."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        links = "/api/v1/orders/{order_id:uuid}/links"
        return [
            operation("POST", links, self.make, "Make a link by which somebody without account follows this order",
                      answer=LinkAnswer, status=201, errors=(OrderNotFound, TooManyLinks, LinksOver)),
            operation("GET", links, self.list, "The order's links", answer=LinkList, errors=(OrderNotFound,)),
            operation("DELETE", f"{links}/{{link_id:uuid}}", self.end, "End a link", status=204,
                      errors=(OrderNotFound, LinkNotFound)),
        ]  # fmt: skip

    async def make(self, request: Request) -> Response:
        """Its token is a bearer token of this order only: to see it (without names, phones, addresses), to confirm the
        receipt and to review.  It is good until a week after the order's end.
        """
        viewer = viewer_of(request, self._parts.tokens)
        link, token = await self._parts.links.make(viewer, request.path_params["order_id"])
        told = {"id": link.id, "url": f"{PATH}#{token}", "token": token, "expires_at": link.expires_at}
        return answer(told, 201)

    async def list(self, request: Request) -> Response:
        """Without their tokens."""
        viewer = viewer_of(request, self._parts.tokens)
        links = await self._parts.links.of_order(viewer, request.path_params["order_id"])
        listed = [
            {"id": link.id, "created_at": link.created_at, "expires_at": link.expires_at} for link in links
        ]
        return answer({"links": listed})

    async def end(self, request: Request) -> Response:
        """Whoever follows by it is closed within two seconds."""
        viewer = viewer_of(request, self._parts.tokens)
        await self._parts.links.end(viewer, request.path_params["order_id"], request.path_params["link_id"])
        return answer_nothing()
