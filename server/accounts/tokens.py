"""Access tokens: a signed, short-lived statement of who somebody is.  Nothing is stored; no database is asked.

What RFC 8725 asks for: the algorithm is ours and never the header's, the type is explicit (RFC 9068: `at+jwt`), issuer
and audience are checked.  Time is checked by our own clock, with leeway for the clocks of other hosts.
"""

from datetime import timedelta
from uuid import UUID

import jwt

from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.clock import Clock, from_ms, to_ms
from server.errors import NotAuthenticated
from server.settings import MIN_SECRET_BYTES

ALGORITHM = "HS256"
TYPE = "at+jwt"
ISSUER = "songda"
AUDIENCE = "songda/api"
LEEWAY_S = 60  # as far as the clocks of our hosts may be apart (faults.md 23)


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

    def viewer(self, account_id: UUID, role: Role, merchant_id: UUID | None) -> Viewer:
        """The viewer an account is from now until its token's end."""
        return Viewer(account_id, role, merchant_id, to_ms(self._clock.now() + self._ttl))

    def issue(self, viewer: Viewer) -> str:
        """The token that says so; it ends when `viewer` does, to the second."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(viewer.account_id),
            "role": viewer.role.value,
            "iat": self._clock.now_ms() // 1000,
            "exp": viewer.expires_at_ms // 1000,
        }
        if viewer.merchant_id is not None:
            claims["merchant"] = str(viewer.merchant_id)
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM, headers={"typ": TYPE})

    def read(self, token: str) -> Viewer:
        """Whom the token speaks of; TokenExpired, or NotAuthenticated for any other fault."""
        try:
            parts = jwt.decode_complete(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={
                    "require": ["iss", "aud", "sub", "iat", "exp"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,  # PyJWT has only the machine's clock
                },
            )
            claims = parts["payload"]
            if parts["header"].get("typ") != TYPE:
                raise NotAuthenticated
            expires_at_ms = int(claims["exp"]) * 1000
            merchant = claims.get("merchant")
            viewer = Viewer(
                UUID(claims["sub"]),
                Role(claims["role"]),
                None if merchant is None else UUID(merchant),
                expires_at_ms,
            )
            from_ms(expires_at_ms)  # a moment beyond the calendar is no moment
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
        if self._clock.now_ms() >= expires_at_ms + LEEWAY_S * 1000:
            raise TokenExpired
        return viewer
