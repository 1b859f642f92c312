"""Access tokens and tracking links: signed statements of who somebody is.  Nothing is stored; no database is asked.

What RFC 8725 asks for: the algorithm is ours and never the header's, the type is explicit (RFC 9068: `at+jwt`) and
each type has an audience of its own, issuer and audience are checked.  Time is checked by our own clock, with leeway
for the clocks of other hosts.  A good token of somebody who is refused by now is proofs.py's business.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from server.accounts.permissions import Permission
from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.clock import Clock, from_ms, to_ms
from server.errors import NotAuthenticated
from server.settings import MIN_SECRET_BYTES

ALGORITHM = "HS256"
ISSUER = "songda"
TYPE, AUDIENCE = "at+jwt", "songda/api"
LINK_TYPE, LINK_AUDIENCE = "link+jwt", "songda/link"
LEEWAY_S = 60  # as far as the clocks of our hosts may be apart (faults.md 23)

# What somebody without account may do with the order whose link they have: look, take, praise; not call it off.
LINK_PERMISSIONS = frozenset(
    {Permission.SEE_ORDER, Permission.CONFIRM_RECEIPT, Permission.REVIEW_ORDER, Permission.SEE_REVIEWS}
)


class TokenExpired(NotAuthenticated):
    """The token was good once; sign in again."""

    code = "token_expired"


class Tokens:
    """Makes and reads access tokens.  Every process with the same secret reads them alike."""

    def __init__(self, secret: str, ttl_s: float, clock: Clock) -> None:
        if len(secret.encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"a secret of at least {MIN_SECRET_BYTES} bytes is needed to sign tokens")
        self._secret = secret
        self._ttl = timedelta(seconds=ttl_s)
        self._clock = clock

    def viewer(self, account_id: UUID, role: Role, merchant_id: UUID | None, **facts: Any) -> Viewer:
        """The viewer an account is from now until its token's end; `facts` are the other fields of Viewer."""
        return Viewer(account_id, role, merchant_id, to_ms(self._clock.now() + self._ttl), **facts)

    def last_good(self, now: datetime) -> datetime:
        """The moment after which no access token given out before `now` is good."""
        return now + self._ttl + timedelta(seconds=LEEWAY_S)

    def derive(self, *parts: bytes) -> bytes:
        """256 bits that only we can make out of `parts`, always the same."""
        key = hashlib.sha256(b"songda derived secrets" + self._secret.encode()).digest()
        return hmac.digest(key, b"".join(len(part).to_bytes(4, "big") + part for part in parts), "sha256")

    def issue(self, viewer: Viewer) -> str:
        """The token that says so; it ends when `viewer` does, to the second."""
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": str(viewer.account_id),
            "iat": self._clock.now_ms() // 1000,
            "exp": viewer.expires_at_ms // 1000,
        }
        if viewer.order_id is not None:
            claims |= {"aud": LINK_AUDIENCE, "sub": str(viewer.order_id), "jti": str(viewer.account_id)}
            return self._signed(claims, LINK_TYPE)
        claims |= {"aud": AUDIENCE, "role": viewer.role.value}
        if viewer.merchant_id is not None:
            claims["merchant"] = str(viewer.merchant_id)
        if viewer.session_id is not None:
            claims["sid"] = str(viewer.session_id)
        if viewer.permissions is not None:
            claims["scopes"] = sorted(viewer.permissions)
        return self._signed(claims, TYPE)

    def read(self, token: str) -> Viewer:
        """Whom the token speaks of; TokenExpired, or NotAuthenticated for any other fault."""
        try:
            kind = KINDS[jwt.get_unverified_header(token)["typ"]]  # it is signed, too
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=kind.audience,
                options={
                    "require": ["iss", "aud", "sub", "iat", "exp"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,  # PyJWT has only the machine's clock
                },
            )
            viewer = kind.viewer(claims, int(claims["exp"]) * 1000)
            from_ms(viewer.expires_at_ms)  # a moment beyond the calendar is no moment
        except (
            jwt.InvalidTokenError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            OverflowError,
            OSError,
        ) as error:
            raise NotAuthenticated from error
        if self._clock.now_ms() >= viewer.expires_at_ms + LEEWAY_S * 1000:
            raise TokenExpired
        return viewer

    def _signed(self, claims: dict[str, Any], kind: str) -> str:
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM, headers={"typ": kind})


def link_viewer(link_id: UUID, order_id: UUID, expires_at_ms: int) -> Viewer:
    """Whoever has this link: a customer of this one order, who is nobody's account."""
    return Viewer(
        link_id,
        Role.CUSTOMER,
        None,
        expires_at_ms,
        permissions=LINK_PERMISSIONS,
        order_id=order_id,
        session_id=link_id,
    )


def _account_viewer(claims: dict[str, Any], expires_at_ms: int) -> Viewer:
    merchant, session, scopes = claims.get("merchant"), claims.get("sid"), claims.get("scopes")
    return Viewer(
        UUID(claims["sub"]),
        Role(claims["role"]),
        None if merchant is None else UUID(merchant),
        expires_at_ms,
        permissions=None if scopes is None else frozenset(Permission(scope) for scope in scopes),
        session_id=None if session is None else UUID(session),
    )


def _link_viewer(claims: dict[str, Any], expires_at_ms: int) -> Viewer:
    return link_viewer(UUID(claims["jti"]), UUID(claims["sub"]), expires_at_ms)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One explicit type of token: whom it is for, and how its claims are read."""

    audience: str
    viewer: Callable[[dict[str, Any], int], Viewer]


KINDS = {TYPE: _Kind(AUDIENCE, _account_viewer), LINK_TYPE: _Kind(LINK_AUDIENCE, _link_viewer)}
