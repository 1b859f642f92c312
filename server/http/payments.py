"""Money: checkouts, the payment provider's words, refunds and compensations, an order's books, a merchant's account."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.accounts.permissions import OrderNotFound
from server.http.answers import Answer, Moment
from server.http.body_limit import BodyTooLarge
from server.http.operations import LIMIT, Query, operation
from server.http.parts import HttpParts
from server.http.requests import (
    answer,
    body_of,
    key_of,
    query_count,
    query_limit,
    query_moment_if_given,
    viewer_of,
)
from server.orders.checkouts import CheckoutNotFound, CheckoutOver, CheckoutStatus
from server.orders.ledger import Account, Why
from server.orders.lifecycle import IllegalTransition
from server.orders.merchants import MerchantNotFound
from server.orders.model import Line, PaymentMethod, PaymentStatus
from server.orders.money_service import (
    Beneficiary,
    CompensationForm,
    CompensationWish,
    RefundWish,
)
from server.orders.payment_language import MAX_WORD_BYTES, BadWord, WordJson
from server.orders.payments import BadSignature, ProviderAway, ProviderRefused, UnknownPayment
from server.orders.placing import CheckFailed, PlaceOrder
from server.orders.refunds import BadAmount, NoBearer, NothingPaid, RefundNotFound, RefundStatus, TooMuch
from server.orders.tickets import Bearer

MAX_ENTRY = 10**15
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]


class CheckoutAnswer(Answer):
    """A checkout.  Paid, there is an order of the same id."""

    id: UUID
    customer_id: UUID
    merchant_id: UUID
    status: CheckoutStatus
    version: int
    items: list[Line]
    items_minor: int
    delivery_fee_minor: int
    total_minor: int
    currency: Currency
    scheduled_from: Moment | None
    scheduled_to: Moment | None
    created_at: Moment
    lapses_at: Moment
    ended_at: Moment | None
    pay_url: str | None


class RefundSeen(msgspec.Struct, kw_only=True):
    """Money that goes back.  Who bears it, and how it was decided, only for the merchant and staff."""

    id: UUID
    order_id: UUID
    amount_minor: int
    currency: Currency
    method: PaymentMethod
    status: RefundStatus
    version: int
    reason: str
    requested_at: Moment
    sent_at: Moment | None
    ended_at: Moment | None
    borne_by: Bearer | msgspec.UnsetType = msgspec.UNSET
    bearer_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    decided_by: UUID | msgspec.UnsetType | None = msgspec.UNSET
    ticket_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    attempts: int | msgspec.UnsetType = msgspec.UNSET
    failure: str | msgspec.UnsetType | None = msgspec.UNSET


class RefundList(Answer):
    """An order's refunds, oldest first."""

    refunds: list[RefundSeen]


class CompensationAnswer(Answer):
    """What was given beyond the price."""

    id: UUID
    beneficiary: Beneficiary
    beneficiary_id: UUID
    form: CompensationForm
    amount_minor: int
    currency: Currency
    reason: str
    borne_by: Bearer
    bearer_id: UUID | None
    decided_by: UUID
    ticket_id: UUID | None
    created_at: Moment


class EntryAnswer(Answer):
    """A line of the books: positive, the account's to get; negative, its to give."""

    id: int
    transfer_id: UUID
    order_id: UUID
    account: Account
    owner_id: UUID | None
    amount_minor: int
    currency: Currency
    reason: Why
    borne_by: Bearer | None
    refund_id: UUID | None
    created_at: Moment


class PaymentAnswer(Answer):
    """Money that came in."""

    method: PaymentMethod
    amount_minor: int
    currency: Currency
    came_at: Moment
    given_back_minor: int


class MoneyAnswer(Answer):
    """All about the money of an order; a merchant sees its own entries only."""

    order_id: UUID
    payment_status: PaymentStatus
    payment: PaymentAnswer | None
    refunded_minor: int
    refunds: list[RefundSeen]
    compensations: list[CompensationAnswer]
    entries: list[EntryAnswer]


class LedgerPage(Answer):
    """A merchant's account, newest first; `sums` is what it comes to in the span asked for, by currency."""

    entries: list[EntryAnswer]
    sums: dict[str, int]
    next_before: int | None


class WordHeard(Answer):
    """Whether the word took effect now, or had before."""

    heard: bool


_SPAN = (
    Query("from", Moment, "Booked at this moment or later"),
    Query("to", Moment, "Booked earlier than this moment"),
    Query("before", Annotated[int, Meta(ge=1, le=MAX_ENTRY)], "The `next_before` of the page before"),
    LIMIT,
)


class Payments:
    """`/api/v1/checkouts`, `/api/v1/payments/webhook`, and what stands below an order and a merchant."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        checkout = "/api/v1/checkouts/{checkout_id:uuid}"
        order = "/api/v1/orders/{order_id:uuid}"
        refusals = (OrderNotFound, NothingPaid, TooMuch, NoBearer)
        return [
            operation(
                "POST", "/api/v1/checkouts", self.open, "Begin an order that is paid by card",
                body=PlaceOrder, answer=CheckoutAnswer, status=201, tag="money", keyed=True,
                errors=(CheckFailed, ProviderAway, ProviderRefused, CheckoutOver),
            ),
            operation(
                "GET", checkout, self.checkout, "One checkout",
                answer=CheckoutAnswer, tag="money", errors=(CheckoutNotFound,),
            ),
            operation(
                "POST", f"{checkout}/cancel", self.cancel, "Do without a checkout that is not paid",
                answer=CheckoutAnswer, tag="money", keyed=True, errors=(CheckoutNotFound, CheckoutOver),
            ),
            operation(
                "POST", "/api/v1/payments/webhook", self.word, "What the payment provider has to say",
                body=WordJson, answer=WordHeard, tag="money", public=True, lenient=True,
                errors=(BadSignature, BadWord, UnknownPayment, TooMuch),
            ),
            operation(
                "GET", f"{order}/money", self.money, "The books of one order",
                answer=MoneyAnswer, tag="money", errors=(OrderNotFound,),
            ),
            operation(
                "GET", f"{order}/refunds", self.refunds, "What goes back and went back of an order's money",
                answer=RefundList, tag="money", errors=(OrderNotFound,),
            ),
            operation(
                "POST", f"{order}/refunds", self.refund, "Give money back",
                body=RefundWish, answer=RefundSeen, status=201, tag="money", keyed=True,
                errors=(*refusals, BadAmount),
            ),
            operation(
                "POST", f"{order}/refunds/{{refund_id:uuid}}/paid-out", self.paid_out,
                "The cash of a refund was handed over",
                answer=RefundSeen, tag="money", keyed=True, errors=(OrderNotFound, RefundNotFound, IllegalTransition),
            ),
            operation(
                "POST", f"{order}/compensations", self.compensate, "Give something beyond the price",
                body=CompensationWish, answer=CompensationAnswer, status=201, tag="money", keyed=True,
                errors=(OrderNotFound, NoBearer),
            ),
            operation(
                "GET", "/api/v1/merchants/{merchant_id:uuid}/ledger", self.ledger, "A merchant's account",
                answer=LedgerPage, query=_SPAN, tag="money", errors=(MerchantNotFound,),
            ),
        ]  # fmt: skip

    async def open(self, request: Request) -> Response:
        """The body is that of an order, with `"payment": {"method": "card"}`.  Pay at `pay_url` before `lapses_at`;
        then there is an order of the same id, and who listens to `order:<id>` is told.  Until then the merchant hears
        nothing.  The prices are those of now.
        """
        viewer = viewer_of(request, self._parts.tokens)
        wish = await body_of(request, PlaceOrder)
        return answer(await self._parts.money.checkouts.open(viewer, wish, key=key_of(request)), 201)

    async def checkout(self, request: Request) -> Response:
        """As it is now."""
        viewer = viewer_of(request, self._parts.tokens)
        return answer(await self._parts.money.checkouts.get(viewer, request.path_params["checkout_id"]))

    async def cancel(self, request: Request) -> Response:
        """Asks the provider first: what is paid is no longer cancelled here, but as an order."""
        viewer = viewer_of(request, self._parts.tokens)
        checkout_id = request.path_params["checkout_id"]
        return answer(await self._parts.money.checkouts.cancel(viewer, checkout_id, key=key_of(request)))

    async def word(self, request: Request) -> Response:
        """Signed as Standard Webhooks has it, five minutes old at most; docs/money.md has the words.  A word that had
        taken effect before is answered 200 and changes nothing.
        """
        announced = request.headers.get("content-length", "")
        body = b"" if announced.isdigit() and int(announced) > MAX_WORD_BYTES else await request.body()
        if len(body) > MAX_WORD_BYTES or (announced.isdigit() and int(announced) > MAX_WORD_BYTES):
            raise BodyTooLarge
        return answer({"heard": await self._parts.money.payments.listen(request.headers, body)})

    async def money(self, request: Request) -> Response:
        """What came in, what goes back, and every line of the ledger about it."""
        viewer = viewer_of(request, self._parts.tokens)
        return answer(await self._parts.money.service.of_order(viewer, request.path_params["order_id"]))

    async def refunds(self, request: Request) -> Response:
        """To the order's customer, its merchant and staff."""
        viewer = viewer_of(request, self._parts.tokens)
        return answer(
            {"refunds": await self._parts.money.service.refunds(viewer, request.path_params["order_id"])}
        )

    async def refund(self, request: Request) -> Response:
        """An amount, or all that is left.  By card it is on its way at once; cash waits to be paid out."""
        viewer = viewer_of(request, self._parts.tokens)
        wish = await body_of(request, RefundWish)
        order_id = request.path_params["order_id"]
        return answer(
            await self._parts.money.service.refund(viewer, order_id, wish, key=key_of(request)), 201
        )

    async def paid_out(self, request: Request) -> Response:
        """Only then is a refund in cash confirmed."""
        viewer = viewer_of(request, self._parts.tokens)
        order_id, refund_id = request.path_params["order_id"], request.path_params["refund_id"]
        return answer(
            await self._parts.money.service.pay_out(viewer, order_id, refund_id, key=key_of(request))
        )

    async def compensate(self, request: Request) -> Response:
        """A voucher or a credit, to the customer, the merchant or the courier; somebody else bears it."""
        viewer = viewer_of(request, self._parts.tokens)
        wish = await body_of(request, CompensationWish)
        order_id = request.path_params["order_id"]
        return answer(
            await self._parts.money.service.compensate(viewer, order_id, wish, key=key_of(request)), 201
        )

    async def ledger(self, request: Request) -> Response:
        """Its shares of orders, and what it bore of refunds; newest first."""
        viewer = viewer_of(request, self._parts.tokens)
        limit = query_limit(request, default=50)
        begins, ends = _moment(request, "from"), _moment(request, "to")
        entries, sums = await self._parts.money.service.of_merchant(
            viewer, request.path_params["merchant_id"],
            begins=begins, ends=ends, before=query_count(request, "before", most=MAX_ENTRY), limit=limit,
        )  # fmt: skip
        next_before: Any = entries[-1]["id"] if len(entries) == limit else None
        return answer({"entries": entries, "sums": sums, "next_before": next_before})


def _moment(request: Request, name: str) -> datetime | None:
    return query_moment_if_given(request, name)
