"""Reviews by customers, words on handovers by couriers, and reading both."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.operations import Query, operation
from server.http.parts import HttpParts
from server.http.requests import answer, body_of, key_of, query_id, query_limit, viewer_of
from server.orders.review_service import Reviewed
from server.orders.reviews import (
    HandoverWish,
    Hindrance,
    NothingReviewed,
    ReviewNotFound,
    ReviewTooEarly,
    ReviewTooLate,
    ReviewWish,
    Stars,
)


class ReviewAnswer(msgspec.Struct, frozen=True):
    """A customer's review."""

    order_id: UUID
    merchant_id: UUID
    courier_id: UUID | None
    merchant_stars: Stars | None
    courier_stars: Stars | None
    delivery_stars: Stars | None
    words: str
    version: int
    filed_at: str
    edited_at: str | None


class HandoverAnswer(msgspec.Struct, frozen=True):
    """A courier's word on an order's handovers."""

    order_id: UUID
    merchant_id: UUID
    courier_id: UUID
    pickup_stars: Stars | None
    dropoff_stars: Stars | None
    hindrances: list[Hindrance]
    words: str
    version: int
    filed_at: str
    edited_at: str | None


class Summary(msgspec.Struct, frozen=True):
    """How many, and the mean of each kind of stars."""

    reviews: Annotated[int, Meta(ge=0)]
    merchant_stars: float | None
    courier_stars: float | None
    delivery_stars: float | None


class ReviewList(msgspec.Struct, frozen=True):
    """Reviews of the newest orders first."""

    reviews: list[ReviewAnswer]
    summary: Summary
    next_before: UUID | None


class HandoverList(msgspec.Struct, frozen=True):
    """Couriers' words, of the newest orders first."""

    handovers: list[HandoverAnswer]
    next_before: UUID | None


_WHOSE = (
    Query("merchant_id", UUID, "of this merchant"),
    Query("courier_id", UUID, "of or by this courier"),
    Query("before", UUID, "of orders older than this one: the `next_before` of the page before"),
    Query("limit", int, "how many at most"),
)


class Reviews:
    """`/api/v1/orders/{id}/review` and `/handover`, `/api/v1/reviews` and `/handovers`."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        review = "/api/v1/orders/{order_id:uuid}/review"
        refusals = (ReviewTooEarly, ReviewTooLate, NothingReviewed)
        return [
            operation("PUT", review, self.review, "Review a completed order, or change the review within a day",
                      body=ReviewWish, answer=ReviewAnswer, tag="reviews", keyed=True, errors=refusals),
            operation("GET", review, self.of_order, "An order's review", answer=ReviewAnswer, tag="reviews",
                      errors=(ReviewNotFound,)),
            operation("PUT", "/api/v1/orders/{order_id:uuid}/handover", self.handover,
                      "Rate the handovers and say what hinders", body=HandoverWish, answer=HandoverAnswer,
                      tag="reviews", keyed=True, errors=refusals),
            operation("GET", "/api/v1/reviews", self.reviews, "Reviews, with their count and means", answer=ReviewList,
                      query=_WHOSE, tag="reviews"),
            operation("GET", "/api/v1/handovers", self.handovers, "What couriers say of handovers", answer=HandoverList,
                      query=_WHOSE, tag="reviews"),
        ]  # fmt: skip

    async def review(self, request: Request) -> Response:
        """By the order's customer, or by whoever follows it with a link."""
        viewer = viewer_of(request, self._parts.tokens)
        wish = await body_of(request, ReviewWish)
        order_id = request.path_params["order_id"]
        return answer(await self._parts.reviews.review(viewer, order_id, wish, key=key_of(request)))

    async def of_order(self, request: Request) -> Response:
        """To its customer, its merchant, the courier who delivered, and staff."""
        viewer = viewer_of(request, self._parts.tokens)
        return answer(await self._parts.reviews.of_order(viewer, request.path_params["order_id"]))

    async def handover(self, request: Request) -> Response:
        """By a courier who had the order: what waiting, doors and people were like."""
        viewer = viewer_of(request, self._parts.tokens)
        wish = await body_of(request, HandoverWish)
        order_id = request.path_params["order_id"]
        return answer(await self._parts.reviews.handover(viewer, order_id, wish, key=key_of(request)))

    async def reviews(self, request: Request) -> Response:
        """A merchant gets its own, a courier his, staff all."""
        viewer = viewer_of(request, self._parts.tokens)
        limit = query_limit(request, default=50)
        found, summary = await self._parts.reviews.reviews(
            viewer, _reviewed(request), before=query_id(request, "before"), limit=limit
        )
        return answer({"reviews": found, "summary": summary, "next_before": _next(found, limit)})

    async def handovers(self, request: Request) -> Response:
        """A merchant gets what is said of it (without words), a courier his own, staff all."""
        viewer = viewer_of(request, self._parts.tokens)
        limit = query_limit(request, default=50)
        found = await self._parts.reviews.handovers(
            viewer, _reviewed(request), before=query_id(request, "before"), limit=limit
        )
        return answer({"handovers": found, "next_before": _next(found, limit)})


def _reviewed(request: Request) -> Reviewed:
    return Reviewed(query_id(request, "merchant_id"), query_id(request, "courier_id"))


def _next(found: list[dict[str, object]], limit: int) -> object:
    return found[-1]["order_id"] if len(found) == limit else None
