"""What people ask and decide about money: an order's books, a merchant's account, refunds, compensations."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from server.accounts.permissions import (
    OrderNotFound,
    Permission,
    may,
    may_for_order,
    require,
    require_for_all,
    require_for_merchant,
)
from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.ids import new_id
from server.orders.checkout_store import CheckoutStore
from server.orders.checkouts import CheckoutNotFound, CheckoutStatus
from server.orders.commands import fingerprint, once
from server.orders.ledger import Account, Compensation, compensated
from server.orders.ledger_store import LedgerStore
from server.orders.lifecycle import IllegalTransition
from server.orders.model import NOBODY, OrderPeople, PaymentMethod
from server.orders.money_log import compensation_event
from server.orders.money_views import payment_json, plain, refund_json
from server.orders.payment_store import PaymentStore
from server.orders.payments import Money, Payment
from server.orders.refund_service import RefundService
from server.orders.refunds import (
    BadAmount,
    NoBearer,
    Refund,
    RefundNotFound,
    RefundStatus,
    confirmed_minor,
    payment_status,
)
from server.orders.store import OrderStore
from server.orders.tickets import Bearer
from server.orders.views import Json
from server.storage.database import database_errors
from server.storage.unit_of_work import Storage, UnitOfWork

# A code, such as those of the tickets' catalogue: what people would say in words may name somebody.
ReasonCode = Annotated[
    str, Meta(pattern="^[a-z][a-z0-9_]{0,59}$", description="a code, such as `item_missing`")
]
MinorAmount = Annotated[int, Meta(ge=1, le=10**12, description="in minor units of the order's currency")]


class RefundWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much goes back (an amount, or all that is left), why, and who bears it."""

    reason: ReasonCode
    borne_by: Bearer
    amount_minor: MinorAmount | None = None
    full: bool = False


class Beneficiary(StrEnum):
    """Who can be compensated."""

    CUSTOMER = "customer"
    MERCHANT = "merchant"
    COURIER = "courier"


class CompensationForm(StrEnum):
    """What a compensation is."""

    VOUCHER = "voucher"  # 优惠券
    CREDIT = "credit"  # 余额


class CompensationWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something beyond the price: to whom, how much, why, and who bears it."""

    amount_minor: MinorAmount
    reason: ReasonCode
    borne_by: Bearer
    to: Beneficiary = Beneficiary.CUSTOMER
    form: CompensationForm = CompensationForm.CREDIT


class MoneyService:
    """Whoever sees or moves money does it here; the tickets' decisions go through `refunds` themselves."""

    def __init__(self, storage: Storage, clock: Clock, refunds: RefundService) -> None:
        self._storage = storage
        self._clock = clock
        self._refunds = refunds

    async def refund(
        self, viewer: Viewer, order_id: UUID, wish: RefundWish, *, key: str | None = None
    ) -> Json:
        """Have money go back to the customer; TooMuch, NothingPaid, NoBearer."""
        require_for_all(viewer, Permission.REFUND)
        if (wish.amount_minor is None) is not wish.full:
            raise BadAmount

        async def act(work: UnitOfWork) -> Json:
            await _hold(work, order_id)
            refund = await self._refunds.request_refund(
                work,
                order_id,
                amount_minor=wish.amount_minor,
                reason=wish.reason,
                borne_by=wish.borne_by,
                by=viewer,
            )
            return refund_json(refund, for_staff=True)

        return await once(self._storage, viewer, key, fingerprint("refund", order_id, wish), act)

    async def pay_out(
        self, viewer: Viewer, order_id: UUID, refund_id: UUID, *, key: str | None = None
    ) -> Json:
        """The cash of a refund was handed over; RefundNotFound when none waits for that."""
        require_for_all(viewer, Permission.REFUND)

        async def act(work: UnitOfWork) -> Json:
            await _hold(work, order_id)
            store = PaymentStore(work.connection)
            await store.find(order_id, lock=True)
            refund = await store.refund(refund_id)
            if refund.order_id != order_id or refund.method is not PaymentMethod.CASH:
                raise RefundNotFound
            if refund.status is not RefundStatus.REQUESTED:
                raise IllegalTransition(refund.status, RefundStatus.CONFIRMED)
            return refund_json(await self._refunds.pay_out(work, refund, viewer), for_staff=True)

        return await once(self._storage, viewer, key, fingerprint("pay_out", order_id, refund_id), act)

    async def record_payout(
        self,
        work: UnitOfWork,
        order_id: UUID,
        amount_minor: int,
        *,
        reason: str,
        borne_by: Bearer,
        by: Viewer,
        ticket_id: UUID | None = None,
    ) -> Refund:
        """Money was given back by hand, however it came; within a unit of work that holds the order."""
        store = PaymentStore(work.connection)
        await store.find(order_id, lock=True)
        waiting = [
            refund
            for refund in await store.refunds(order_id)
            if refund.method is PaymentMethod.CASH
            and refund.status is RefundStatus.REQUESTED
            and refund.amount_minor == amount_minor
        ]
        if waiting:
            return await self._refunds.pay_out(work, waiting[0], by)
        refund = await self._refunds.request_refund(
            work, order_id, amount_minor=amount_minor, reason=reason, borne_by=borne_by, by=by, ticket_id=ticket_id,
            method=PaymentMethod.CASH,
        )  # fmt: skip
        return await self._refunds.pay_out(work, refund, by)

    async def compensate(
        self, viewer: Viewer, order_id: UUID, wish: CompensationWish, *, key: str | None = None
    ) -> Json:
        """Give something beyond the price; NoBearer when it is a courier's and none had the order."""
        require_for_all(viewer, Permission.REFUND)

        async def act(work: UnitOfWork) -> Json:
            order = await OrderStore(work.connection).lock(order_id)
            payment = Payment(
                order_id=order.id, customer_id=order.customer_id, merchant_id=order.merchant_id,
                method=order.payment_method, money=Money(order.total_minor, order.currency), came_at=work.now,
            )  # fmt: skip
            whose = order.customer_id
            if wish.to is not Beneficiary.CUSTOMER:
                found = await self._refunds.bearer_id(work, payment, Bearer(wish.to.value))
                assert found is not None  # a merchant or a courier
                whose = found
            given = Compensation(
                id=new_id(self._clock.now_ms()),
                order_id=order_id,
                beneficiary=Account(wish.to.value),
                beneficiary_id=whose,
                amount_minor=wish.amount_minor,
                currency=order.currency,
                borne_by=wish.borne_by,
                bearer_id=await self._refunds.bearer_id(work, payment, wish.borne_by),
            )
            if given.beneficiary.value == given.borne_by.value:
                raise NoBearer("Nobody compensates themselves")
            await PaymentStore(work.connection).insert_compensation(
                given, form=wish.form.value, reason=wish.reason, decided_by=viewer.account_id, ticket_id=None,
                at=work.now,
            )  # fmt: skip
            await LedgerStore(work.connection).book(compensated(given), work.now)
            await work.append(
                compensation_event(given, form=wish.form.value, reason=wish.reason, by=viewer, at=work.now)
            )
            found_rows = await PaymentStore(work.connection).compensations(order_id)
            return plain(next(row for row in found_rows if row["id"] == given.id))

        return await once(self._storage, viewer, key, fingerprint("compensate", order_id, wish), act)

    async def refunds(self, viewer: Viewer, order_id: UUID) -> list[Json]:
        """What goes back and went back of an order's money, oldest first; to its customer, its merchant and staff."""
        store = PaymentStore(self._storage.pool)
        with database_errors():
            for_staff = await self._require_sight(viewer, order_id, also=Permission.SEE_ORDER)
            found = await store.refunds(order_id)
        return [refund_json(refund, for_staff=for_staff) for refund in found]

    async def of_order(self, viewer: Viewer, order_id: UUID) -> Json:
        """The books of one order."""
        require(viewer, Permission.SEE_MONEY)
        store = PaymentStore(self._storage.pool)
        with database_errors():
            await self._require_sight(viewer, order_id)
            payment = await store.find(order_id)
            refunds = await store.refunds(order_id)
            compensations = await store.compensations(order_id)
            entries = await LedgerStore(self._storage.pool).of_order(order_id)
        if viewer.role is Role.MERCHANT:  # its own account, and what goes back; not what others earn
            entries = [entry for entry in entries if entry["owner_id"] == viewer.merchant_id]
            compensations = [
                one
                for one in compensations
                if viewer.merchant_id in (one["beneficiary_id"], one["bearer_id"])
            ]
        return {
            "order_id": str(order_id),
            "payment_status": payment_status(payment, refunds).value,
            "payment": None if payment is None else payment_json(payment),
            "refunded_minor": confirmed_minor(refunds),
            "refunds": [refund_json(refund, for_staff=True) for refund in refunds],
            "compensations": [plain(one) for one in compensations],
            "entries": [plain(entry) for entry in entries],
        }

    async def of_merchant(
        self,
        viewer: Viewer,
        merchant_id: UUID,
        *,
        begins: datetime | None,
        ends: datetime | None,
        before: int | None,
        limit: int,
    ) -> tuple[list[Json], dict[str, int]]:
        """A merchant's account, newest first, and what it comes to in that span, by currency."""
        require_for_merchant(viewer, Permission.SEE_MONEY, merchant_id)
        store = LedgerStore(self._storage.pool)
        with database_errors():
            entries = await store.of_account(
                Account.MERCHANT, merchant_id, begins=begins, ends=ends, before=before, limit=limit
            )
            sums = await store.sums(Account.MERCHANT, merchant_id, begins=begins, ends=ends)
        return [plain(entry) for entry in entries], sums

    async def _require_sight(self, viewer: Viewer, order_id: UUID, *, also: Permission | None = None) -> bool:
        """Whether the viewer sees all about the money of this order; OrderNotFound when nothing of it."""
        if not may(viewer, Permission.SEE_MONEY):
            require(viewer, also or Permission.SEE_MONEY)
        people = await self._people(order_id)
        if may_for_order(viewer, Permission.SEE_MONEY, **people):
            return True
        if viewer.role is Role.CUSTOMER and also is not None and may_for_order(viewer, also, **people):
            return False
        raise OrderNotFound

    async def _people(self, order_id: UUID) -> OrderPeople:
        """Whose the money of this order is; no merchant's while, or where, its merchant has not heard of it."""
        try:
            return (await OrderStore(self._storage.pool).get(order_id)).people()
        except OrderNotFound:  # archived, or a checkout that came to nothing
            payment = await PaymentStore(self._storage.pool).find(order_id)
            if payment is None:
                raise
        try:
            checkout = await CheckoutStore(self._storage.pool).get(order_id)
            was_order = checkout.status is CheckoutStatus.PAID
        except CheckoutNotFound:
            was_order = True
        return {
            "order_id": order_id,
            "customer_id": payment.customer_id,
            "merchant_id": payment.merchant_id if was_order else NOBODY,
            "courier_id": None,
        }


async def _hold(work: UnitOfWork, order_id: UUID) -> None:
    """Hold the order before its money; of a checkout that came to nothing there is only the money."""
    try:
        await OrderStore(work.connection).lock(order_id)
    except OrderNotFound:
        if await PaymentStore(work.connection).find(order_id) is None:
            raise
