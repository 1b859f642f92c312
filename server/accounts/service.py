"""What is done about accounts: making them, giving and ending their device keys, deciding who may come in.

Signing in stands in sessions.py.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from server.accounts import standing
from server.accounts.audit import AuditStore
from server.accounts.device_keys import hash_of, new_device_key
from server.accounts.log import account_judged, session_ended
from server.accounts.passwords import Passwords
from server.accounts.permissions import Permission, may, require
from server.accounts.proofs import Proofs
from server.accounts.roles import Role
from server.accounts.sessions import UnknownDeviceKey, end_sessions
from server.accounts.standing import Verdict, require_active
from server.accounts.store import Account, AccountStore
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.errors import BadInput, NotAllowed, NotFound, Refused
from server.ids import new_id
from server.storage.database import database_errors
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork

# Phones that speak HTTP prove themselves with each request; the database is asked about a key this often.
DEVICE_KEY_CACHE_S = 2.0
MAX_CACHED_KEYS = 50_000
REINSTATE = "reinstate"  # the timer that ends a suspension


class LoginTaken(Refused):
    """Another account has this login."""

    code = "login_taken"


class BadAccount(BadInput):
    """A merchant's account names its merchant, and only a merchant's account does."""

    code = "bad_account"


class AccountNotFound(NotFound):
    """No account has this id."""

    code = "account_not_found"


class BadSuspension(BadInput):
    """A suspension ends in the future."""

    code = "bad_suspension"


class NotOneself(NotAllowed):
    """Nobody decides about their own account."""

    code = "not_oneself"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """What an administrator says of somebody new."""

    role: Role
    login: str
    display_name: str
    password: str | None = None  # none: this account signs in by device key only
    merchant_id: UUID | None = None


class AccountService:
    """The accounts of this platform."""

    def __init__(
        self, storage: Storage, proofs: Proofs, clock: Clock, passwords: Passwords | None = None
    ) -> None:
        self._storage = storage
        self._proofs = proofs
        self._clock = clock
        self._passwords = passwords or Passwords()
        self._viewers: dict[
            bytes, tuple[Viewer, float]
        ] = {}  # device key's hash -> viewer, cached until (monotonic)

    def register(self, timers: Timers) -> None:
        """Let the clock end suspensions."""
        timers.on(REINSTATE, self._reinstate)

    async def viewer_of_device_key(self, device_key: str) -> Viewer:
        """Who shows this key with a request; UnknownDeviceKey.  Asked of the database once in two seconds."""
        key_hash = hash_of(device_key)
        now_s = self._clock.monotonic_s()
        cached = self._viewers.get(key_hash)
        if cached is not None and now_s < cached[1]:
            self._proofs.board.check(cached[0])
            return cached[0]
        with database_errors():
            found = await AccountStore(self._storage.pool).by_device_key(key_hash)
        if found is None:
            raise UnknownDeviceKey
        account, key_id = found
        require_active(account.status)
        viewer = self._proofs.viewer(account.id, account.role, account.merchant_id, session_id=key_id)
        if len(self._viewers) >= MAX_CACHED_KEYS:
            self._viewers.clear()
        self._viewers[key_hash] = viewer, now_s + DEVICE_KEY_CACHE_S
        return viewer

    async def account(self, account_id: UUID) -> Account:
        """The account of this id; AccountNotFound."""
        with database_errors():
            account = await AccountStore(self._storage.pool).by_id(account_id)
        if account is None:
            raise AccountNotFound
        return account

    async def create(self, viewer: Viewer, new: NewAccount) -> Account:
        """A new account, made by somebody who may; BadAccount, BadPassword or LoginTaken."""
        require(viewer, Permission.MANAGE_ACCOUNTS)
        return await self._create(new, by=viewer)

    async def managed(self, viewer: Viewer, account_id: UUID) -> Account:
        """Anybody's account, to those who manage them; AccountNotFound."""
        require(viewer, Permission.MANAGE_ACCOUNTS)
        return await self.account(account_id)

    async def set_administrator(self, login: str, password: str) -> None:
        """For the operator at the machine: make this administrator, or renew the password and let them in again.

        LoginTaken when the login is somebody else's.
        """
        password_hash = await self._passwords.hash(password)
        async with self._storage.unit_of_work() as work:
            account_id = await AccountStore(work.connection).renew_administrator(login, password_hash)
            if account_id is not None:
                await AuditStore(work.connection).did(
                    None, "renew_administrator", "account", account_id, at=work.now
                )
                await end_sessions(work, self._proofs, account_id, "password set", actor_id=None)
                return
        await self._create(
            NewAccount(role=Role.ADMINISTRATOR, login=login, display_name="Administrator", password=password)
        )

    async def set_password(self, viewer: Viewer, account_id: UUID, password: str) -> None:
        """An administrator gives somebody another password; ends all of their sessions."""
        require(viewer, Permission.MANAGE_ACCOUNTS)
        password_hash = await self._passwords.hash(password)
        async with self._storage.unit_of_work() as work:
            store = AccountStore(work.connection)
            if await store.lock(account_id) is None:
                raise AccountNotFound
            await store.set_password_hash(account_id, password_hash)
            await end_sessions(work, self._proofs, account_id, "password set", actor_id=viewer.account_id)
            await AuditStore(work.connection).did(viewer, "set_password", "account", account_id, at=work.now)

    # Who may come in

    async def judge(
        self,
        viewer: Viewer,
        account_id: UUID,
        verdict: Verdict,
        reason: str,
        *,
        until: datetime | None = None,
    ) -> Account:
        """Suspend (`until` then, or until somebody says otherwise), reinstate or dismiss somebody; who they are now."""
        async with self._storage.unit_of_work() as work:
            return await self.judge_within(work, viewer, account_id, verdict, reason, until=until)

    async def judge_within(
        self,
        work: UnitOfWork,
        viewer: Viewer,
        account_id: UUID,
        verdict: Verdict,
        reason: str,
        *,
        until: datetime | None = None,
    ) -> Account:
        """The same as a part of something larger (a ticket's decision).

        `reason` is a word of a catalogue, not prose: it stands in the audit for ever.  Every process refuses a
        barred account's tokens and closes its sockets as soon as it hears of this from the log.
        """
        account = await AccountStore(work.connection).lock(account_id)
        self._require_may_judge(viewer, account)
        if account is None:
            raise AccountNotFound
        if account_id == viewer.account_id:
            raise NotOneself
        if until is not None and until <= work.now:
            raise BadSuspension
        await AuditStore(work.connection).did(
            viewer, verdict.value, "account", account_id, at=work.now, reason=reason, until=until
        )
        return await self._judge(work, account, verdict, actor_id=viewer.account_id, until=until)

    async def _judge(
        self,
        work: UnitOfWork,
        account: Account,
        verdict: Verdict,
        *,
        actor_id: UUID | None,
        until: datetime | None = None,
    ) -> Account:
        now_is = standing.after(account.status, verdict)
        version = await AccountStore(work.connection).set_standing(account.id, now_is)
        await work.append(
            account_judged(
                account.id,
                version,
                verdict,
                now_is,
                until=self._proofs.last_good(work.now),
                actor_id=actor_id,
                at=work.now,
            )
        )
        if verdict is Verdict.SUSPEND and until is not None:
            await work.set_timer(REINSTATE, account.id, until)
        else:
            await work.clear_timer(REINSTATE, account.id)
        if verdict is Verdict.DISMISS:
            await end_sessions(work, self._proofs, account.id, "dismissed", actor_id=actor_id)
        judged = await AccountStore(work.connection).by_id(account.id)
        assert judged is not None
        return judged

    def _require_may_judge(self, viewer: Viewer, account: Account | None) -> None:
        """Couriers are judged by operations, everybody by administrators."""
        if may(viewer, Permission.MANAGE_ACCOUNTS):
            return
        require(viewer, Permission.JUDGE_COURIER)
        if account is not None and account.role is not Role.COURIER:
            raise NotAllowed(permission=Permission.MANAGE_ACCOUNTS.value)

    async def _reinstate(self, work: UnitOfWork, account_id: UUID, payload: dict[str, Any]) -> None:
        account = await AccountStore(work.connection).lock(account_id)
        if account is not None and account.status is standing.Standing.SUSPENDED:
            await AuditStore(work.connection).did(
                None, Verdict.REINSTATE.value, "account", account_id, at=work.now, reason="time_over"
            )
            await self._judge(work, account, Verdict.REINSTATE, actor_id=None)

    # Device keys

    async def make_device_key(self, viewer: Viewer, account_id: UUID, label: str = "") -> str:
        """A new key for the account, told this once and never again."""
        require(viewer, Permission.MANAGE_ACCOUNTS)
        await self.account(account_id)
        device_key = new_device_key()
        async with self._storage.unit_of_work() as work:
            await AccountStore(work.connection).add_device_key(
                hash_of(device_key), account_id, label, work.now
            )
            await AuditStore(work.connection).did(
                viewer, "make_device_key", "account", account_id, at=work.now
            )
        return device_key

    async def revoke_device_keys(self, viewer: Viewer, account_id: UUID) -> int:
        """End all keys of the account and every token made with them, in all processes; how many keys there were."""
        require(viewer, Permission.MANAGE_ACCOUNTS)
        async with self._storage.unit_of_work() as work:
            removed = await AccountStore(work.connection).remove_device_keys(account_id)
            until = self._proofs.last_good(work.now)
            await work.append(
                *(
                    session_ended(key_id, account_id, until=until, actor_id=viewer.account_id, at=work.now)
                    for key_id in removed
                )
            )
            if removed:
                await AuditStore(work.connection).did(
                    viewer, "revoke_device_keys", "account", account_id, at=work.now, keys=len(removed)
                )
        self._viewers = {
            key_hash: entry for key_hash, entry in self._viewers.items() if entry[0].account_id != account_id
        }
        return len(removed)

    async def _create(self, new: NewAccount, *, by: Viewer | None = None) -> Account:
        if (new.role is Role.MERCHANT) != (new.merchant_id is not None):
            raise BadAccount
        password_hash = None if new.password is None else await self._passwords.hash(new.password)
        async with self._storage.unit_of_work() as work:
            store = AccountStore(work.connection)
            if new.merchant_id is not None and not await store.merchant_exists(new.merchant_id):
                raise BadAccount("No merchant has this id")
            account = Account(
                id=new_id(self._clock.now_ms()),
                role=new.role,
                login=new.login,
                display_name=new.display_name,
                merchant_id=new.merchant_id,
                created_at=work.now,
            )
            if not await store.insert(account, password_hash):
                raise LoginTaken
            await AuditStore(work.connection).did(
                by, "create_account", "account", account.id, at=work.now, role=new.role
            )
        return account
