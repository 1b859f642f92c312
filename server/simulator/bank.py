"""The sandbox payment provider: a real small HTTP server that plays all outcomes, late and twice included.

It speaks the language of docs/money.md.  `songda bank` runs it; `./dev run` does, too.  Nobody's money is in it.
"""

import asyncio
import hmac
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

import httpx
import msgspec

from server.clock import Clock
from server.simulator import bank_page
from server.simulator.bank_books import BankPayment, BankRefund, Books, Card, RefundState, State, card_of
from server.simulator.small_http import Answer, Request, listen
from server.wire.standard_webhooks import sign

WORD_WITHIN_S = 10.0
# A word that finds nobody is said again.
WORD_AGAIN_S = (0.2, 1.0, 5.0, 30.0, 120.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BankOptions:
    """Whom the bank serves, and how long its stories take."""

    key: str
    webhook_url: str = ""  # empty: it never says a word
    webhook_secret: bytes = b""
    slow_s: float = 3.0
    late_s: float = 1200.0  # beyond the quarter of an hour that a checkout has
    hang_s: float = 60.0
    scale: float = 1.0


class Bank:
    """One shop's payments.  `url` is known once `start` has come back."""

    def __init__(self, options: BankOptions, books: Books, clock: Clock) -> None:
        self.options = options
        self.books = books
        self.url = ""
        self.released = asyncio.Event()  # ends all hanging at once
        self.hanging = asyncio.Event()  # somebody's answer is held back
        self.refund_calls = 0
        self.words_said = 0
        self._clock = clock
        self._failed_once: set[str] = set()
        self._withheld: dict[str, list[dict[str, Any]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()  # words on their way
        self._waiting: list[asyncio.TimerHandle] = []
        self._server: asyncio.Server | None = None
        self._client = httpx.AsyncClient(timeout=WORD_WITHIN_S, trust_env=False)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Be open for business."""
        self._server = await listen(self.answer, host, port)
        self.url = f"http://{host}:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Close; what is under way ends unsaid."""
        self.released.set()
        if self._server is not None:
            self._server.close()
        for handle in self._waiting:
            handle.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    async def answer(self, request: Request) -> Answer:
        """Answer one request: the shop's, or a customer's on the page where they pay."""
        parts = request.path.strip("/").split("/")
        if parts[0] == "pay" and len(parts) == 2:
            return self._page(request, parts[1])
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.options.key.encode()):
            return _refusal(HTTPStatus.UNAUTHORIZED, "unknown_shop")
        try:
            return await self._shop(request, parts)
        except (ValueError, KeyError, TypeError):
            return _refusal(HTTPStatus.BAD_REQUEST, "bad_request")

    async def _shop(self, request: Request, parts: list[str]) -> Answer:
        match request.method, parts:
            case "POST", ["v1", "payments"]:
                return self._create(request.json())
            case "GET", ["v1", "payments", reference]:
                return self._with(reference, lambda payment: payment)
            case "POST", ["v1", "payments", reference, "cancel"]:
                return self._with(reference, self._cancel)
            case "POST", ["v1", "payments", reference, "refunds"]:
                return await self._refund(reference, request)
        return _refusal(HTTPStatus.NOT_FOUND, "not_found")

    def pay(self, reference: str, card: Card | str = Card.OK) -> None:
        """A customer pays, as on the page."""
        payment = self.books.payments[reference]
        if payment.status is not State.OPEN:
            return
        card = card_of(card)
        if card is Card.DECLINED:
            self._became(payment, State.FAILED, card, "payment.failed")
        elif card in (Card.SLOW, Card.LATE):
            self.books.put(replace(payment, status=State.PROCESSING, card=card))
            wait_s = self.options.slow_s if card is Card.SLOW else self.options.late_s
            self._later(wait_s, lambda: self.finish(reference))
        else:
            self._became(payment, State.PAID, card, "payment.paid")

    def finish(self, reference: str) -> None:
        """A payment that takes its time has gone through."""
        payment = self.books.payments[reference]
        if payment.status is State.PROCESSING:
            self._became(payment, State.PAID, payment.card, "payment.paid")

    def give_back(self, reference: str, amount_minor: int) -> None:
        """Somebody gives money back at the bank itself, without the shop."""
        payment = self.books.payments[reference]
        self._done(self._new_refund(payment, None, amount_minor, ""))

    def settle_refunds(self) -> None:
        """All refunds that take their time have gone through."""
        for refund in list(self.books.refunds.values()):
            if refund.status is RefundState.PENDING:
                self._done(refund)

    async def all_said(self) -> None:
        """Wait until no word is on its way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _create(self, asked: dict[str, Any]) -> Answer:
        reference = str(asked["reference"])
        payment = self.books.payments.get(reference)
        if payment is None:
            amount_minor = int(asked["amount_minor"])
            if amount_minor <= 0:
                return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "nothing_to_pay")
            payment = BankPayment(
                id=f"pay_{secrets.token_hex(12)}",
                reference=reference,
                amount_minor=amount_minor,
                currency=str(asked["currency"]),
            )
            self.books.put(payment)
        elif (payment.amount_minor, payment.currency) != (asked["amount_minor"], asked["currency"]):
            return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "reference_reused")
        return Answer.json(self._payment_json(payment), HTTPStatus.CREATED)

    def _with(self, reference: str, act: Callable[[BankPayment], BankPayment]) -> Answer:
        payment = self.books.payments.get(reference)
        if payment is None:
            return _refusal(HTTPStatus.NOT_FOUND, "unknown_payment")
        return Answer.json(self._payment_json(act(payment)))

    def _cancel(self, payment: BankPayment) -> BankPayment:
        if payment.status is State.OPEN:
            payment = replace(payment, status=State.CANCELLED)
            self.books.put(payment)
        return payment

    async def _refund(self, reference: str, request: Request) -> Answer:
        self.refund_calls += 1
        asked, key = request.json(), request.headers.get("idempotency-key", "")
        amount_minor = int(asked["amount_minor"])
        payment, refund = self.books.payments.get(reference), self.books.refund_under(key)
        if payment is None:
            return _refusal(HTTPStatus.NOT_FOUND, "unknown_payment")
        if refund is None:
            fault = self._refund_fault(payment, amount_minor, key)
            if fault is not None:
                return _refusal(*fault)
            return await self._refund_anew(payment, str(asked["reference"]), amount_minor, key)
        if (refund.amount_minor, refund.payment_reference) != (amount_minor, reference):
            return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "key_reused")
        return Answer.json(_refund_json(refund))

    def _refund_fault(
        self, payment: BankPayment, amount_minor: int, key: str
    ) -> tuple[HTTPStatus, str] | None:
        """Why this refund is not made, if it is not."""
        if payment.card is Card.REFUND_FAILS and key not in self._failed_once:
            self._failed_once.add(key)
            return HTTPStatus.SERVICE_UNAVAILABLE, "try_again"
        if payment.card is Card.REFUND_REFUSED:
            return HTTPStatus.UNPROCESSABLE_ENTITY, "account_closed"
        if payment.status is not State.PAID or not 0 < amount_minor <= self._left_minor(payment):
            return HTTPStatus.UNPROCESSABLE_ENTITY, "too_much"
        return None

    async def _refund_anew(self, payment: BankPayment, reference: str, amount_minor: int, key: str) -> Answer:
        refund = self._new_refund(payment, reference, amount_minor, key)
        if payment.card is Card.REFUND_PENDING:
            self._later(self.options.slow_s, self.settle_refunds)
            return Answer.json(_refund_json(refund))
        refund = self._done(refund)
        if payment.card is Card.REFUND_HANGS:
            self.hanging.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.released.wait(), self.options.hang_s)
        return Answer.json(_refund_json(refund))

    def _left_minor(self, payment: BankPayment) -> int:
        pending = (
            one for one in self.books.refunds_of(payment.reference) if one.status is RefundState.PENDING
        )
        return payment.amount_minor - payment.refunded_minor - sum(one.amount_minor for one in pending)

    def _new_refund(
        self, payment: BankPayment, reference: str | None, amount_minor: int, key: str
    ) -> BankRefund:
        refund = BankRefund(
            id=f"ref_{secrets.token_hex(12)}",
            reference=reference,
            payment_reference=payment.reference,
            amount_minor=amount_minor,
            currency=payment.currency,
            status=RefundState.PENDING,
            key=key,
        )
        self.books.put(refund)
        return refund

    def _done(self, refund: BankRefund) -> BankRefund:
        payment = self.books.payments[refund.payment_reference]
        payment = replace(payment, refunded_minor=payment.refunded_minor + refund.amount_minor)
        refund = replace(refund, status=RefundState.DONE)
        self.books.put(payment)
        self.books.put(refund)
        word = self._word("refund.done", payment, refund)
        held_back = self._withheld.pop(payment.reference, [])
        self._say(word, *held_back, twice=payment.card is Card.REFUND_TWICE)
        return refund

    def _became(self, payment: BankPayment, status: State, card: Card, word_type: str) -> None:
        payment = replace(payment, status=status, card=card)
        if status is State.PAID and card is Card.WRONG_AMOUNT:
            payment.amount_minor -= 1
        if status is State.PAID and card is Card.WRONG_CURRENCY:
            payment.currency = "SEK" if payment.currency == "EUR" else "EUR"
        self.books.put(payment)
        word = self._word(word_type, payment, None)
        if status is State.PAID and card is Card.LOST:
            return
        if status is State.PAID and card is Card.REORDERED:
            self._withheld[payment.reference] = [word]
            return
        self._say(word, twice=card is Card.TWICE)

    def _word(self, word_type: str, payment: BankPayment, refund: BankRefund | None) -> dict[str, Any]:
        data: dict[str, Any] = {"payment": self._payment_json(payment)}
        if refund is not None:
            data["refund"] = _refund_json(refund)
        return {"type": word_type, "timestamp": self._clock.now().isoformat(), "data": data}

    def _say(self, *words: dict[str, Any], twice: bool = False) -> None:
        """Tell the shop, one word after the other."""

        async def say() -> None:
            for word in words:
                word_id = f"word_{secrets.token_hex(12)}"
                for _ in range(2 if twice else 1):
                    await self._say_one(word_id, msgspec.json.encode(word))

        if self.options.webhook_url:
            self._start(say())

    async def _say_one(self, word_id: str, body: bytes) -> None:
        for wait_s in (*WORD_AGAIN_S, None):
            headers = sign([self.options.webhook_secret], word_id, self._clock.now_ms() // 1000, body)
            try:
                answer = await self._client.post(
                    self.options.webhook_url,
                    content=body,
                    headers={**headers, "Content-Type": "application/json"},
                )
                if answer.is_success:
                    self.words_said += 1
                    return
            except httpx.HTTPError:
                pass
            if wait_s is None:
                return
            await asyncio.sleep(wait_s * self.options.scale)

    def _later(self, wait_s: float, act: Callable[[], None]) -> None:
        handle = asyncio.get_running_loop().call_later(wait_s * self.options.scale, act)
        self._waiting.append(handle)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _payment_json(self, payment: BankPayment) -> dict[str, Any]:
        return {
            "id": payment.id,
            "reference": payment.reference,
            "status": payment.status,
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "refunded_minor": payment.refunded_minor,
            "pay_url": f"{self.url}/pay/{payment.id}",
        }

    def _page(self, request: Request, payment_id: str) -> Answer:
        """The page where a customer pays: pay, decline, or do nothing."""
        payment = self.books.by_id(payment_id)
        if payment is None:
            return _refusal(HTTPStatus.NOT_FOUND, "unknown_payment")
        if request.method == "POST":
            form = request.form()
            outcome = form.get("outcome", "")
            if outcome in ("pay", "decline"):
                self.pay(payment.reference, Card.DECLINED if outcome == "decline" else form.get("card", ""))
            payment = self.books.payments[payment.reference]
        language = request.headers.get("accept-language", "")
        return Answer(
            HTTPStatus.OK, bank_page.page(payment, language), "text/html; charset=utf-8", bank_page.HEADERS
        )


def _refund_json(refund: BankRefund) -> dict[str, Any]:
    return {
        "id": refund.id,
        "reference": refund.reference,
        "status": refund.status,
        "amount_minor": refund.amount_minor,
        "currency": refund.currency,
    }


def _refusal(status: int, code: str) -> Answer:
    return Answer.json({"code": code}, status)
