"""Random histories of payments, orders, refunds and words that come twice, late, reordered or never; a bank that goes
away, processes that die in the middle of a refund.  Whatever happens: the books balance, never more goes back than came
in, and once all is settled, the bank's books say what ours say.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.errors import TrackingError
from server.orders.money_service import RefundWish
from server.orders.tickets import Bearer
from server.simulator.bank_books import Card, State
from tests.integration.orders.bank import Street, a_street, faults

DOINGS = (
    "open", "pay", "turn", "answer", "cancel", "undo", "eat", "refund", "again", "deaf", "away", "dies", "finish",
    "foreign", "place_cash",
)  # fmt: skip
DAYS_S = 4 * 86_400


@dataclass
class History:
    """Somebody does anything at all, again and again."""

    street: Street
    random: Random
    ids: list[UUID] = field(default_factory=list)

    async def do(self, doing: str) -> None:
        """One more thing happens; that it may be refused is part of life."""
        with suppress(TrackingError):
            await getattr(self, doing)()
        await self.street.quiet()

    @property
    def one(self) -> UUID:
        return self.random.choice(self.ids) if self.ids else UUID(int=0)

    async def open(self) -> None:
        self.ids.append(UUID((await self.street.open())["id"]))

    async def place_cash(self) -> None:
        self.ids.append(await self.street.town.placed())

    async def pay(self) -> None:
        reference = str(self.one)
        if reference in self.street.bank.books.payments:
            self.street.bank.pay(reference, self.random.choice(list(Card)))

    async def finish(self) -> None:
        for reference in list(self.street.bank.books.payments):
            self.street.bank.finish(reference)
        self.street.bank.settle_refunds()

    async def turn(self) -> None:
        await self.street.turn(self.random.choice([1, 10, 30, 61, 200, 901, 4000]))

    async def answer(self) -> None:
        town = self.street.town
        if self.random.random() < 0.6:
            await town.orders.accept(town.kitchen, self.one, 600)
        else:
            await town.orders.reject(town.kitchen, self.one, "sold out")

    async def cancel(self) -> None:
        town = self.street.town
        await town.orders.cancel(self.random.choice([town.customer, town.kitchen]), self.one, "why not")

    async def undo(self) -> None:
        town = self.street.town
        await town.orders.undo(self.random.choice([town.customer, town.kitchen]), self.one)

    async def eat(self) -> None:
        town, order_id = self.street.town, self.one
        courier = await town.courier()
        with suppress(TrackingError):
            await town.orders.accept(town.kitchen, order_id, 600)
        await town.dispatch.assign(town.dispatcher, order_id, courier.account_id)
        await town.dispatch.reports.pick_up(courier, order_id)
        await town.dispatch.reports.deliver(courier, order_id)
        if self.random.random() < 0.7:
            await town.orders.confirm_receipt(town.customer, order_id)

    async def refund(self) -> None:
        amount_minor = self.random.choice([None, 1, 100, 535, 1070])
        wish = RefundWish(
            reason="late",
            borne_by=self.random.choice(list(Bearer)),
            amount_minor=amount_minor,
            full=amount_minor is None,
        )
        await self.street.town.money.service.refund(self.street.town.service, self.one, wish)

    async def again(self) -> None:
        if self.street.words:
            headers, body = self.random.choice(self.street.words)
            await self.street.town.money.payments.listen(headers, body)

    async def deaf(self) -> None:
        self.street.deaf = not self.street.deaf

    async def away(self) -> None:
        self.street.provider.away = not self.street.provider.away

    async def dies(self) -> None:
        def once() -> None:
            self.street.provider.before = self.street.provider.after = None
            raise ConnectionAbortedError

        if self.random.random() < 0.5:
            self.street.provider.before = once
        else:
            self.street.provider.after = once

    async def foreign(self) -> None:
        order_id = self.one
        payment = self.street.bank.books.payments.get(str(order_id))
        busy = {status for status, _ in await self.street.refunds(order_id)} & {"requested", "sent"}
        if payment is None or payment.status is not State.PAID or busy or self.street.deaf:
            return
        left_minor = self.street.bank._left_minor(payment)
        if left_minor > 0:
            self.street.bank.give_back(payment.reference, min(left_minor, self.random.choice([1, 100, 2000])))

    async def settle(self) -> None:
        """Everybody is back, and enough time passes for all to be told and done."""
        self.street.deaf = self.street.provider.away = False
        self.street.provider.before = self.street.provider.after = None
        for _ in range(3):
            await self.finish()
            await self.street.turn(4000)
        for _ in range(8):
            await self.street.turn(DAYS_S / 8)
            await self.finish()
            await self.street.quiet()


@pytest.fixture
async def street(storage, clock) -> AsyncIterator[Street]:
    async with a_street(storage, clock) as street:
        yield street


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(doings=st.lists(st.sampled_from(DOINGS), min_size=10, max_size=30), seed=st.integers(0, 2**32))
async def test_whatever_happens_the_books_hold_and_in_the_end_the_banks_say_the_same(street, doings, seed):
    history = History(street, Random(seed))  # of one town, whose earlier histories are over
    for doing in ["open", "pay", *doings]:
        await history.do(doing)
        assert await faults(street.town.storage.pool) == {}
    await history.settle()
    under_way = await street.town.storage.pool.fetch(
        "SELECT status, reason FROM refunds WHERE status IN ('requested', 'sent') AND method = 'card'"
    )
    assert under_way == []
    await street.agree()
    for payment in street.bank.books.payments.values():
        assert payment.refunded_minor <= payment.amount_minor
