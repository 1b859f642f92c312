"""Checkouts from the wish to the order: opened, paid for at the provider, or ended without.

The provider is asked between transactions, never inside of one.  What it says, by webhook or when asked, is recorded
in one place (`heard`), where the first to say that the money has come makes the order, and everybody after is too late.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import structlog

from server.accounts.permissions import OrderNotFound, Permission, require, require_for_order
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.faults import Fault
from server.ids import new_id
from server.orders.birth import place_checked
from server.orders.checkout_store import CheckoutStore
from server.orders.checkouts import (
    ASK_BEFORE_LAPSING,
    CHECKOUT_HAPPENED,
    OPENED,
    Checkout,
    CheckoutEvent,
    CheckoutNotFound,
    CheckoutOver,
    CheckoutStatus,
    checked_again,
    next_look_at,
    opened,
    what_payment_means,
)
from server.orders.commands import fingerprint, once
from server.orders.door import at_the_door
from server.orders.ledger import came_in
from server.orders.ledger_store import LedgerStore
from server.orders.merchants import MerchantStore
from server.orders.model import NOBODY, PaymentMethod, PaymentStatus
from server.orders.money_log import checkout_event
from server.orders.payment_store import PaymentStore
from server.orders.payments import (
    CLOSED_STATES,
    Payment,
    PaymentProvider,
    PaymentState,
    ProviderAway,
    ProviderRefused,
    ToldPayment,
)
from server.orders.placing import CheckFailed, PlaceOrder
from server.orders.refund_service import RefundService
from server.orders.store import OrderStore
from server.orders.tickets import Bearer
from server.orders.views import Json
from server.settings import Settings
from server.storage.database import database_errors
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork

LOOK = "payment_look"  # the timer that asks the provider, and lets a checkout lapse

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a checkout ends that nobody has paid, and who ended it."""

    event: CheckoutEvent
    by: Viewer | None = None


class CheckoutService:
    """The commands about checkouts, and the clock's part in them."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        settings: Settings,
        provider: PaymentProvider | None,
        refunds: RefundService,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._settings = settings
        self._provider = provider
        self._refunds = refunds
        self._retry = timedelta(seconds=settings.payment_retry_s)

    def register(self, timers: Timers) -> None:
        """Let the clock ask for payments whose word does not come."""
        timers.on(LOOK, self._look)

    async def open(self, viewer: Viewer, asked: PlaceOrder, *, key: str | None = None) -> Json:
        """A checkout of the viewer's, and where to pay; CheckFailed tells all that is wrong with the wish.

        ProviderAway: the same request with the same key finds the same checkout.
        """
        require(viewer, Permission.PLACE_ORDER)

        async def act(work: UnitOfWork) -> Json:
            if self._provider is None:
                raise CheckFailed([Fault("/payment/method", "card_not_accepted")])
            checked = await at_the_door(
                work.connection, asked, at=work.now, settings=self._settings, methods=(PaymentMethod.CARD,)
            )
            if checked.total_minor == 0:
                raise CheckFailed([Fault("/payment/method", "nothing_to_pay")])
            lapses_after = timedelta(seconds=self._settings.checkout_lapses_after_s)
            checkout = opened(
                new_id(self._clock.now_ms()),
                viewer.account_id,
                checked,
                at=work.now,
                lapses_after=lapses_after,
            )
            await CheckoutStore(work.connection).insert(checkout)
            await OrderStore(work.connection).put_contact(checkout.id, checked.contact)
            await work.append(checkout_event(checkout, OPENED, at=work.now, by=viewer))
            await self._look_again(work, checkout, looks=0)
            return {"id": str(checkout.id)}

        kept = await once(self._storage, viewer, key, fingerprint("checkout", asked), act)
        checkout = await self._payable(UUID(kept["id"]))
        # As it was opened, whatever has become of it since: a repeated key gets the first answer.
        first = replace(
            checkout,
            status=CheckoutStatus.AWAITING_PAYMENT,
            version=1,
            ended_at=None,
            closed_at_provider=False,
        )
        return checkout_json(first)

    async def get(self, viewer: Viewer, checkout_id: UUID) -> Json:
        """A checkout of the viewer's own, or any for staff who see all orders; CheckoutNotFound."""
        with database_errors():
            checkout = await CheckoutStore(self._storage.pool).get(checkout_id)
        _require_own(viewer, Permission.SEE_ORDER, checkout)
        return checkout_json(checkout)

    async def cancel(self, viewer: Viewer, checkout_id: UUID, *, key: str | None = None) -> Json:
        """The customer does not want it any more; CheckoutOver when it is paid, or ended otherwise."""
        with database_errors():
            checkout = await CheckoutStore(self._storage.pool).get(checkout_id)
        _require_own(viewer, Permission.PLACE_ORDER, checkout)
        if checkout.is_waiting:
            await self._end(checkout_id, Ending(CheckoutEvent.ABANDON, viewer))

        async def act(work: UnitOfWork) -> Json:
            found = await CheckoutStore(work.connection).get(checkout_id)
            if found.status is not CheckoutStatus.ABANDONED:
                raise CheckoutOver(checkout=checkout_json(found))
            return checkout_json(found)

        return await once(self._storage, viewer, key, fingerprint("cancel_checkout", checkout_id), act)

    async def heard(self, work: UnitOfWork, told: ToldPayment, *, given_back_minor: int = 0) -> Checkout:
        """What the provider says of a payment, as an answer or by itself, once or twice; CheckoutNotFound."""
        checkout = await CheckoutStore(work.connection).lock(told.payment_id)
        match told.state:
            case PaymentState.PAID:
                return await self._paid(work, checkout, told, given_back_minor)
            case PaymentState.FAILED | PaymentState.CANCELLED:
                closed = replace(checkout, closed_at_provider=True)
                if checkout.is_waiting:
                    return await self._over(work, closed, Ending(CheckoutEvent.FAIL))
                await CheckoutStore(work.connection).replace(closed)
                return closed
            case _:
                return checkout

    async def _payable(self, checkout_id: UUID) -> Checkout:
        """The checkout with the address at which it is paid; ProviderAway, ProviderRefused, CheckoutOver."""
        with database_errors():
            checkout = await CheckoutStore(self._storage.pool).get(checkout_id)
        if checkout.pay_url is not None:
            return checkout
        if not checkout.is_waiting or self._provider is None:
            raise CheckoutOver
        try:
            told = await self._provider.create(checkout.id, checkout.money)
        except ProviderRefused:
            async with self._storage.unit_of_work() as work:
                refused = await CheckoutStore(work.connection).lock(checkout_id)
                if refused.is_waiting:
                    await self._over(
                        work, replace(refused, closed_at_provider=True), Ending(CheckoutEvent.FAIL)
                    )
            raise
        async with self._storage.unit_of_work() as work:
            await CheckoutStore(work.connection).set_pay_url(checkout_id, told.pay_url)
        return replace(checkout, pay_url=told.pay_url)

    async def _paid(
        self, work: UnitOfWork, checkout: Checkout, told: ToldPayment, given_back_minor: int
    ) -> Checkout:
        """The money has come: book it, and make the order of it, or have it go back."""
        payment = Payment(
            order_id=checkout.id,
            customer_id=checkout.customer_id,
            merchant_id=checkout.merchant_id,
            method=PaymentMethod.CARD,
            money=told.money,
            provider_id=told.provider_id,
            came_at=work.now,
        )
        if told.money.amount_minor == 0 or not await PaymentStore(work.connection).insert(payment):
            return checkout  # told before
        await LedgerStore(work.connection).book(came_in(payment), work.now)
        await work.clear_timer(LOOK, checkout.id)
        store = CheckoutStore(work.connection)
        contact = await OrderStore(work.connection).contact(checkout.id)
        event = what_payment_means(checkout, told, untouched=given_back_minor == 0 and contact is not None)
        moved = replace(checkout.after(event, at=work.now), closed_at_provider=True)
        await store.replace(moved)
        name = CHECKOUT_HAPPENED[event]
        more: dict[str, Any] = {}
        if event is CheckoutEvent.PAY_WRONGLY:
            more = {"paid_minor": told.money.amount_minor, "paid_currency": told.money.currency}
        await work.append(checkout_event(moved, name, at=work.now, **more))
        if contact is not None and event is CheckoutEvent.PAY:
            merchant = await MerchantStore(work.connection).get(checkout.merchant_id)
            await place_checked(
                work,
                checked_again(checkout, {"merchant": merchant, "contact": contact}),
                order_id=checkout.id,
                customer_id=checkout.customer_id,
                settings=self._settings,
                payment_status=PaymentStatus.PAID,
            )
            return moved
        await OrderStore(work.connection).forget_contact(checkout.id)
        if given_back_minor == 0:
            await self._refunds.request_refund(
                work, checkout.id, amount_minor=None, reason=name, borne_by=Bearer.PLATFORM, by=None
            )
        return moved  # or else the provider's word goes on about it (payment_service.py)

    async def _over(self, work: UnitOfWork, checkout: Checkout, ending: Ending) -> Checkout:
        """A checkout that waits ends unpaid, and nobody needs to know any more whom it was for."""
        store = CheckoutStore(work.connection)
        moved = checkout.after(ending.event, at=work.now)
        await store.replace(moved)
        await OrderStore(work.connection).forget_contact(checkout.id)
        await work.append(checkout_event(moved, CHECKOUT_HAPPENED[ending.event], at=work.now, by=ending.by))
        await self._look_again(work, moved, looks=0)
        return moved

    async def _look_again(self, work: UnitOfWork, checkout: Checkout, *, looks: int) -> None:
        due_at = next_look_at(checkout, now=work.now, looks=looks, retry=self._retry)
        if due_at is None:
            await work.clear_timer(LOOK, checkout.id)
        else:
            await work.set_timer(LOOK, checkout.id, due_at, {"looks": looks + 1})

    async def _look(self, work: UnitOfWork, checkout_id: UUID, payload: dict[str, Any]) -> None:
        """The provider's word has not come: ask for it once this is committed; in the end, lapse."""
        looks = int(payload.get("looks", 0))
        checkout = await CheckoutStore(work.connection).lock(checkout_id)
        if not (checkout.is_waiting and work.now >= checkout.lapses_at):
            await self._look_again(work, checkout, looks=looks)
            if checkout.is_waiting or not checkout.closed_at_provider:
                work.after_commit(partial(self._ask, checkout_id))
            return
        asked = int(payload.get("asked", 0))
        if asked < ASK_BEFORE_LAPSING and self._provider is not None:
            await work.set_timer(
                LOOK, checkout_id, work.now + self._retry, {"looks": looks, "asked": asked + 1}
            )
            work.after_commit(partial(self._end, checkout_id, Ending(CheckoutEvent.LAPSE), sure=True))
        else:
            await self._over(work, checkout, Ending(CheckoutEvent.LAPSE))

    async def _ask(self, checkout_id: UUID) -> None:
        if self._provider is None:
            return
        try:
            told = await self._provider.query(checkout_id)
        except (ProviderAway, ProviderRefused):
            return  # the timer asks again
        if told is not None:
            async with self._storage.unit_of_work() as work:
                await self.heard(work, told)

    async def _end(self, checkout_id: UUID, ending: Ending, *, sure: bool = False) -> None:
        """End a checkout, unless the provider says that it is paid; `sure`: not before it has said anything."""
        told, answered = None, True
        if self._provider is not None:
            try:
                told = await self._provider.cancel(checkout_id)
            except (ProviderAway, ProviderRefused):
                if sure:
                    return  # the timer asks again
                answered = False
        async with self._storage.unit_of_work() as work:
            if told is not None and told.state is PaymentState.PAID:
                await self.heard(work, told)
                return
            checkout = await CheckoutStore(work.connection).lock(checkout_id)
            if checkout.is_waiting:
                closed = answered and (told is None or told.state in CLOSED_STATES)
                await self._over(work, replace(checkout, closed_at_provider=closed), ending)


def _require_own(viewer: Viewer, permission: Permission, checkout: Checkout) -> None:
    """CheckoutNotFound for a foreign one; its merchant does not know of it before it is paid."""
    try:
        require_for_order(
            viewer, permission, customer_id=checkout.customer_id, merchant_id=NOBODY, order_id=checkout.id
        )
    except OrderNotFound as error:
        raise CheckoutNotFound from error


def checkout_json(checkout: Checkout) -> Json:
    """The checkout as its customer sees it."""
    view: Json = msgspec.to_builtins(checkout)
    view["items"] = view.pop("lines")
    del view["closed_at_provider"]
    return view
