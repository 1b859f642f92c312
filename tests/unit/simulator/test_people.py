"""What a simulation remembers of its people, where only its owner reads it."""

import msgspec
import pytest

from server.errors import StartupError
from server.simulator.people import Book, read_accounts
from server.simulator.phone import Account
from server.simulator.run_city import BOOK_NAME, CityOptions, demo_accounts
from server.simulator.tally import CityTally


def test_before_the_first_start_nobody_is_remembered(tmp_path):
    assert read_accounts(tmp_path / BOOK_NAME) == {}
    assert demo_accounts(tmp_path) == {}


def test_the_demos_logins_are_found_by_what_they_are_for(tmp_path):
    customer = Account("1", "customer", "customer-abcd", password="secret")
    rider = Account("2", "courier", "courier-7", device_key="key")
    book = Book("abcd", accounts={"customer": customer, "courier-7": rider})
    (tmp_path / BOOK_NAME).write_bytes(msgspec.json.encode(book))
    assert demo_accounts(tmp_path) == {"customer": customer}


def test_a_broken_book_is_one_sentence(tmp_path):
    (tmp_path / BOOK_NAME).write_text("{")
    with pytest.raises(StartupError, match="Remove it to begin anew"):
        demo_accounts(tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        {"couriers": 0},
        {"merchants": 0},
        {"orders_per_hour": 0},
        {"speed": float("nan")},
        {"fix_every_s": float("inf")},
    ],
)
def test_a_city_that_cannot_be_is_refused(options):
    with pytest.raises(StartupError):
        CityOptions(**options)


def test_the_line_tells_troubles_only_when_there_are_some():
    tally = CityTally(couriers=3, open=2, delivered=1)
    assert tally.line() == "3 couriers riding, 2 orders open, 1 delivered, fixes 0 sent, 0 stored"
    tally.fixes.refused["impossible_speed"] = 4
    assert tally.line().endswith(", 4 fixes refused")
