"""Signatures of webhooks as Standard Webhooks has them (`v1`, HMAC-SHA256).  Pure.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable

SECRET_BYTES = 32  # the standard wants 24 to 64
_PREFIX = "whsec_"


def shown_secret(secret: bytes) -> str:
    """The secret as people and the receivers' libraries have it: `whsec_` and base64."""
    return _PREFIX + base64.b64encode(secret).decode("ascii")


def signature(secret: bytes, message_id: str, unix_s: int, body: bytes) -> str:
    """What proves that `body` is ours, was sent at `unix_s` and is the message `message_id`."""
    signed = b"%s.%d.%s" % (message_id.encode("ascii"), unix_s, body)
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode("ascii")


def signed_headers(secrets: Iterable[bytes], message_id: str, unix_s: int, body: bytes) -> dict[str, str]:
    """The three headers of the standard; a signature by each secret, so that a receiver may change over in peace."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(unix_s),
        "webhook-signature": " ".join(signature(secret, message_id, unix_s, body) for secret in secrets),
    }
