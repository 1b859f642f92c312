"""All routes in one list, and the ASGI application around them."""

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from server.http.administration import Administration
from server.http.api_keys import ApiKeys, KeyBearers
from server.http.archive import Archive
from server.http.body_limit import BodyLimit
from server.http.customers import Customers
from server.http.dispatchers import Dispatchers
from server.http.health import Check, health_routes
from server.http.links import Links
from server.http.media import Pictures
from server.http.merchants import Merchants
from server.http.openapi import openapi_route
from server.http.orders import Orders
from server.http.pages import SecurityHeaders, page_routes
from server.http.parts import HttpParts
from server.http.payments import Payments
from server.http.phones import Phones
from server.http.problems import EXCEPTION_HANDLERS, Unexpected
from server.http.reviews import Reviews
from server.http.sessions import Sessions
from server.http.tickets import Tickets
from server.http.webhooks import Webhooks


def routes(parts: HttpParts) -> list[BaseRoute]:
    """Everything programs ask us: the API, one audience after the other, and the phones' own protocols."""
    audiences = (
        Sessions,
        Orders,
        Links,
        Customers,
        Merchants,
        Dispatchers,
        Administration,
        ApiKeys,
        Tickets,
        Payments,
        Pictures,
        Reviews,
        Archive,
        Webhooks,
        Phones,
    )
    return [route for audience in audiences for route in audience(parts).routes()]


def create_asgi(parts: HttpParts, checks: Mapping[str, Check]) -> Starlette:
    """The application: programs' routes, health, pages; around them headers, the net for errors, the body limit."""
    programs = [*routes(parts), *health_routes(checks)]
    return Starlette(
        routes=[*programs, openapi_route(programs), *page_routes(parts.settings)],
        middleware=[
            Middleware(SecurityHeaders, tile_url=parts.settings.tile_url),
            Middleware(Unexpected),
            Middleware(BodyLimit),
            Middleware(KeyBearers, keys=parts.api_keys),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
    )
