"""Signing in, making accounts, device keys: on a real database."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from server.accounts.passwords import BadPassword
from server.accounts.permissions import Permission, scope
from server.accounts.proofs import Proofs
from server.accounts.revocations import Revocations, SignedOut
from server.accounts.roles import Role
from server.accounts.service import (
    DEVICE_KEY_CACHE_S,
    REINSTATE,
    AccountNotFound,
    AccountService,
    BadAccount,
    LoginTaken,
    NewAccount,
    NotOneself,
)
from server.accounts.sessions import SessionService, UnknownDeviceKey, WrongPassword
from server.accounts.sign_in_limit import FAILURES_OF_AN_ADDRESS, FREE_FAILURES, TooManySignIns
from server.accounts.standing import BadVerdict, Dismissed, Standing, Suspended, Verdict
from server.errors import NotAllowed
from server.storage.timers import Timers
from tests.builders import SECRET, a_viewer, an_item
from tests.integration.people import add_merchant

ADMINISTRATOR = a_viewer(Role.ADMINISTRATOR)
PASSWORD = "correct horse"


@pytest.fixture
def tokens(storage, clock):
    board = Revocations(clock)
    storage.tail.subscribe(board.apply)
    return Proofs(SECRET, 900.0, clock, board)


@pytest.fixture
def accounts(storage, tokens, clock):
    return AccountService(storage, tokens, clock)


@pytest.fixture
def sessions(storage, tokens, clock):
    return SessionService(storage, tokens, clock, session_ttl_s=86_400.0)


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


async def test_who_has_an_account_signs_in_and_the_token_says_who_it_is(accounts, sessions, tokens):
    account = await accounts.create(ADMINISTRATOR, somebody())
    signed_in = await sessions.sign_in("li", PASSWORD)
    assert signed_in.account == account
    assert tokens.read(signed_in.token) == signed_in.viewer
    assert (signed_in.viewer.account_id, signed_in.viewer.role) == (account.id, Role.COURIER)


@pytest.mark.parametrize(
    ("login", "password"), [("li", "wrong horse"), ("nobody", PASSWORD), ("li", ""), ("", "")]
)
async def test_nobody_else_does(accounts, sessions, login, password):
    await accounts.create(ADMINISTRATOR, somebody())
    with pytest.raises(WrongPassword):
        await sessions.sign_in(login, password)


async def test_without_a_password_there_is_no_signing_in_by_one(accounts, sessions):
    await accounts.create(ADMINISTRATOR, somebody(password=None))
    with pytest.raises(WrongPassword):
        await sessions.sign_in("li", "")


async def test_who_guesses_must_wait_even_with_the_right_password(accounts, sessions, clock):
    await accounts.create(ADMINISTRATOR, somebody())
    for _ in range(FREE_FAILURES):
        with pytest.raises(WrongPassword):
            await sessions.sign_in("li", "wrong horse")
    with pytest.raises(TooManySignIns):
        await sessions.sign_in("li", PASSWORD)
    clock.turn(1)
    await sessions.sign_in("li", PASSWORD)


async def test_guessing_many_at_once_gets_no_further(accounts, sessions):
    guesses = (sessions.sign_in("li", f"guess number {number}") for number in range(20))
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert [type(answer) for answer in answers].count(WrongPassword) == FREE_FAILURES


async def test_a_closed_account_lets_nobody_in(accounts, sessions, storage):
    account = await accounts.create(ADMINISTRATOR, somebody())
    key = await accounts.make_device_key(ADMINISTRATOR, account.id)
    await accounts.judge(ADMINISTRATOR, account.id, Verdict.SUSPEND, "misconduct")
    with pytest.raises(WrongPassword):  # nobody else learns that it is suspended
        await sessions.sign_in("li", "wrong horse")
    for asked in (
        sessions.sign_in("li", PASSWORD),
        sessions.sign_in_with_device_key(key),
        accounts.viewer_of_device_key(key),
    ):
        with pytest.raises(Suspended):
            await asked


async def test_a_merchants_account_has_its_merchant_and_no_other_has_one(accounts, sessions, storage):
    merchant = await add_merchant(storage, [an_item()])
    account = await accounts.create(ADMINISTRATOR, somebody(role=Role.MERCHANT, merchant_id=merchant.id))
    assert (await sessions.sign_in("li", PASSWORD)).viewer.merchant_id == merchant.id == account.merchant_id
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


async def test_the_operator_makes_an_administrator_and_renews_the_password(accounts, sessions):
    await accounts.set_administrator("admin", "first " + PASSWORD)
    await accounts.set_administrator("admin", PASSWORD)
    assert (await sessions.sign_in("admin", PASSWORD)).viewer.role is Role.ADMINISTRATOR
    with pytest.raises(WrongPassword):
        await sessions.sign_in("admin", "first " + PASSWORD)


async def test_nobody_elses_login_becomes_an_administrators(accounts):
    await accounts.create(ADMINISTRATOR, somebody(login="aino"))
    with pytest.raises(LoginTaken):
        await accounts.set_administrator("aino", PASSWORD)


async def test_a_device_key_is_its_accounts_and_only_its_hash_is_stored(accounts, sessions, storage):
    account = await accounts.create(ADMINISTRATOR, somebody())
    key = await accounts.make_device_key(ADMINISTRATOR, account.id, "phone")
    assert (await sessions.sign_in_with_device_key(key)).account == account
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


async def test_who_guesses_elsewhere_waits_here(accounts, sessions, storage, tokens, clock):
    await accounts.create(ADMINISTRATOR, somebody())
    other = SessionService(storage, tokens, clock, session_ttl_s=86_400.0)  # another process
    for _ in range(FREE_FAILURES):
        with pytest.raises(WrongPassword):
            await other.sign_in("li", "wrong horse")
    with pytest.raises(TooManySignIns):
        await sessions.sign_in("li", PASSWORD)


async def test_many_logins_from_one_address_are_too_many(accounts, sessions, storage, tokens):
    await accounts.create(ADMINISTRATOR, somebody())
    subject = tokens.derive(b"address", b"192.0.2.1")
    await storage.pool.execute(
        "INSERT INTO sign_in_failures VALUES ($1, $2, $3, $3)",
        subject,
        FAILURES_OF_AN_ADDRESS - 1,
        storage.clock.now(),
    )
    await sessions.sign_in("li", PASSWORD, address="192.0.2.1")  # who knows a password is counted for nothing
    with pytest.raises(WrongPassword):
        await sessions.sign_in("veikko", "wrong horse", address="192.0.2.1")
    with pytest.raises(TooManySignIns):
        await sessions.sign_in("li", PASSWORD, address="192.0.2.1")
    await sessions.sign_in("li", PASSWORD, address="192.0.2.2")
    stored = await storage.pool.fetch("SELECT s::text AS row FROM sign_in_failures s")
    assert all("192.0.2" not in row["row"] for row in stored)


@pytest.mark.parametrize(
    ("judge", "role", "refusal"),
    [
        (Role.OPERATIONS_MANAGER, Role.COURIER, None),
        (Role.OPERATIONS_MANAGER, Role.DISPATCHER, NotAllowed),
        (Role.ADMINISTRATOR, Role.DISPATCHER, None),
        (Role.DISPATCHER, Role.COURIER, NotAllowed),
        (Role.CUSTOMER_SERVICE, Role.COURIER, NotAllowed),
    ],
)
async def test_couriers_are_judged_by_operations_and_everybody_by_administrators(
    accounts, judge, role, refusal
):
    account = await accounts.create(ADMINISTRATOR, somebody(role=role))
    if refusal is None:
        judged = await accounts.judge(a_viewer(judge), account.id, Verdict.SUSPEND, "misconduct")
        assert judged.status is Standing.SUSPENDED
    else:
        with pytest.raises(refusal):
            await accounts.judge(a_viewer(judge), account.id, Verdict.SUSPEND, "misconduct")


async def test_nobody_judges_themselves_or_twice_the_same(accounts):
    account = await accounts.create(ADMINISTRATOR, somebody(role=Role.ADMINISTRATOR))
    with pytest.raises(NotOneself):
        await accounts.judge(
            a_viewer(Role.ADMINISTRATOR, account_id=account.id), account.id, Verdict.DISMISS, "left"
        )
    await accounts.judge(ADMINISTRATOR, account.id, Verdict.DISMISS, "left")
    for verdict in Verdict:
        with pytest.raises(BadVerdict):
            await accounts.judge(ADMINISTRATOR, account.id, verdict, "left")
    with pytest.raises(AccountNotFound):
        await accounts.judge(ADMINISTRATOR, uuid4(), Verdict.DISMISS, "left")


async def test_a_suspension_ends_by_itself_when_it_was_for_a_time(accounts, sessions, storage, clock):
    timers = Timers(storage, clock)
    accounts.register(timers)
    account = await accounts.create(ADMINISTRATOR, somebody())
    until = clock.now() + timedelta(days=2)
    await accounts.judge(ADMINISTRATOR, account.id, Verdict.SUSPEND, "misconduct", until=until)
    clock.turn(2 * 86_400 - 1)
    assert await timers.run_due() == 0
    clock.turn(1)
    assert await timers.run_due() == 1
    await sessions.sign_in("li", PASSWORD)
    log = await storage.pool.fetch(
        "SELECT version, name FROM event_log WHERE entity_id = $1 ORDER BY version", account.id
    )
    assert [tuple(row) for row in log] == [(1, "suspended"), (2, "reinstated")]


async def test_a_suspension_that_was_ended_by_hand_is_not_ended_again(accounts, storage, clock):
    timers = Timers(storage, clock)
    accounts.register(timers)
    account = await accounts.create(ADMINISTRATOR, somebody())
    until = clock.now() + timedelta(days=2)
    await accounts.judge(ADMINISTRATOR, account.id, Verdict.SUSPEND, "misconduct", until=until)
    await accounts.judge(ADMINISTRATOR, account.id, Verdict.REINSTATE, "misconduct")
    await accounts.judge(ADMINISTRATOR, account.id, Verdict.SUSPEND, "misconduct")
    assert await storage.pool.fetchval("SELECT count(*) FROM timers WHERE kind = $1", REINSTATE) == 0


async def test_tokens_of_a_revoked_key_are_refused_in_every_process(accounts, sessions, tokens, storage):
    account = await accounts.create(ADMINISTRATOR, somebody())
    key = await accounts.make_device_key(ADMINISTRATOR, account.id)
    token = (await sessions.sign_in_with_device_key(key)).token
    assert tokens.read(token).account_id == account.id
    await accounts.revoke_device_keys(ADMINISTRATOR, account.id)
    await until_refused(tokens, token, SignedOut)


async def test_a_new_password_by_an_administrator_ends_what_went_on(accounts, sessions, tokens):
    account = await accounts.create(ADMINISTRATOR, somebody())
    signed_in = await sessions.sign_in("li", PASSWORD)
    await accounts.set_password(ADMINISTRATOR, account.id, "another " + PASSWORD)
    await until_refused(tokens, signed_in.token, SignedOut)
    with pytest.raises(SignedOut):
        await sessions.refresh(signed_in.refresh_token)
    with pytest.raises(WrongPassword):
        await sessions.sign_in("li", PASSWORD)
    await sessions.sign_in("li", "another " + PASSWORD)


async def test_the_dismissed_are_refused_for_good(accounts, sessions, tokens):
    account = await accounts.create(ADMINISTRATOR, somebody())
    signed_in = await sessions.sign_in("li", PASSWORD)
    await accounts.judge(ADMINISTRATOR, account.id, Verdict.DISMISS, "fraud")
    with pytest.raises(Dismissed):
        await sessions.sign_in("li", PASSWORD)
    with pytest.raises(Dismissed):
        await sessions.refresh(signed_in.refresh_token)
    await until_refused(tokens, signed_in.token, SignedOut)


async def until_refused(tokens, token, refusal):
    """The tail tells this process; it is not waited for by the clock."""
    async with asyncio.timeout(5):
        while True:
            try:
                tokens.read(token)
            except refusal:
                return
            await asyncio.sleep(0.005)
