"""Signing in, making accounts, device keys: on a real database."""

import asyncio
from uuid import uuid4

import pytest

from server.accounts.passwords import BadPassword
from server.accounts.permissions import Permission, scope
from server.accounts.roles import Role
from server.accounts.service import (
    DEVICE_KEY_CACHE_S,
    AccountNotFound,
    AccountService,
    BadAccount,
    LoginTaken,
    NewAccount,
    UnknownDeviceKey,
    WrongPassword,
)
from server.accounts.sign_in_limit import FREE_FAILURES, TooManySignIns
from server.accounts.tokens import Tokens
from server.errors import NotAllowed
from tests.builders import SECRET, a_viewer, an_item
from tests.integration.people import add_merchant

ADMINISTRATOR = a_viewer(Role.ADMINISTRATOR)
PASSWORD = "correct horse"


@pytest.fixture
def tokens(clock):
    return Tokens(SECRET, 3600.0, clock)


@pytest.fixture
def accounts(storage, tokens, clock):
    return AccountService(storage, tokens, clock)


def somebody(**facts):
    return NewAccount(
        **{
            "role": Role.COURIER,
            "login": "li",
            "display_name": "Li",
            "password": PASSWORD,
            **facts,
        }
    )


async def test_who_has_an_account_signs_in_and_the_token_says_who_it_is(accounts, tokens):
    account = await accounts.create(ADMINISTRATOR, somebody())
    signed_in = await accounts.sign_in("li", PASSWORD)
    assert signed_in.account == account
    assert tokens.read(signed_in.token) == signed_in.viewer
    assert (signed_in.viewer.account_id, signed_in.viewer.role) == (account.id, Role.COURIER)


@pytest.mark.parametrize(
    ("login", "password"), [("li", "wrong horse"), ("nobody", PASSWORD), ("li", ""), ("", "")]
)
async def test_nobody_else_does(accounts, login, password):
    await accounts.create(ADMINISTRATOR, somebody())
    with pytest.raises(WrongPassword):
        await accounts.sign_in(login, password)


async def test_without_a_password_there_is_no_signing_in_by_one(accounts):
    await accounts.create(ADMINISTRATOR, somebody(password=None))
    with pytest.raises(WrongPassword):
        await accounts.sign_in("li", "")


async def test_who_guesses_must_wait_even_with_the_right_password(accounts, clock):
    await accounts.create(ADMINISTRATOR, somebody())
    for _ in range(FREE_FAILURES):
        with pytest.raises(WrongPassword):
            await accounts.sign_in("li", "wrong horse")
    with pytest.raises(TooManySignIns):
        await accounts.sign_in("li", PASSWORD)
    clock.turn(1)
    await accounts.sign_in("li", PASSWORD)


async def test_guessing_many_at_once_gets_no_further(accounts):
    guesses = (accounts.sign_in("li", f"guess number {number}") for number in range(20))
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert [type(answer) for answer in answers].count(WrongPassword) == FREE_FAILURES


async def test_a_closed_account_lets_nobody_in(accounts, storage):
    account = await accounts.create(ADMINISTRATOR, somebody())
    key = await accounts.make_device_key(ADMINISTRATOR, account.id)
    await storage.pool.execute("UPDATE accounts SET active = false")
    with pytest.raises(WrongPassword):
        await accounts.sign_in("li", PASSWORD)
    with pytest.raises(UnknownDeviceKey):
        await accounts.sign_in_with_device_key(key)


async def test_a_merchants_account_has_its_merchant_and_no_other_has_one(accounts, storage):
    merchant = await add_merchant(storage, [an_item()])
    account = await accounts.create(ADMINISTRATOR, somebody(role=Role.MERCHANT, merchant_id=merchant.id))
    assert (await accounts.sign_in("li", PASSWORD)).viewer.merchant_id == merchant.id == account.merchant_id
    for wrong in (
        somebody(login="a", role=Role.MERCHANT),
        somebody(login="a", merchant_id=merchant.id),
        somebody(login="a", role=Role.MERCHANT, merchant_id=uuid4()),
    ):
        with pytest.raises(BadAccount):
            await accounts.create(ADMINISTRATOR, wrong)


async def test_a_login_belongs_to_one(accounts):
    await accounts.create(ADMINISTRATOR, somebody())
    with pytest.raises(LoginTaken):
        await accounts.create(ADMINISTRATOR, somebody())
    with pytest.raises(BadPassword):
        await accounts.create(ADMINISTRATOR, somebody(login="other", password="short"))


@pytest.mark.parametrize("role", [role for role in Role if not scope(role, Permission.MANAGE_ACCOUNTS)])
async def test_only_who_may_makes_accounts_and_keys(accounts, role):
    account = await accounts.create(ADMINISTRATOR, somebody(password=None))
    for forbidden in (
        accounts.create(a_viewer(role), somebody(login="other")),
        accounts.make_device_key(a_viewer(role), account.id),
        accounts.revoke_device_keys(a_viewer(role), account.id),
    ):
        with pytest.raises(NotAllowed):
            await forbidden


async def test_the_operator_makes_an_administrator_and_renews_the_password(accounts):
    await accounts.set_administrator("admin", "first " + PASSWORD)
    await accounts.set_administrator("admin", PASSWORD)
    assert (await accounts.sign_in("admin", PASSWORD)).viewer.role is Role.ADMINISTRATOR
    with pytest.raises(WrongPassword):
        await accounts.sign_in("admin", "first " + PASSWORD)


async def test_nobody_elses_login_becomes_an_administrators(accounts):
    await accounts.create(ADMINISTRATOR, somebody(login="aino"))
    with pytest.raises(LoginTaken):
        await accounts.set_administrator("aino", PASSWORD)


async def test_a_device_key_is_its_accounts_and_only_its_hash_is_stored(accounts, storage):
    account = await accounts.create(ADMINISTRATOR, somebody())
    key = await accounts.make_device_key(ADMINISTRATOR, account.id, "phone")
    assert (await accounts.sign_in_with_device_key(key)).account == account
    assert (await accounts.viewer_of_device_key(key)).account_id == account.id
    stored = await storage.pool.fetchrow("SELECT d::text AS row FROM device_keys d")
    assert key not in stored["row"]
    with pytest.raises(UnknownDeviceKey):
        await accounts.viewer_of_device_key("another key")
    with pytest.raises(AccountNotFound):
        await accounts.make_device_key(ADMINISTRATOR, uuid4())


async def test_a_phone_is_asked_about_once_in_two_seconds(accounts, storage, clock):
    account = await accounts.create(ADMINISTRATOR, somebody())
    key = await accounts.make_device_key(ADMINISTRATOR, account.id)
    await accounts.viewer_of_device_key(key)
    await storage.pool.execute("DELETE FROM device_keys")  # as another process would
    await accounts.viewer_of_device_key(key)
    clock.turn(DEVICE_KEY_CACHE_S)
    with pytest.raises(UnknownDeviceKey):
        await accounts.viewer_of_device_key(key)


async def test_a_revoked_key_ends_at_once_here(accounts):
    account = await accounts.create(ADMINISTRATOR, somebody())
    key = await accounts.make_device_key(ADMINISTRATOR, account.id)
    await accounts.viewer_of_device_key(key)
    assert await accounts.revoke_device_keys(ADMINISTRATOR, account.id) == 1
    with pytest.raises(UnknownDeviceKey):
        await accounts.viewer_of_device_key(key)
