"""Webhook endpoints: a merchant's below its own path, the platform's below /api/v1/webhooks; the same in both."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.accounts.viewer import Viewer
from server.errors import TrackingError
from server.http.operations import Query, operation
from server.http.parts import HttpParts
from server.http.requests import answer, body_of, query_choice, query_id, query_limit, viewer_of
from server.notify.addresses import BadWebhookUrl
from server.notify.model import (
    DeliveriesAnswer,
    DeliveryAnswer,
    DeliveryWithAttempts,
    EndpointAnswer,
    EndpointChange,
    EndpointsAnswer,
    NewEndpoint,
    ReplayedAnswer,
    ReplaySince,
    SecretAnswer,
    State,
    TooManyWebhooks,
    UnknownWebhookType,
    WebhookNotFound,
    WebhookOff,
)
from server.notify.service import BeingSent
from server.orders.merchants import MerchantNotFound

PAGE = 50
_MERCHANT = "/api/v1/merchants/{merchant_id:uuid}/webhooks"
_PLATFORM = "/api/v1/webhooks"
_ONE = "/{webhook_id:uuid}"
_DELIVERY = _ONE + "/deliveries/{delivery_id:uuid}"


class Webhooks:
    """Everything a merchant's people and programs, and administrators, do about webhooks."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts
        self._service = parts.webhooks

    def routes(self) -> list[Route]:
        return [*self._below(_MERCHANT, "a merchant's"), *self._below(_PLATFORM, "the platform's")]

    def _below(self, base: str, whose: str) -> list[Route]:
        def route(
            method: str,
            path: str,
            handler: Any,
            summary: str,
            errors: Sequence[type[TrackingError]] = (WebhookNotFound,),
            **described: Any,
        ) -> Route:
            return operation(
                method, base + path, handler, summary, errors=errors, tag="webhooks", **described
            )

        query = (
            Query("state", State, "only those: waiting, delivered or failed"),
            Query("before", UUID, "only those older than this delivery"),
            Query("limit", int, f"how many, 200 at most; {PAGE} if not said"),
        )
        refused = (BadWebhookUrl, UnknownWebhookType)
        unknown_merchant = (MerchantNotFound,) if base is _MERCHANT else ()
        return [
            route("GET", "", self.all, f"List {whose} webhook endpoints", (), answer=EndpointsAnswer),
            route("POST", "", self.add, f"Add to {whose} webhook endpoints; the answer shows the secret, once",
                  (*refused, TooManyWebhooks, *unknown_merchant), body=NewEndpoint, answer=SecretAnswer, status=201),
            route("GET", _ONE, self.one, f"Look at one of {whose} webhook endpoints", answer=EndpointAnswer),
            route("PATCH", _ONE, self.change, f"Change one of {whose} webhook endpoints, or switch it on or off",
                  (*refused, WebhookNotFound), body=EndpointChange, answer=EndpointAnswer),
            route("DELETE", _ONE, self.remove, f"Forget one of {whose} webhook endpoints", status=204),
            route("POST", _ONE + "/secret", self.rotate, "Change the secret; for 24 h the one before signs, too",
                  answer=SecretAnswer),
            route("POST", _ONE + "/test", self.test, "Send a webhook.test", (WebhookNotFound, WebhookOff),
                  answer=DeliveryAnswer, status=201),
            route("POST", _ONE + "/replay", self.replay_failed, "Send all again that failed since a moment",
                  (WebhookNotFound, WebhookOff), body=ReplaySince, answer=ReplayedAnswer),
            route("GET", _ONE + "/deliveries", self.deliveries, "List what was sent, the newest first",
                  answer=DeliveriesAnswer, query=query),
            route("GET", _DELIVERY, self.delivery, "Look at one delivery, its body and its attempts",
                  answer=DeliveryWithAttempts),
            route("POST", _DELIVERY + "/replay", self.replay, "Send one delivery again, under the same webhook-id",
                  (WebhookNotFound, WebhookOff, BeingSent), answer=DeliveryAnswer),
        ]  # fmt: skip

    async def all(self, request: Request) -> Response:
        """All of them, on or off, and every type of webhook there is."""
        viewer, merchant_id = self._who(request)
        return answer(await self._service.all(viewer, merchant_id))

    async def add(self, request: Request) -> Response:
        """It hears of what happens from now on.  The secret cannot be shown again, only changed."""
        viewer, merchant_id = self._who(request)
        body = await body_of(request, NewEndpoint)
        return answer(await self._service.add(viewer, merchant_id, body), 201)

    async def one(self, request: Request) -> Response:
        """Whether it is on, why not, since when it fails."""
        viewer, merchant_id = self._who(request)
        return answer(await self._service.one(viewer, merchant_id, _webhook(request)))

    async def change(self, request: Request) -> Response:
        """What is not named stays.  Switched off, all that waits has failed; switched on, it may be replayed."""
        viewer, merchant_id = self._who(request)
        body = await body_of(request, EndpointChange)
        return answer(await self._service.change(viewer, merchant_id, _webhook(request), body))

    async def remove(self, request: Request) -> Response:
        """It goes with all that was sent to it."""
        viewer, merchant_id = self._who(request)
        await self._service.remove(viewer, merchant_id, _webhook(request))
        return Response(status_code=204)

    async def rotate(self, request: Request) -> Response:
        """A new secret, shown this once; every message carries a signature by each of the two for a day."""
        viewer, merchant_id = self._who(request)
        return answer(await self._service.rotate(viewer, merchant_id, _webhook(request)))

    async def test(self, request: Request) -> Response:
        """What comes of it stands in the deliveries a moment later."""
        viewer, merchant_id = self._who(request)
        return answer(await self._service.test(viewer, merchant_id, _webhook(request)), 201)

    async def replay_failed(self, request: Request) -> Response:
        """Those made at that moment or later, as far as they are kept."""
        viewer, merchant_id = self._who(request)
        body = await body_of(request, ReplaySince)
        return answer(await self._service.replay_failed(viewer, merchant_id, _webhook(request), body.since))

    async def deliveries(self, request: Request) -> Response:
        """What was sent, what waits to be tried again, what failed."""
        viewer, merchant_id = self._who(request)
        found = await self._service.deliveries(
            viewer,
            merchant_id,
            _webhook(request),
            state=query_choice(request, "state", State),
            before=query_id(request, "before"),
            limit=query_limit(request, default=PAGE),
        )
        return answer(found)

    async def delivery(self, request: Request) -> Response:
        """The body is what is signed, to the byte; of each answer the beginning is kept."""
        viewer, merchant_id = self._who(request)
        delivery_id = request.path_params["delivery_id"]
        return answer(await self._service.delivery(viewer, merchant_id, _webhook(request), delivery_id))

    async def replay(self, request: Request) -> Response:
        """Also one that was delivered: receivers lose things, too."""
        viewer, merchant_id = self._who(request)
        delivery_id = request.path_params["delivery_id"]
        return answer(await self._service.replay(viewer, merchant_id, _webhook(request), delivery_id))

    def _who(self, request: Request) -> tuple[Viewer, UUID | None]:
        """Who asks, and whose endpoints it is about; None: the platform's."""
        return viewer_of(request, self._parts.tokens), request.path_params.get("merchant_id")


def _webhook(request: Request) -> UUID:
    webhook_id: UUID = request.path_params["webhook_id"]
    return webhook_id
