"""What a server of ours may answer to a program, as errors: refused, unreachable, closed for good.  Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from server.errors import TrackingError, Unavailable


class RequestRefused(TrackingError):
    """The server understood and said no; `code` is its word, `http_status` 0 when a socket said it."""

    def __init__(
        self, code: str, message: str, *, http_status: int = 0, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message or code)
        self.code = code
        self.http_status = http_status
        self.details = details or {}

    def __str__(self) -> str:
        return f"{self.args[0]} ({self.code})"


class Unreachable(Unavailable):
    """No answer came: the request may or may not have been carried out.  Repeat it with the same idempotency key."""

    code = "unreachable"


class ClosedForGood(TrackingError):
    """The server closed the socket with a code that says: do not come back."""

    code = "closed_for_good"

    def __init__(self, close_code: int, reason: str) -> None:
        super().__init__(
            f"The server closed the socket for good ({close_code}{': ' + reason if reason else ''})."
        )
        self.close_code = close_code


def asked_pause_s(reason: str) -> float | None:
    """The seconds a close reason asks a client to stay away, as {"retry_in_ms": …}; None when it asks for nothing."""
    try:
        pause = msgspec.json.decode(reason, type=_Pause)
    except msgspec.DecodeError:
        return None
    return max(pause.retry_in_ms, 0) / 1000.0


class _Pause(msgspec.Struct):
    retry_in_ms: int
