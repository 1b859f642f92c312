"""What customers do: choose a merchant, place an order."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.answers import Answer, MerchantsPage, MerchantWithMenu, OrderAnswer
from server.http.operations import Query, operation
from server.http.parts import HttpParts
from server.http.requests import answer, body_of, key_of, query_id, query_limit, tagged, viewer_of
from server.orders.door import quote
from server.orders.merchants import MerchantNotFound
from server.orders.placing import CheckFailed, PlaceOrder

MOST_MERCHANTS = 1000
_LIMIT = Query("limit", Annotated[int, Meta(ge=1, le=MOST_MERCHANTS)], "How many to answer at most")
_AFTER = Query("after", UUID, "The `next_after` of the page before")


class Quote(Answer):
    """What an order would cost, in minor units of `currency`."""

    items_minor: int
    delivery_fee_minor: int
    total_minor: int
    currency: str


class Customers:
    """`POST /api/v1/orders`, and merchants with their menus."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        return [
            operation(
                "POST",
                "/api/v1/orders",
                self.place,
                "Place an order that is paid at the door",
                body=PlaceOrder,
                answer=OrderAnswer,
                status=201,
                errors=(CheckFailed,),
                keyed=True,
            ),
            operation(
                "POST",
                "/api/v1/orders/check",
                self.check,
                "Ask what an order would cost, and whether it could be placed",
                body=PlaceOrder,
                answer=Quote,
                errors=(CheckFailed,),
            ),
            operation(
                "GET",
                "/api/v1/merchants",
                self.merchants,
                "All merchants",
                answer=MerchantsPage,
                query=(_LIMIT, _AFTER),
                tag="merchants",
            ),
            operation(
                "GET",
                "/api/v1/merchants/{merchant_id:uuid}",
                self.merchant,
                "One merchant with its menu",
                answer=MerchantWithMenu,
                errors=(MerchantNotFound,),
                tag="merchants",
                etag=True,
            ),
        ]

    async def place(self, request: Request) -> Response:
        """A new order, or a problem that points at each field that is wrong."""
        viewer = viewer_of(request, self._parts.tokens)
        body = await body_of(request, PlaceOrder)
        return answer(await self._parts.orders.place(viewer, body, key=key_of(request)), 201)

    async def check(self, request: Request) -> Response:
        """The checks of placing it, by cash or card, and today's sums in minor units of `currency`; nothing is kept."""
        viewer = viewer_of(request, self._parts.tokens)
        body = await body_of(request, PlaceOrder)
        return answer(await quote(self._parts.storage, viewer, body, self._parts.settings))

    async def merchants(self, request: Request) -> Response:
        """Merchants; `next_after` is the `after` of the next page, if there may be one."""
        viewer = viewer_of(request, self._parts.tokens)
        limit = query_limit(request, default=200, most=MOST_MERCHANTS)
        merchants = await self._parts.catalogue.all(viewer, after=query_id(request, "after"), limit=limit)
        return answer(
            {
                "merchants": merchants,
                "next_after": merchants[-1]["id"] if len(merchants) == limit else None,
            }
        )

    async def merchant(self, request: Request) -> Response:
        """One merchant with its menu."""
        viewer = viewer_of(request, self._parts.tokens)
        merchant = await self._parts.catalogue.one(viewer, request.path_params["merchant_id"])
        return tagged(request, merchant, version=merchant["version"])
