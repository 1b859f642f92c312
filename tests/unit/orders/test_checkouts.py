"""Checkouts: their table, what a payment means for them, and when to ask for one."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from server.orders.checkouts import (
    CHECKOUT_HAPPENED,
    CHECKOUT_TRANSITIONS,
    LOOK_FOR,
    Checkout,
    CheckoutEvent,
    CheckoutStatus,
    next_look_at,
    what_payment_means,
)
from server.orders.lifecycle import IllegalTransition
from server.orders.payments import Money, PaymentState, ToldPayment
from tests.fakes import NOON

S, E = CheckoutStatus, CheckoutEvent
RETRY = timedelta(seconds=15)


def a_checkout(**facts):
    return Checkout(
        **{
            "id": uuid4(),
            "customer_id": uuid4(),
            "merchant_id": uuid4(),
            "status": S.AWAITING_PAYMENT,
            "version": 1,
            "lines": (),
            "items_minor": 1900,
            "delivery_fee_minor": 290,
            "total_minor": 2190,
            "currency": "EUR",
            "scheduled_from": None,
            "scheduled_to": None,
            "created_at": NOON,
            "lapses_at": NOON + timedelta(minutes=15),
            **facts,
        }
    )


def told(checkout, money=None):
    return ToldPayment(
        payment_id=checkout.id, state=PaymentState.PAID, money=money or checkout.money, provider_id="p"
    )


@pytest.mark.parametrize("status", list(S))
@pytest.mark.parametrize("event", list(E))
def test_only_what_the_table_has_can_happen(status, event):
    checkout = a_checkout(status=status)
    if event in CHECKOUT_TRANSITIONS[status]:
        moved = checkout.after(event, at=NOON)
        assert (moved.status, moved.version) == (CHECKOUT_TRANSITIONS[status][event], 2)
    else:
        with pytest.raises(IllegalTransition):
            checkout.after(event, at=NOON)


def test_everything_that_can_happen_has_its_word():
    assert set(CHECKOUT_HAPPENED) == set(E)


@pytest.mark.parametrize("status", [status for status in S if E.PAY_LATE in CHECKOUT_TRANSITIONS[status]])
def test_a_payment_always_means_something_for_who_could_still_be_paid(status):
    checkout = a_checkout(status=status)
    expected = E.PAY if status is S.AWAITING_PAYMENT else E.PAY_LATE
    assert what_payment_means(checkout, told(checkout), untouched=True) is expected
    assert what_payment_means(checkout, told(checkout), untouched=False) is E.PAY_LATE
    for money in (Money(2189, "EUR"), Money(2191, "EUR"), Money(2190, "SEK")):
        event = what_payment_means(checkout, told(checkout, money), untouched=True)
        assert event is E.PAY_WRONGLY
        assert event in CHECKOUT_TRANSITIONS[status]


def test_the_provider_is_asked_less_and_less_often_and_last_when_it_lapses():
    checkout, now, asked = a_checkout(), NOON, []
    while now < checkout.lapses_at:
        now = next_look_at(checkout, now=now, looks=len(asked), retry=RETRY)
        asked.append((now - NOON).total_seconds())
    assert asked == [15, 45, 105, 225, 465, 900]
    assert next_look_at(checkout, now=now, looks=6, retry=RETRY) == now + RETRY


def test_a_payment_that_could_come_late_is_looked_for_for_three_days():
    checkout = a_checkout(status=S.LAPSED)
    now, looks = NOON, 0
    while (again := next_look_at(checkout, now=now, looks=looks, retry=RETRY)) is not None:
        now, looks = again, looks + 1
    assert looks < 12
    assert LOOK_FOR / 2 < now - NOON <= LOOK_FOR
    closed = replace(checkout, closed_at_provider=True)
    assert next_look_at(closed, now=NOON, looks=0, retry=RETRY) is None
    assert next_look_at(a_checkout(status=S.PAID), now=NOON, looks=0, retry=RETRY) is None
