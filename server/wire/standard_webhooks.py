"""Signing and checking words between servers, as Standard Webhooks has it (`v1`, HMAC-SHA256).  Pure.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping

SECRET_BYTES = 32  # the standard wants 24 to 64
TOLERANCE_S = 300
MAX_ID_LENGTH = 200
_PREFIX = "whsec_"


class NotSigned(ValueError):
    """No good signature of ours, or one that is too old or too new."""


def read_secret(text: str) -> bytes:
    """The secret written as `whsec_` and base64; ValueError when it is not."""
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


def write_secret(secret: bytes) -> str:
    """The secret as people and libraries have it."""
    return _PREFIX + base64.b64encode(secret).decode("ascii")


def sign(secrets: Iterable[bytes], message_id: str, unix_s: int, body: bytes) -> dict[str, str]:
    """The three headers that prove that `body` is ours and was sent at `unix_s`.

    There is a signature by each secret, so that a receiver may change over in peace.
    """
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(unix_s),
        "webhook-signature": " ".join(signature(secret, message_id, unix_s, body) for secret in secrets),
    }


def check(secrets: Iterable[bytes], headers: Mapping[str, str], body: bytes, *, now_s: float) -> str:
    """The id of the message, which was signed with one of `secrets` a few minutes ago at most; NotSigned.

    All comparisons are made, each in constant time: how long this takes tells nobody anything.
    """
    message_id, written_s = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not 0 < len(message_id) <= MAX_ID_LENGTH or not (message_id.isascii() and message_id.isprintable()):
        raise NotSigned("no id")
    if not (written_s.isascii() and written_s.isdigit() and len(written_s) <= 12):
        raise NotSigned("no moment")
    unix_s = int(written_s)
    given = [one.encode("utf-8", "replace") for one in headers.get("webhook-signature", "").split(" ")]
    good = False
    for secret in secrets:
        expected = signature(secret, message_id, unix_s, body).encode("ascii")
        for one in given:
            good |= hmac.compare_digest(expected, one)
    if not good:
        raise NotSigned("no good signature")
    if abs(now_s - unix_s) > TOLERANCE_S:
        raise NotSigned("too old, or from the future")
    return message_id


def signature(secret: bytes, message_id: str, unix_s: int, body: bytes) -> str:
    """One signature of the message `message_id`, as it stands in the header."""
    signed = b"%s.%d.%s" % (message_id.encode("ascii"), unix_s, body)
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode("ascii")
