"""What people do about accounts: sign in, make accounts, make and revoke device keys."""

from dataclasses import dataclass
from uuid import UUID

from server.accounts.device_keys import hash_of, new_device_key
from server.accounts.passwords import Passwords
from server.accounts.permissions import Permission, require
from server.accounts.roles import Role
from server.accounts.sign_in_limit import SignInLimit
from server.accounts.store import Account, AccountStore
from server.accounts.tokens import Tokens
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.errors import BadInput, NotAuthenticated, NotFound, Refused
from server.ids import new_id
from server.storage.database import database_errors
from server.storage.unit_of_work import Storage

# Phones that speak HTTP prove themselves with each request; a revoked key works this much longer, elsewhere.
DEVICE_KEY_CACHE_S = 2.0
MAX_CACHED_KEYS = 50_000


class WrongPassword(NotAuthenticated):
    """No active account has this login and this password."""

    code = "wrong_password"


class UnknownDeviceKey(NotAuthenticated):
    """No active account has this device key."""

    code = "unknown_device_key"


class LoginTaken(Refused):
    """Another account has this login."""

    code = "login_taken"


class BadAccount(BadInput):
    """A merchant's account names its merchant, and only a merchant's account does."""

    code = "bad_account"


class AccountNotFound(NotFound):
    """No account has this id."""

    code = "account_not_found"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A token, whose it is, and how long it is good."""

    token: str
    viewer: Viewer
    account: Account


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

    def __init__(self, storage: Storage, tokens: Tokens, clock: Clock) -> None:
        self._storage = storage
        self._tokens = tokens
        self._clock = clock
        self._passwords = Passwords()
        self._limit = SignInLimit()
        self._viewers: dict[
            bytes, tuple[Viewer, float]
        ] = {}  # device key's hash -> viewer, cached until (monotonic)

    async def sign_in(self, login: str, password: str) -> SignedIn:
        """A token for a login and its password; WrongPassword, or TooManySignIns after many of those."""
        now_s = self._clock.monotonic_s()
        self._limit.check(login, now_s)
        self._limit.failed(login, now_s)  # until it is known better: many at once must not get past the limit
        with database_errors():
            found = await AccountStore(self._storage.pool).by_login(login)
        account, password_hash = found or (None, None)
        good = await self._passwords.verify(password, password_hash)
        if account is None or not good or not account.active:
            raise WrongPassword
        self._limit.succeeded(login)
        return self._signed_in(account)

    async def sign_in_with_device_key(self, device_key: str) -> SignedIn:
        """A token for a device key; UnknownDeviceKey."""
        with database_errors():
            account = await AccountStore(self._storage.pool).by_device_key(hash_of(device_key))
        if account is None:
            raise UnknownDeviceKey
        return self._signed_in(account)

    async def viewer_of_device_key(self, device_key: str) -> Viewer:
        """Who shows this key with a request; UnknownDeviceKey.  Asked of the database once in two seconds."""
        key_hash = hash_of(device_key)
        now_s = self._clock.monotonic_s()
        cached = self._viewers.get(key_hash)
        if cached is not None and now_s < cached[1]:
            return cached[0]
        viewer = (await self.sign_in_with_device_key(device_key)).viewer
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
        return await self._create(new)

    async def set_administrator(self, login: str, password: str) -> None:
        """For the operator at the machine: make this administrator, or renew the password and let them in again.

        LoginTaken when the login is somebody else's.
        """
        password_hash = await self._passwords.hash(password)
        async with self._storage.unit_of_work() as work:
            if await AccountStore(work.connection).renew_administrator(login, password_hash):
                return
        await self._create(
            NewAccount(role=Role.ADMINISTRATOR, login=login, display_name="Administrator", password=password)
        )

    async def make_device_key(self, viewer: Viewer, account_id: UUID, label: str = "") -> str:
        """A new key for the account, told this once and never again."""
        require(viewer, Permission.MANAGE_ACCOUNTS)
        await self.account(account_id)
        device_key = new_device_key()
        async with self._storage.unit_of_work() as work:
            await AccountStore(work.connection).add_device_key(
                hash_of(device_key), account_id, label, work.now
            )
        return device_key

    async def revoke_device_keys(self, viewer: Viewer, account_id: UUID) -> int:
        """End all keys of the account: here at once, in other processes within DEVICE_KEY_CACHE_S."""
        require(viewer, Permission.MANAGE_ACCOUNTS)
        async with self._storage.unit_of_work() as work:
            removed = await AccountStore(work.connection).remove_device_keys(account_id)
        self._viewers = {
            key_hash: entry for key_hash, entry in self._viewers.items() if entry[0].account_id != account_id
        }
        return removed

    async def _create(self, new: NewAccount) -> Account:
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
                active=True,
                created_at=work.now,
            )
            if not await store.insert(account, password_hash):
                raise LoginTaken
        return account

    def _signed_in(self, account: Account) -> SignedIn:
        viewer = self._tokens.viewer(account.id, account.role, account.merchant_id)
        return SignedIn(self._tokens.issue(viewer), viewer, account)
