"""Pickup and drop-off codes, and how a courier proves that he was where he says.  Pure but for the secret it is given.

A code is four digits derived from our secret and the order, so it is kept nowhere.  The merchant is shown the pickup
code, the customer the drop-off code; the courier is told them by those people, and nobody by an event.
"""

import hashlib
import hmac
from enum import StrEnum
from uuid import UUID

from server.errors import Refused

MAX_WRONG_CODES = 5  # one in two thousand guesses right by chance
DIGITS = 4


class Waiver(StrEnum):
    """What somebody of the staff can let a courier go on without."""

    PICKUP_CODE = "pickup_code"
    DROPOFF_PROOF = "dropoff_proof"


class CodeNeeded(Refused):
    """The merchant hands the bag out only to whom it has told the pickup code."""

    code = "code_needed"


class ProofNeeded(Refused):
    """A code, a photo or a signature is needed that the bag has reached its people."""

    code = "proof_needed"


class WrongCode(Refused):
    """This is not the order's code; `left` says how many more may be tried."""

    code = "wrong_code"


class TooManyWrongCodes(Refused):
    """Too many wrong codes: the dispatcher or customer service must see to it."""

    code = "too_many_wrong_codes"


class Codes:
    """The codes of all orders, by our secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def pickup(self, order_id: UUID) -> str:
        """What the merchant tells the courier."""
        return self._code(order_id, "pickup")

    def dropoff(self, order_id: UUID) -> str:
        """What the customer tells the courier."""
        return self._code(order_id, "dropoff")

    def of(self, waiver: Waiver, order_id: UUID) -> str:
        """The code that this waiver would do without."""
        return self._code(order_id, "pickup" if waiver is Waiver.PICKUP_CODE else "dropoff")

    def _code(self, order_id: UUID, word: str) -> str:
        digest = hmac.digest(self._secret, b"%s:%s" % (word.encode(), order_id.bytes), hashlib.sha256)
        return f"{int.from_bytes(digest[:8], 'big') % 10**DIGITS:0{DIGITS}d}"


def check_code(said: str, right: str, *, wrong_before: int) -> None:
    """WrongCode, or TooManyWrongCodes once there were so many that nobody guesses on."""
    if wrong_before >= MAX_WRONG_CODES:
        raise TooManyWrongCodes
    if not hmac.compare_digest(said.strip().encode(), right.encode()):
        raise WrongCode(left=MAX_WRONG_CODES - wrong_before - 1)
