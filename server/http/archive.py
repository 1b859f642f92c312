"""Looking up what is over; and having a person erased."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.accounts.service import AccountNotFound
from server.archive.service import OrderUnderWay, WrongLogin
from server.archive.store import Wanted
from server.http.operations import Query, operation
from server.http.parts import HttpParts
from server.http.requests import BadQuery, answer, body_of, key_of, query_id, query_limit, viewer_of
from server.orders.phones import BadPhone, to_e164

Json = dict[str, Any]


class ArchivedLine(msgspec.Struct, frozen=True):
    """An archived order in a list."""

    order_id: UUID
    number: int
    status: str
    placed_at: str
    ended_at: str
    merchant_id: UUID
    customer_id: UUID
    courier_ids: list[UUID]
    total_minor: int
    currency: str


class ArchivedList(msgspec.Struct, frozen=True):
    """Archived orders, the latest placed first."""

    orders: list[ArchivedLine]
    next_before: UUID | None


class ArchivedOrder(ArchivedLine, frozen=True, kw_only=True):
    """An archived order with all that belonged to it.  `words` and `contact` are gone once its people are erased."""

    ended_on: date
    facts: Json
    assignments: list[Json]
    events: list[Json]
    tickets: list[Json]
    review: Json | None
    handovers: list[Json]
    tracks: list[Json] | None
    archived_at: str
    erased_at: str | None
    words: list[Json]
    contact: Json | None


class Erasure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To be sure that it is meant: the login of the account, typed out."""

    login: Annotated[str, Meta(max_length=200)]


class Erased(msgspec.Struct, frozen=True):
    """How many orders had something of the person."""

    orders: int


class Archive:
    """`/api/v1/archive/orders` and `/api/v1/accounts/{id}/erasure`."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        return [
            operation("GET", "/api/v1/archive/orders", self.find, "Look archived orders up", answer=ArchivedList,
                      tag="archive", query=(
                          Query("number", int, "the order's number, as people say it"),
                          Query("phone", str, "the phone it was for, as people write it (needs see_contact)"),
                          Query("courier_id", UUID, "who had it"),
                          Query("merchant_id", UUID, "whose kitchen"),
                          Query("customer_id", UUID, "who ordered"),
                          Query("day", date, "the UTC day on which it ended"),
                          Query("before", UUID, "older than this order: the `next_before` of the page before"),
                          Query("limit", int, "how many at most"),
                      )),
            operation("GET", "/api/v1/archive/orders/{order_id:uuid}", self.one,
                      "An archived order with its events, tickets, reviews and tracks", answer=ArchivedOrder,
                      tag="archive"),
            operation("POST", "/api/v1/accounts/{account_id:uuid}/erasure", self.erase,
                      "Erase all that is known of a person", body=Erasure, answer=Erased, tag="accounts", keyed=True,
                      errors=(AccountNotFound, OrderUnderWay, WrongLogin)),
        ]  # fmt: skip

    async def find(self, request: Request) -> Response:
        """For customer service, operations and analysts."""
        viewer = viewer_of(request, self._parts.tokens)
        limit = query_limit(request, default=50)
        wanted = Wanted(
            number=_number(request),
            phone=_phone(request, self._parts.settings.phone_region),
            courier_id=query_id(request, "courier_id"),
            merchant_id=query_id(request, "merchant_id"),
            customer_id=query_id(request, "customer_id"),
            day=_day(request),
        )
        before = query_id(request, "before")
        found = await self._parts.archive.find(viewer, wanted, before=before, limit=limit)
        next_before = found[-1]["order_id"] if len(found) == limit else None
        return answer({"orders": found, "next_before": next_before})

    async def one(self, request: Request) -> Response:
        """Whoever is not to see contacts gets neither contact, words nor tracks.  The look is written down."""
        viewer = viewer_of(request, self._parts.tokens)
        return answer(await self._parts.archive.one(viewer, request.path_params["order_id"]))

    async def erase(self, request: Request) -> Response:
        """Names, phones, addresses, words, pictures and tracks, from all their orders; it cannot be undone.

        Refused while an order of theirs is under way.
        """
        viewer = viewer_of(request, self._parts.tokens)
        body = await body_of(request, Erasure)
        account_id = request.path_params["account_id"]
        erased = await self._parts.archive.erase_account(viewer, account_id, body.login, key=key_of(request))
        return answer(erased)


def _number(request: Request) -> int | None:
    text = request.query_params.get("number")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadQuery("number must be a whole number", parameter="number")
    return int(text)


def _phone(request: Request, region: str) -> str | None:
    text = request.query_params.get("phone")
    if text is None:
        return None
    try:
        return to_e164(text, region)
    except BadPhone as error:
        raise BadQuery("phone must be a phone number", parameter="phone") from error


def _day(request: Request) -> date | None:
    text = request.query_params.get("day")
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadQuery("day must be a day like 2026-11-23", parameter="day") from error
