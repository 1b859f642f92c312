"""Refunds: their table, what they leave, what the rules give back, what people see."""

from datetime import timedelta

import pytest

from server.orders.lifecycle import IllegalTransition, Status
from server.orders.model import PaymentStatus
from server.orders.refunds import (
    LONGEST_RETRY,
    REFUND_HAPPENED,
    REFUND_TRANSITIONS,
    NothingPaid,
    RefundEvent,
    RefundStatus,
    TooMuch,
    check_amount,
    giving_back,
    is_earned,
    payment_status,
    retry_after,
)
from server.orders.tickets import Bearer
from tests.builders import an_order
from tests.fakes import NOON
from tests.unit.orders.test_ledger import ORDER, a_payment, a_refund

S, E = RefundStatus, RefundEvent


@pytest.mark.parametrize("status", list(S))
@pytest.mark.parametrize("event", list(E))
def test_only_what_the_table_has_can_happen(status, event):
    refund = a_refund(ORDER, 100, status=status)
    if event in REFUND_TRANSITIONS[status]:
        moved = refund.after(event, at=NOON)
        assert (moved.status, moved.version) == (REFUND_TRANSITIONS[status][event], refund.version + 1)
        assert (moved.ended_at is None) is (moved.status in (S.REQUESTED, S.SENT))
    else:
        with pytest.raises(IllegalTransition):
            refund.after(event, at=NOON)


def test_everything_that_can_happen_has_its_word():
    assert set(REFUND_HAPPENED) == set(E)


def test_attempts_are_counted():
    refund = a_refund(ORDER, 100, status=S.REQUESTED)
    for attempts in range(1, 4):
        refund = refund.after(E.SEND, at=NOON)
        assert refund.attempts == attempts


def test_it_waits_twice_as_long_each_time_and_never_longer_than_an_hour():
    first = timedelta(seconds=15)
    waits = [retry_after(attempts, first) for attempts in range(1, 40)]
    assert waits[:3] == [first, 2 * first, 4 * first]
    assert max(waits) == waits[-1] == LONGEST_RETRY


def test_all_that_is_left_or_so_much_of_it():
    payment = a_payment(ORDER, given_back_minor=190)
    assert check_amount(payment, None) == 2000
    assert check_amount(payment, 2000) == 2000
    for too_much in (2001, 0, -1):
        with pytest.raises(TooMuch):
            check_amount(payment, too_much)
    with pytest.raises(TooMuch):
        check_amount(a_payment(ORDER, given_back_minor=2190), None)
    with pytest.raises(NothingPaid):
        check_amount(None, None)


@pytest.mark.parametrize(
    ("refunds", "expected"),
    [
        ([], PaymentStatus.PAID),
        ([(2190, S.REQUESTED)], PaymentStatus.REFUND_PENDING),
        ([(100, S.CONFIRMED), (100, S.SENT)], PaymentStatus.REFUND_PENDING),
        ([(100, S.CONFIRMED)], PaymentStatus.PARTLY_REFUNDED),
        ([(100, S.CONFIRMED), (2090, S.CONFIRMED)], PaymentStatus.REFUNDED),
        ([(2190, S.FAILED)], PaymentStatus.PAID),
        ([(2190, S.WITHDRAWN)], PaymentStatus.PAID),
    ],
)
def test_what_people_see(refunds, expected):
    told = [a_refund(ORDER, amount_minor, status=status) for amount_minor, status in refunds]
    assert payment_status(a_payment(ORDER), told) is expected
    assert payment_status(None, []) is PaymentStatus.DUE


@pytest.mark.parametrize(
    ("status", "ended_by", "accepted", "bearer", "waits", "earned"),
    [
        (Status.EXPIRED, None, False, Bearer.MERCHANT, False, False),
        (Status.REJECTED, "merchant", False, Bearer.MERCHANT, True, False),
        (Status.CANCELLED, "customer", False, Bearer.PLATFORM, True, False),
        (Status.CANCELLED, "customer", True, Bearer.PLATFORM, True, True),
        (Status.CANCELLED, "merchant", True, Bearer.MERCHANT, True, False),
        (Status.RETURNED, None, True, Bearer.PLATFORM, True, True),
        (Status.CLOSED, None, True, Bearer.PLATFORM, True, True),
        (Status.COMPLETED, None, True, None, None, True),
        (Status.DELIVERING, None, True, None, None, False),
        (Status.PENDING_ACCEPTANCE, None, False, None, None, False),
    ],
)
def test_how_an_order_ends_says_whose_the_money_is(status, ended_by, accepted, bearer, waits, earned):
    order = an_order(status=status, ended_by=ended_by, accepted_at=NOON if accepted else None)
    giving = giving_back(order)
    assert (giving and giving.borne_by) is bearer
    assert (giving and giving.waits) is waits
    assert is_earned(order) is earned
