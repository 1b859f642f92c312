"""Refresh tokens: what a page or a phone keeps to get new access tokens by.  Pure.

`rt_<family>.<secret>`, 256 random bits each.  The family stays as long as the session does; the secret is another one
after each refresh, made out of the one before with a key of ours, so that whoever asks twice, since the answer was
lost or two of a browser's tabs asked at once, is told the same.  Only hashes are stored.  A secret shown again after
that is somebody else's copy: then the whole session ends.
"""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from server.errors import NotAuthenticated

PREFIX = "rt_"
PART_BYTES = 32
# As long as a client waits for an answer and asks again; a thief has no more time than this to go unnoticed.
GRACE = timedelta(seconds=20)


class BadRefreshToken(NotAuthenticated):
    """No session goes on with this refresh token; sign in again."""

    code = "bad_refresh_token"


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One, taken apart."""

    family: bytes
    secret: bytes

    def __str__(self) -> str:
        return f"{PREFIX}{_letters(self.family)}.{_letters(self.secret)}"

    @classmethod
    def fresh(cls) -> "RefreshToken":
        """A new family's first."""
        return cls(secrets.token_bytes(PART_BYTES), secrets.token_bytes(PART_BYTES))

    @classmethod
    def parse(cls, text: str) -> "RefreshToken":
        """BadRefreshToken for anything that is none of ours."""
        family, dot, secret = text.removeprefix(PREFIX).partition(".")
        if not text.startswith(PREFIX) or not dot:
            raise BadRefreshToken
        token = cls(_bytes(family), _bytes(secret))
        if len(token.family) != PART_BYTES or len(token.secret) != PART_BYTES or str(token) != text:
            raise BadRefreshToken
        return token


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a session remembers of its refresh tokens."""

    secret_hash: bytes
    previous_hash: bytes | None
    refreshed_at: datetime
    ends_at: datetime
    ended_at: datetime | None


class Finding(Enum):
    """What a refresh token that was shown means."""

    NEXT = auto()  # it is the newest: here is the next one
    AGAIN = auto()  # the one before, shown again a moment later: the same answer as then
    STOLEN = auto()  # two people have it: nobody goes on
    OVER = auto()  # the session has ended


def finding(kept: Kept, secret: bytes, *, at: datetime) -> Finding:
    """What it means that this secret of the session's family is shown."""
    shown = hash_of(secret)
    if kept.ended_at is not None or at >= kept.ends_at:
        return Finding.OVER
    if shown == kept.secret_hash:
        return Finding.NEXT
    if shown == kept.previous_hash and at - kept.refreshed_at <= GRACE:
        return Finding.AGAIN
    return Finding.STOLEN


def hash_of(part: bytes) -> bytes:
    """What is stored.  A plain SHA-256 is enough: nobody guesses 256 random bits."""
    return hashlib.sha256(part).digest()


def _letters(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _bytes(letters: str) -> bytes:
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRefreshToken from error
