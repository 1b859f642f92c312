"""Signing in and staying so: passwords and keys become short access tokens, refresh tokens bring the next ones.

A session is a signing-in by password.  Programs and phones sign in by a key that they keep, and need no other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from server.accounts import refresh
from server.accounts.device_keys import hash_of
from server.accounts.log import session_ended
from server.accounts.passwords import Passwords
from server.accounts.refresh import BadRefreshToken, Finding, Kept, RefreshToken
from server.accounts.revocations import SignedOut
from server.accounts.session_store import Session, SessionStore
from server.accounts.sign_in_limit import WINDOW, Rule, attempt_of_address, attempt_of_login
from server.accounts.standing import require_active
from server.accounts.store import Account, AccountStore
from server.accounts.tokens import Tokens
from server.accounts.viewer import Viewer
from server.clock import Clock, to_ms
from server.errors import NotAllowed, NotAuthenticated, NotFound
from server.ids import new_id
from server.storage.database import database_errors
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork

FORGET_SESSIONS = "forget_sessions"  # the timer
FORGET_EVERY = timedelta(hours=1)
KEEP_ENDED = timedelta(days=30)
_NOBODY_S = UUID(int=1)


class WrongPassword(NotAuthenticated):
    """No active account has this login and this password."""

    code = "wrong_password"


class UnknownDeviceKey(NotAuthenticated):
    """No active account has this device key."""

    code = "unknown_device_key"


class SessionNotFound(NotFound):
    """You have no open session of this id."""

    code = "session_not_found"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A token, whose it is, and how long it is good; the refresh token brings the next one."""

    token: str
    viewer: Viewer
    account: Account
    refresh_token: str | None = None


class SessionService:
    """Who is signed in, from where and for how long."""

    def __init__(
        self,
        storage: Storage,
        tokens: Tokens,
        clock: Clock,
        *,
        session_ttl_s: float,
        passwords: Passwords | None = None,
    ) -> None:
        self._storage = storage
        self._tokens = tokens
        self._clock = clock
        self._longest = timedelta(seconds=session_ttl_s)
        self._passwords = passwords or Passwords()

    async def register(self, timers: Timers) -> None:
        """Forget what is long over, now and then every hour."""
        timers.on(FORGET_SESSIONS, self._forget)
        async with self._storage.unit_of_work() as work:
            await work.set_timer(FORGET_SESSIONS, _NOBODY_S, work.now)

    # In

    async def sign_in(
        self, login: str, password: str, *, label: str = "", address: str | None = None
    ) -> SignedIn:
        """A session for a login and its password; WrongPassword, or TooManySignIns after many of those.

        `address` is the caller's on the network; only a hash of it is kept, and that for a quarter of an hour.
        """
        subjects: dict[bytes, Rule] = {self._tokens.derive(b"login", login.encode()): attempt_of_login}
        if address is not None:
            subjects[self._tokens.derive(b"address", address.encode())] = attempt_of_address
        await self._count(subjects)  # until it is known better: many at once must not get past the limit
        with database_errors():
            found = await AccountStore(self._storage.pool).by_login(login)
        account, password_hash = found or (None, None)
        good = await self._passwords.verify(password, password_hash)
        if account is None or not good:
            raise WrongPassword
        async with self._storage.unit_of_work() as work:
            # Checking took a while: who was given another password or shut out meanwhile does not slip in.
            now_is = await AccountStore(work.connection).lock(account.id)
            if (
                now_is is None
                or await AccountStore(work.connection).password_hash(account.id) != password_hash
            ):
                raise WrongPassword
            require_active(now_is.status)
            store = SessionStore(work.connection)
            for subject, rule in subjects.items():
                await (store.forgive if rule is attempt_of_login else store.one_less)(subject)
            return await self._begin(work, now_is, label)

    async def sign_in_with_device_key(self, device_key: str) -> SignedIn:
        """A token for a device key; UnknownDeviceKey, Suspended or Dismissed."""
        with database_errors():
            found = await AccountStore(self._storage.pool).by_device_key(hash_of(device_key))
        if found is None:
            raise UnknownDeviceKey
        account, key_id = found
        require_active(account.status)
        viewer = self._tokens.viewer(account.id, account.role, account.merchant_id, session_id=key_id)
        return SignedIn(self._tokens.issue(viewer), viewer, account)

    async def refresh(self, text: str) -> SignedIn:
        """The next tokens of a session; BadRefreshToken or SignedOut when it does not go on."""
        shown = RefreshToken.parse(text)
        async with self._storage.unit_of_work() as work:
            refused, signed_in = await self._refreshed(work, shown)
        if refused is not None:  # only now: that the session has ended is to stay true
            raise refused
        assert signed_in is not None
        return signed_in

    async def _refreshed(
        self, work: UnitOfWork, shown: RefreshToken
    ) -> tuple[NotAuthenticated | NotAllowed | None, SignedIn | None]:
        store = SessionStore(work.connection)
        session = await store.lock_family(refresh.hash_of(shown.family))
        if session is None:
            return BadRefreshToken(), None
        account = await AccountStore(work.connection).by_id(session.account_id)
        assert account is not None  # sessions go with their account
        try:
            require_active(account.status)
        except NotAllowed as error:
            return error, None
        found = refresh.finding(session.kept, shown.secret, at=work.now)
        match found:
            case Finding.OVER:
                return SignedOut(), None
            case Finding.STOLEN:
                await end_sessions(
                    work, self._tokens, account.id, "refresh token used twice", only=session.id, actor_id=None
                )
                return SignedOut(), None
            case Finding.NEXT:
                secret = self._secret(shown.family, session.generation + 1)
                await store.refreshed(session, refresh.hash_of(secret), work.now)
            case Finding.AGAIN:
                secret = self._secret(shown.family, session.generation)
        return None, self._signed_in(account, session, RefreshToken(shown.family, secret))

    # What one has, and out

    async def mine(self, viewer: Viewer) -> list[Session]:
        """The viewer's open sessions, the one used last first."""
        with database_errors():
            return await SessionStore(self._storage.pool).open_of(viewer.account_id, self._clock.now())

    async def sign_out(self, viewer: Viewer) -> None:
        """End the session that this token came from; one from a key just runs out."""
        if viewer.session_id is None:
            return
        async with self._storage.unit_of_work() as work:
            await end_sessions(
                work,
                self._tokens,
                viewer.account_id,
                "signed out",
                only=viewer.session_id,
                actor_id=viewer.account_id,
            )

    async def end(self, viewer: Viewer, session_id: UUID) -> None:
        """End another session of the viewer's; SessionNotFound."""
        async with self._storage.unit_of_work() as work:
            ended = await end_sessions(
                work,
                self._tokens,
                viewer.account_id,
                "signed out",
                only=session_id,
                actor_id=viewer.account_id,
            )
        if not ended:
            raise SessionNotFound

    async def change_password(self, viewer: Viewer, old: str, new: str) -> None:
        """Another password of one's own; ends all other sessions.  WrongPassword, TooManySignIns, BadPassword."""
        with database_errors():
            password_hash = await AccountStore(self._storage.pool).password_hash(viewer.account_id)
        subject = self._tokens.derive(b"password of", viewer.account_id.bytes)
        await self._count({subject: attempt_of_login})
        if not await self._passwords.verify(old, password_hash):
            raise WrongPassword
        new_hash = await self._passwords.hash(new)
        async with self._storage.unit_of_work() as work:
            await SessionStore(work.connection).forgive(subject)
            await AccountStore(work.connection).set_password_hash(viewer.account_id, new_hash)
            await end_sessions(
                work,
                self._tokens,
                viewer.account_id,
                "password changed",
                but=viewer.session_id,
                actor_id=viewer.account_id,
            )

    # Within

    async def _begin(self, work: UnitOfWork, account: Account, label: str) -> SignedIn:
        token = RefreshToken.fresh()
        session = Session(
            id=new_id(self._clock.now_ms()),
            account_id=account.id,
            label=label,
            generation=1,
            created_at=work.now,
            kept=Kept(
                secret_hash=refresh.hash_of(token.secret),
                previous_hash=None,
                refreshed_at=work.now,
                ends_at=work.now + self._longest,
                ended_at=None,
            ),
        )
        await SessionStore(work.connection).insert(session, refresh.hash_of(token.family))
        return self._signed_in(account, session, token)

    def _signed_in(self, account: Account, session: Session, token: RefreshToken) -> SignedIn:
        viewer = self._tokens.viewer(account.id, account.role, account.merchant_id, session_id=session.id)
        ends_at_ms = to_ms(session.kept.ends_at)
        viewer = replace(viewer, expires_at_ms=min(viewer.expires_at_ms, ends_at_ms))
        return SignedIn(self._tokens.issue(viewer), viewer, account, str(token))

    def _secret(self, family: bytes, generation: int) -> bytes:
        return self._tokens.derive(b"refresh", family, generation.to_bytes(8, "big"))

    async def _count(self, subjects: Mapping[bytes, Rule]) -> None:
        """Count an attempt of each; TooManySignIns before anything is counted when one of them must wait."""
        async with self._storage.unit_of_work() as work:
            store = SessionStore(work.connection)
            for subject, rule in subjects.items():
                failures = rule(await store.lock_failures(subject, work.now), work.now)
                await store.set_failures(subject, failures)

    async def _forget(self, work: UnitOfWork, entity_id: UUID, payload: dict[str, Any]) -> None:
        await SessionStore(work.connection).forget(work.now - KEEP_ENDED, work.now - 2 * WINDOW)
        await work.set_timer(FORGET_SESSIONS, entity_id, work.now + FORGET_EVERY)


async def end_sessions(
    work: UnitOfWork,
    tokens: Tokens,
    account_id: UUID,
    why: str,
    *,
    actor_id: UUID | None,
    only: UUID | None = None,
    but: UUID | None = None,
) -> list[UUID]:
    """End an account's sessions, `only` one or all `but` one, and tell every process; the ids of those that were."""
    ended = await SessionStore(work.connection).end(account_id, work.now, why, only=only, but=but)
    until = tokens.last_good(work.now)
    await work.append(
        *(
            session_ended(session_id, account_id, until=until, actor_id=actor_id, at=work.now)
            for session_id in ended
        )
    )
    return ended
