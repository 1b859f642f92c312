"""The books: every transfer adds up, and everybody gets and bears what is theirs."""

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.orders.ledger import (
    Account,
    Compensation,
    Entry,
    Unbalanced,
    Why,
    borne,
    came_in,
    commission_minor,
    compensated,
    shares,
    transfer,
    went_back,
)
from server.orders.model import PaymentMethod
from server.orders.payments import Money, Payment
from server.orders.refunds import Refund, RefundStatus
from server.orders.tickets import Bearer
from tests.builders import an_order
from tests.fakes import NOON

minors = st.integers(0, 10**9)


def a_payment(order, **facts):
    return Payment(
        **{
            "order_id": order.id,
            "customer_id": order.customer_id,
            "merchant_id": order.merchant_id,
            "method": PaymentMethod.CARD,
            "money": Money(order.total_minor, order.currency),
            "came_at": NOON,
            **facts,
        }
    )


def a_refund(order, amount_minor, **facts):
    return Refund(
        **{
            "id": uuid4(),
            "order_id": order.id,
            "amount_minor": amount_minor,
            "currency": order.currency,
            "method": PaymentMethod.CARD,
            "status": RefundStatus.CONFIRMED,
            "version": 3,
            "reason": "late",
            "borne_by": Bearer.PLATFORM,
            "requested_at": NOON,
            **facts,
        }
    )


def sums(transfers):
    totals: dict[Account, int] = {}
    for one in transfers:
        for entry in one.entries:
            totals[entry.account] = totals.get(entry.account, 0) + entry.amount_minor
    return {account: amount for account, amount in totals.items() if amount}


ORDER = an_order(items_minor=1900, delivery_fee_minor=290, total_minor=2190)


def test_a_card_payment_is_the_customers_money_with_the_provider():
    assert sums(came_in(a_payment(ORDER))) == {Account.PROVIDER: -2190, Account.CUSTOMER: 2190}


def test_cash_is_in_the_couriers_hand():
    courier_id = uuid4()
    (told,) = came_in(a_payment(ORDER, method=PaymentMethod.CASH, courier_id=courier_id))
    assert told.why is Why.CASH_COLLECTED
    assert told.entries[0] == Entry(Account.CASH_IN_HAND, -2190, courier_id)


def test_completed_it_is_the_merchants_and_the_platforms():
    told = [*came_in(a_payment(ORDER)), *shares(ORDER, commission_basis_points=1500)]
    assert sums(told) == {Account.PROVIDER: -2190, Account.MERCHANT: 1615, Account.PLATFORM: 285 + 290}


@pytest.mark.parametrize(
    ("items_minor", "basis_points", "expected"),
    [(1900, 1500, 285), (10, 500, 0), (30, 500, 1), (10, 501, 1), (999, 1, 0), (0, 1500, 0), (1, 10_000, 1)],
)
def test_commission_is_rounded_halves_in_the_merchants_favour(items_minor, basis_points, expected):
    assert commission_minor(items_minor, basis_points) == expected


@pytest.mark.parametrize("bearer", list(Bearer))
def test_who_bears_a_refund_makes_it_good(bearer):
    payment, refund = a_payment(ORDER), a_refund(ORDER, 500, borne_by=bearer, bearer_id=uuid4())
    told = [
        *came_in(payment),
        *shares(ORDER, commission_basis_points=1500),
        *went_back(refund, payment),
        *borne(refund, payment),
    ]
    expected = {Account.PROVIDER: -1690, Account.MERCHANT: 1615, Account.PLATFORM: 575}
    account = Account(bearer.value)
    expected[account] = expected.get(account, 0) - 500
    assert sums(told) == expected


def test_a_card_payment_that_is_given_back_in_cash_stays_with_the_provider():
    told = went_back(a_refund(ORDER, 500, method=PaymentMethod.CASH), a_payment(ORDER))
    assert sums(told) == {Account.CASH_IN_HAND: 500, Account.CUSTOMER: -500}


def test_the_same_happening_is_the_same_transfer():
    payment, refund = a_payment(ORDER), a_refund(ORDER, 500)
    assert went_back(refund, payment)[0].id == went_back(replace(refund, version=9), payment)[0].id
    assert went_back(refund, payment)[0].id != borne(refund, payment)[0].id


def test_nobody_compensates_themselves():
    given_away = Compensation(
        id=uuid4(), order_id=ORDER.id, beneficiary=Account.MERCHANT, beneficiary_id=ORDER.merchant_id,
        amount_minor=300, currency="EUR", borne_by=Bearer.MERCHANT, bearer_id=ORDER.merchant_id,
    )  # fmt: skip
    assert compensated(given_away) == []
    paid = compensated(replace(given_away, borne_by=Bearer.PLATFORM, bearer_id=None))
    assert sums(paid) == {Account.MERCHANT: 300, Account.PLATFORM: -300}


def test_what_does_not_add_up_is_no_transfer():
    with pytest.raises(Unbalanced):
        transfer(ORDER.id, Why.PAYMENT, "EUR", [Entry(Account.PLATFORM, 1)], about=ORDER.id)


@given(minors, minors, st.integers(0, 10_000), minors, st.sampled_from(Bearer))
def test_whatever_the_sums_every_transfer_adds_up(items_minor, fee_minor, basis_points, refund_minor, bearer):
    order = replace(
        ORDER, items_minor=items_minor, delivery_fee_minor=fee_minor, total_minor=items_minor + fee_minor
    )
    payment, refund = a_payment(order), a_refund(order, refund_minor, borne_by=bearer)
    told = [
        *came_in(payment), *shares(order, commission_basis_points=basis_points), *went_back(refund, payment),
        *borne(refund, payment),
    ]  # fmt: skip
    assert all(sum(entry.amount_minor for entry in one.entries) == 0 for one in told)
    assert all(entry.amount_minor for one in told for entry in one.entries)
    assert sums(told).get(Account.CUSTOMER, 0) == 0
