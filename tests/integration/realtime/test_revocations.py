"""Sockets of those who are refused from now on are closed, in every process, within two seconds."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from server.accounts.log import session_ended
from server.accounts.roles import Role
from server.accounts.service import AccountService
from server.accounts.standing import Verdict
from server.storage.unit_of_work import Storage
from server.wire.close_codes import CloseCode
from tests.builders import a_viewer
from tests.integration.people import Town
from tests.integration.realtime.live import live

WITHIN_S = 2.0


@pytest.fixture
async def elsewhere(database, redis_client, clock, town):
    """The same town in another process: its own tail, its own hub."""
    storage = Storage(database, redis_client, clock)
    await storage.tail.start()
    running = asyncio.create_task(storage.run())
    async with live(replace(town, storage=storage), redis_client) as other:
        yield other
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await storage.close()


@pytest.fixture
async def here(town: Town, redis_client):
    async with live(town, redis_client) as running:
        yield running


async def test_a_session_that_ends_closes_its_sockets_and_no_other(here, elsewhere, town):
    lost = replace(town.customer, session_id=uuid4())
    kept = replace(town.customer, session_id=uuid4())
    async with here.visit(lost) as first, elsewhere.visit(lost) as second, elsewhere.visit(kept) as third:
        async with town.storage.unit_of_work() as work:
            await work.append(
                session_ended(
                    lost.session_id,
                    lost.account_id,
                    until=here.tokens.last_good(work.now),
                    actor_id=None,
                    at=work.now,
                )
            )
        async with asyncio.timeout(WITHIN_S):
            for visit in (first, second):
                assert await visit.closed() == (CloseCode.TOKEN_EXPIRED, "signed out")
        await third.ask("session", "heartbeat")
        async with elsewhere.socket() as again:
            reply = await again.ask("session", "authenticate", {"token": here.tokens.issue(lost)})
            assert reply["payload"]["error"]["code"] == "signed_out"
            assert (await again.closed())[0] == CloseCode.TOKEN_EXPIRED


async def test_a_suspended_couriers_sockets_are_closed_and_he_streams_no_more(here, elsewhere, town):
    courier = await town.courier()
    accounts = AccountService(town.storage, here.tokens, town.clock)
    async with elsewhere.visit(courier) as visit:
        await accounts.judge(
            a_viewer(Role.OPERATIONS_MANAGER), courier.account_id, Verdict.SUSPEND, "misconduct"
        )
        async with asyncio.timeout(WITHIN_S):
            assert (await visit.closed())[0] == CloseCode.SUSPENDED
    async with elsewhere.socket() as again:
        reply = await again.ask("session", "authenticate", {"token": here.tokens.issue(courier)})
        assert reply["payload"]["error"]["code"] == "suspended"
        assert (await again.closed())[0] == CloseCode.SUSPENDED
    order_id = await town.accepted()
    await town.timers.run_due()
    assert await town.carrier(order_id) is None  # nobody else is there, and he is offered nothing
    await accounts.judge(
        a_viewer(Role.OPERATIONS_MANAGER), courier.account_id, Verdict.REINSTATE, "misconduct"
    )
    async with asyncio.timeout(WITHIN_S):
        while len(elsewhere.tokens.board):  # its tail has yet to tell
            await asyncio.sleep(0.005)
    async with elsewhere.visit(courier) as welcome:
        await welcome.ask("session", "heartbeat")


async def test_a_visitor_who_left_is_not_remembered(here, town):
    async with here.visit(town.customer), here.visit(town.customer) as second:
        await second.socket.close()
        await second.closed()
    async with here.visit(town.customer) as third:
        await third.ask("session", "heartbeat")
        async with asyncio.timeout(WITHIN_S):
            while len(here.hub._visits[town.customer.account_id]) > 1:
                await asyncio.sleep(0.005)
