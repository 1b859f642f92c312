"""Phone numbers: whatever form people write them in, one that exists becomes one E.164 number."""

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.faults import SENTENCES
from server.orders.phones import LENGTHS, UNREADABLE, BadPhone, is_region, to_e164


@pytest.mark.parametrize(
    ("written", "region", "expected"),
    [
        ("+358401234567", "FI", "+358401234567"),
        ("+358 40 123 4567", "FI", "+358401234567"),
        ("040 123 4567", "FI", "+358401234567"),
        ("(040) 123-4567", "FI", "+358401234567"),
        ("00358 40 1234567", "FI", "+358401234567"),
        ("09 1234567", "FI", "+35891234567"),  # a fixed line can be reached as well
        ("138 0013 8000", "CN", "+8613800138000"),
        ("+86 138 0013 8000", "FI", "+8613800138000"),
        ("010 6552 9988", "CN", "+861065529988"),
        ("０４０１２３４５６７", "FI", "+358401234567"),  # full-width digits of a Chinese keyboard
        ("٠٤٠١٢٣٤٥٦٧", "FI", "+358401234567"),
    ],
)
def test_a_number_is_kept_as_the_world_dials_it(written, region, expected):
    assert to_e164(written, region) == expected


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "bad_phone"),
        ("call me", "phone_has_letters"),
        ("040 CALL ME", "phone_has_letters"),
        ("040 1234567 ext. 12", "phone_has_letters"),
        ("040 1234567;ext=12", "phone_has_letters"),
        ("7", "phone_too_short"),
        ("040", "phone_too_short"),
        ("+358", "phone_too_short"),
        ("+358 40 123 4567 890 123", "phone_too_long"),
        ("+" + "1" * 16, "phone_too_long"),
        ("1" * 300, "phone_too_long"),
        ("+210 40 123 4567", "phone_unknown_country"),
        ("+1 212 555", "phone_too_short"),
        ("+1 111 111 1111", "phone_not_in_use"),
        ("0600 12345", "phone_unreachable"),  # a service that costs the caller
        ("--", "bad_phone"),
    ],
)
def test_what_is_wrong_is_told_in_a_word(written, why):
    with pytest.raises(BadPhone) as refused:
        to_e164(written, "FI")
    assert refused.value.why == why


def test_every_word_has_its_sentence():
    assert {*LENGTHS.values(), *UNREADABLE.values()} <= SENTENCES.keys()


def test_a_region_is_a_country_with_phones():
    assert is_region("FI")
    assert not is_region("XX")
    assert not is_region("fi")


@given(st.text(max_size=40))
def test_whatever_is_written_is_a_number_of_at_most_fifteen_digits_or_none(written):
    try:
        number = to_e164(written, "FI")
    except BadPhone:
        pass
    else:
        assert re.fullmatch(r"\+[1-9][0-9]{4,14}", number)
        assert to_e164(number, "US") == number  # whoever reads it, it is the same number


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
def test_every_country_s_own_example_is_taken_in_every_form(region):
    number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if number is None or not phonenumbers.is_valid_number(number):
        return
    forms = phonenumbers.PhoneNumberFormat
    for form in (forms.E164, forms.INTERNATIONAL, forms.NATIONAL):
        written = phonenumbers.format_number(number, form)
        assert to_e164(written, region) == phonenumbers.format_number(number, forms.E164)
