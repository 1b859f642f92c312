"""Codes: the same for the same order, of four digits, and nobody guesses on."""

from uuid import uuid4

import pytest

from server.orders.codes import MAX_WRONG_CODES, Codes, TooManyWrongCodes, Waiver, WrongCode, check_code

CODES = Codes("a secret")


def test_a_code_is_four_digits_that_only_our_secret_knows():
    order_id = uuid4()
    for code in (CODES.pickup(order_id), CODES.dropoff(order_id)):
        assert len(code) == 4
        assert code.isdigit()
    assert CODES.pickup(order_id) == Codes("a secret").pickup(order_id)
    assert CODES.of(Waiver.PICKUP_CODE, order_id) == CODES.pickup(order_id)
    assert CODES.of(Waiver.DROPOFF_PROOF, order_id) == CODES.dropoff(order_id)


def test_codes_differ_between_orders_doors_and_secrets():
    orders = [uuid4() for _ in range(100)]
    assert len({CODES.pickup(order_id) for order_id in orders}) > 90
    assert sum(CODES.pickup(order_id) == CODES.dropoff(order_id) for order_id in orders) < 5
    assert sum(CODES.pickup(order_id) == Codes("another").pickup(order_id) for order_id in orders) < 5


def test_a_code_may_be_said_with_a_blank_around_it():
    check_code(" 0123 ", "0123", wrong_before=MAX_WRONG_CODES - 1)


def test_who_says_a_wrong_one_is_told_how_many_are_left():
    with pytest.raises(WrongCode) as refused:
        check_code("1234", "0123", wrong_before=1)
    assert refused.value.details == {"left": 3}


@pytest.mark.parametrize("said", ["0123", "1234"])
def test_after_too_many_not_even_the_right_one_helps(said):
    with pytest.raises(TooManyWrongCodes):
        check_code(said, "0123", wrong_before=MAX_WRONG_CODES)


def test_what_is_no_ascii_is_wrong_and_nothing_worse():
    with pytest.raises(WrongCode):
        check_code("１２３４", "1234", wrong_before=0)
