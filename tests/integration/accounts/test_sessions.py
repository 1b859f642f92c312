"""Sessions: short tokens, refresh tokens that are used once, and what ends them, on a real database."""

import asyncio
from datetime import timedelta

import pytest

from server.accounts.passwords import BadPassword
from server.accounts.proofs import Proofs
from server.accounts.refresh import GRACE, BadRefreshToken, RefreshToken
from server.accounts.revocations import Revocations, SignedOut
from server.accounts.roles import Role
from server.accounts.service import AccountService, NewAccount
from server.accounts.sessions import KEEP_ENDED, SessionNotFound, SessionService, WrongPassword
from server.accounts.standing import Dismissed, Suspended, Verdict
from server.accounts.tokens import TokenExpired
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage
from tests.builders import SECRET, a_viewer

PASSWORD = "correct horse"
DAY_S = 86_400.0


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
    return SessionService(storage, tokens, clock, session_ttl_s=30 * DAY_S)


@pytest.fixture
async def aino(accounts):
    return await accounts.create(
        a_viewer(Role.ADMINISTRATOR),
        NewAccount(role=Role.CUSTOMER, login="aino", display_name="Aino", password=PASSWORD),
    )


async def refused_soon(tokens, token, refusal):
    async with asyncio.timeout(2):  # as every process must have heard by then
        while True:
            try:
                tokens.read(token)
            except refusal:
                return
            await asyncio.sleep(0.005)


async def test_a_token_is_good_for_a_quarter_of_an_hour_and_refreshing_goes_on(sessions, tokens, clock, aino):
    signed_in = await sessions.sign_in("aino", PASSWORD, label="Firefox on Linux")
    clock.turn(900 + 61)
    with pytest.raises(TokenExpired):
        tokens.read(signed_in.token)
    again = await sessions.refresh(signed_in.refresh_token)
    assert tokens.read(again.token).account_id == aino.id
    assert again.viewer.session_id == signed_in.viewer.session_id
    assert again.refresh_token != signed_in.refresh_token


async def test_what_is_stored_is_no_token(sessions, storage, aino):
    signed_in = await sessions.sign_in("aino", PASSWORD)
    shown = RefreshToken.parse(signed_in.refresh_token)
    row = await storage.pool.fetchval("SELECT s::text FROM sessions s")
    for part in (shown.family.hex(), shown.secret.hex(), signed_in.refresh_token, signed_in.token):
        assert part not in row


async def test_whoever_asks_again_since_the_answer_was_lost_gets_the_same(sessions, clock, aino):
    first = (await sessions.sign_in("aino", PASSWORD)).refresh_token
    answers = await asyncio.gather(*(sessions.refresh(first) for _ in range(4)))  # several tabs, too
    assert len({answer.refresh_token for answer in answers}) == 1
    clock.turn(GRACE.total_seconds())
    assert (await sessions.refresh(first)).refresh_token == answers[0].refresh_token


async def test_a_refresh_token_used_by_two_ends_the_session_for_both(sessions, tokens, clock, storage, aino):
    first = (await sessions.sign_in("aino", PASSWORD)).refresh_token
    thief = await sessions.refresh(first)
    clock.turn(GRACE.total_seconds() + 1)
    with pytest.raises(SignedOut):
        await sessions.refresh(first)
    with pytest.raises(SignedOut):
        await sessions.refresh(thief.refresh_token)
    await refused_soon(tokens, thief.token, SignedOut)
    assert await storage.pool.fetchval("SELECT ended_why FROM sessions") == "refresh token used twice"


async def test_an_invented_refresh_token_ends_nobodys_session(sessions, aino):
    signed_in = await sessions.sign_in("aino", PASSWORD)
    with pytest.raises(BadRefreshToken):
        await sessions.refresh(str(RefreshToken.fresh()))
    await sessions.refresh(signed_in.refresh_token)


async def test_a_session_has_an_end_however_often_it_is_refreshed(sessions, clock, aino):
    signed_in = await sessions.sign_in("aino", PASSWORD)
    began = clock.now()
    while clock.now() < began + timedelta(days=30) - timedelta(minutes=5):
        clock.turn(DAY_S - 10)
        signed_in = await sessions.refresh(signed_in.refresh_token)
        assert signed_in.viewer.expires_at_ms <= (began + timedelta(days=30)).timestamp() * 1000
    clock.turn(600)
    with pytest.raises(SignedOut):
        await sessions.refresh(signed_in.refresh_token)


async def test_signing_out_ends_this_session_in_every_process(
    sessions, tokens, clock, database, redis_client, aino
):
    here = await sessions.sign_in("aino", PASSWORD)
    elsewhere = await sessions.sign_in("aino", PASSWORD)
    other = Storage(database, redis_client, clock)  # another process on the same database
    board = Revocations(clock)
    other.tail.subscribe(board.apply)
    await other.tail.start()
    running = asyncio.create_task(other.run())
    try:
        other_tokens = Proofs(SECRET, 900.0, clock, board)
        assert other_tokens.read(here.token) == here.viewer
        await sessions.sign_out(here.viewer)
        await refused_soon(other_tokens, here.token, SignedOut)
        await refused_soon(tokens, here.token, SignedOut)
        assert other_tokens.read(elsewhere.token) == elsewhere.viewer
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await other.close()
    with pytest.raises(SignedOut):
        await sessions.refresh(here.refresh_token)


async def test_a_process_that_starts_knows_whom_to_refuse(sessions, accounts, storage, clock, aino):
    signed_in = await sessions.sign_in("aino", PASSWORD)
    other = await sessions.sign_in("aino", PASSWORD)
    await sessions.sign_out(signed_in.viewer)
    board = Revocations(clock)
    started = Proofs(SECRET, 900.0, clock, board)
    await board.load(storage.pool, now=clock.now())
    with pytest.raises(SignedOut):
        started.read(signed_in.token)
    assert started.read(other.token) == other.viewer
    await accounts.judge(a_viewer(Role.ADMINISTRATOR), aino.id, Verdict.SUSPEND, "fraud")
    await board.load(storage.pool, now=clock.now())
    with pytest.raises(Suspended):
        started.read(other.token)
    clock.turn(900 + 61)
    forgotten = Revocations(clock)
    await forgotten.load(storage.pool, now=clock.now())
    assert len(forgotten) == 0


async def test_people_see_their_own_sessions_and_end_the_lost_phones(sessions, tokens, aino, accounts):
    lost = await sessions.sign_in("aino", PASSWORD, label="Chrome on Android")
    here = await sessions.sign_in("aino", PASSWORD, label="Firefox on Linux")
    assert {session.label for session in await sessions.mine(here.viewer)} == {
        "Chrome on Android",
        "Firefox on Linux",
    }
    with pytest.raises(SessionNotFound):
        await sessions.end(a_viewer(), lost.viewer.session_id)
    await sessions.end(here.viewer, lost.viewer.session_id)
    assert [session.id for session in await sessions.mine(here.viewer)] == [here.viewer.session_id]
    await refused_soon(tokens, lost.token, SignedOut)
    with pytest.raises(SessionNotFound):
        await sessions.end(here.viewer, lost.viewer.session_id)


async def test_signing_out_of_a_token_by_key_ends_nothing_else(sessions, accounts, aino):
    key = await accounts.make_device_key(a_viewer(Role.ADMINISTRATOR), aino.id)
    by_password = await sessions.sign_in("aino", PASSWORD)
    await sessions.sign_out((await sessions.sign_in_with_device_key(key)).viewer)
    await sessions.sign_out(a_viewer(account_id=aino.id))
    await sessions.refresh(by_password.refresh_token)


async def test_another_password_ends_the_other_sessions(sessions, tokens, aino):
    here = await sessions.sign_in("aino", PASSWORD)
    other = await sessions.sign_in("aino", PASSWORD)
    with pytest.raises(WrongPassword):
        await sessions.change_password(here.viewer, "wrong horse", "another " + PASSWORD)
    with pytest.raises(BadPassword):
        await sessions.change_password(here.viewer, PASSWORD, "short")
    await sessions.change_password(here.viewer, PASSWORD, "another " + PASSWORD)
    await refused_soon(tokens, other.token, SignedOut)
    assert tokens.read(here.token) == here.viewer
    await sessions.refresh(here.refresh_token)
    await sessions.sign_in("aino", "another " + PASSWORD)


async def test_what_is_long_over_is_forgotten(sessions, storage, clock, aino):
    timers = Timers(storage, clock)
    await sessions.register(timers)
    with pytest.raises(WrongPassword):
        await sessions.sign_in("aino", "wrong horse")
    clock.turn(1)
    signed_in = await sessions.sign_in("aino", PASSWORD)
    with pytest.raises(WrongPassword):
        await sessions.sign_in("nobody", PASSWORD)
    await sessions.sign_out(signed_in.viewer)
    await timers.run_due()
    assert await storage.pool.fetchval("SELECT count(*) FROM sessions") == 1
    clock.turn(KEEP_ENDED.total_seconds() + 1)
    await timers.run_due()
    assert await storage.pool.fetchval("SELECT count(*) FROM sessions") == 0
    assert await storage.pool.fetchval("SELECT count(*) FROM sign_in_failures") == 0


@pytest.mark.parametrize("meanwhile", ["another password", "suspended", "dismissed"])
async def test_who_is_shut_out_while_the_password_is_checked_does_not_slip_in(
    sessions, accounts, aino, storage, monkeypatch, meanwhile
):
    verify = sessions._passwords.verify
    administrator = a_viewer(Role.ADMINISTRATOR)

    async def slowly(password, password_hash):
        good = await verify(password, password_hash)
        if meanwhile == "another password":
            await accounts.set_password(administrator, aino.id, "another " + PASSWORD)
        else:
            verdict = Verdict.SUSPEND if meanwhile == "suspended" else Verdict.DISMISS
            await accounts.judge(administrator, aino.id, verdict, "test")
        return good

    monkeypatch.setattr(sessions._passwords, "verify", slowly)
    with pytest.raises((WrongPassword, Suspended, Dismissed)):
        await sessions.sign_in("aino", PASSWORD)
    assert await storage.pool.fetchval("SELECT count(*) FROM sessions WHERE ended_at IS NULL") == 0
