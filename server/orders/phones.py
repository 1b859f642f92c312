"""Phone numbers as people write them, brought into E.164 (+358401234567).  Pure.

A number without a country's code is read as one of `region`, an ISO 3166 country such as "FI".  Whether a number can
exist is asked of its country's numbering plan, not of its length alone.
"""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType, ValidationResult

from server.errors import BadInput

MAX_WRITTEN = 40

# Nobody answers at these: they cost the caller, or belong to machines.
UNREACHABLE = frozenset(
    {
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.PAGER,
        PhoneNumberType.VOICEMAIL,
    }
)
LENGTHS = {
    ValidationResult.TOO_SHORT: "phone_too_short",
    ValidationResult.TOO_LONG: "phone_too_long",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "phone_needs_area_code",
    ValidationResult.INVALID_COUNTRY_CODE: "phone_unknown_country",
}
UNREADABLE = {
    NumberParseException.INVALID_COUNTRY_CODE: "phone_unknown_country",
    NumberParseException.TOO_SHORT_AFTER_IDD: "phone_too_short",
    NumberParseException.TOO_SHORT_NSN: "phone_too_short",
    NumberParseException.TOO_LONG: "phone_too_long",
}


class BadPhone(BadInput):
    """That is no phone number at which somebody can be reached."""

    code = "bad_phone"

    def __init__(self, why: str) -> None:
        super().__init__(why=why)
        self.why = why  # the word of the fault


def to_e164(written: str, region: str) -> str:
    """The number `written` somewhere in `region`, as the world dials it; BadPhone says in a word what is wrong."""
    if any(letter.isalpha() for letter in written):
        # The library would dial 1-800-FLOWERS, and drop an extension that we could not store.
        raise BadPhone("phone_has_letters")
    try:
        number = phonenumbers.parse(written[: MAX_WRITTEN + 1], region)
    except NumberParseException as error:
        # Below two digits it is no number at all to the library, to people a short one.
        otherwise = "phone_too_short" if any(map(str.isdigit, written)) else "bad_phone"
        raise BadPhone(UNREADABLE.get(error.error_type, otherwise)) from error
    wrong_length = LENGTHS.get(phonenumbers.is_possible_number_with_reason(number))
    if wrong_length is not None:
        raise BadPhone(wrong_length)
    if number.extension:
        raise BadPhone("phone_has_extension")
    if not phonenumbers.is_valid_number(number):
        raise BadPhone("phone_not_in_use")
    if phonenumbers.number_type(number) in UNREACHABLE:
        raise BadPhone("phone_unreachable")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_region(region: str) -> bool:
    """Whether there is a country of this code with phones."""
    return region in phonenumbers.SUPPORTED_REGIONS
