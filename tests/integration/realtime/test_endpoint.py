"""Time, slowness and the end of sockets.  The rules of the wire itself: tests/acceptance/test_sockets.py."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from redis.asyncio import Redis

from server.realtime.frames_out import text_frame
from tests.integration.people import Town
from tests.integration.realtime.live import Live, live
from tests.raw_socket import CONTINUATION, PING, PONG, TEXT, RawSocket, frame, raw_socket, request

HEARTBEAT = b'{"topic":"session","event":"heartbeat","ref":"1"}'


@pytest.fixture
async def here(town: Town, redis_client: Redis) -> AsyncIterator[Live]:
    async with live(town, redis_client) as running:
        yield running


async def signed_in(here: Live) -> RawSocket:
    socket = await raw_socket(here.port)
    await socket.say("session", "authenticate", {"token": here.tokens.issue(here.town.customer)}, ref="0")
    assert "ok" in (await socket.message())["payload"]
    return socket


# Frames


async def test_a_page_that_the_settings_name_may_connect(town: Town, redis_client: Redis):
    async with live(town, redis_client, origins=("https://songda.example",)) as here:
        answer, socket = await request(here.port, Origin="https://songda.example")
        assert b" 101 " in answer
        await socket.close()


async def test_many_messages_at_once_are_answered_in_order_with_one_write(here: Live):
    socket = await signed_in(here)
    asked = [str(number) for number in range(100)]
    before = here.hub.writes_out
    await socket.send(
        b"".join(
            frame(TEXT, msgspec.json.encode({"topic": "session", "event": "heartbeat", "ref": ref}))
            for ref in asked
        )
    )
    assert [(await socket.message())["ref"] for _ in asked] == asked
    assert here.hub.writes_out - before <= 2
    await socket.close()


async def test_a_hundred_thousand_empty_pieces_are_too_many_frames(here: Live):
    socket = await signed_in(here)
    await socket.send(frame(TEXT, b"", fin=False))
    before = here.hub.frames_in
    socket.writer.write(frame(CONTINUATION, b"", fin=False) * 100_000)
    assert await socket.close_code() == 4009
    assert here.hub.frames_in - before < 50_000, "the rest is not even read"
    socket.writer.transport.abort()


# Time


async def test_who_says_nothing_is_closed_in_time(town: Town, redis_client: Redis):
    async with live(town, redis_client, authenticate_within_s=0.3) as here:
        socket = await raw_socket(here.port)
        assert await socket.close_code() == 4501
        await socket.close()


async def test_a_token_that_runs_out_ends_the_visit(town: Town, redis_client: Redis):
    short = {"heartbeat_s": 0.3, "authenticate_within_s": 0.3}
    async with live(town, redis_client, **short) as here, here.visit(town.customer) as visit:
        town.clock.turn(3601)
        assert (await visit.closed())[0] == 4001


async def test_a_peer_that_no_longer_answers_pings_is_aborted(town: Town, redis_client: Redis):
    async with live(town, redis_client, heartbeat_s=0.3, authenticate_within_s=0.3) as here:
        alive, dead = await signed_in(here), await signed_in(here)
        assert await dead.next() == (PING, b"")
        assert await alive.next() == (PING, b"")
        await alive.send(frame(PONG, b""))
        assert await dead.close_code() == 1006
        await alive.send(frame(TEXT, HEARTBEAT))
        assert (await alive.message())["ref"] == "1"
        await alive.close()
        await dead.close()


# Slow viewers, and the end


async def stuffed(here: Live) -> RawSocket:
    """A signed-in socket whose peer reads nothing, and which takes no more."""
    socket = await signed_in(here)
    socket.writer.transport.pause_reading()  # type: ignore[attr-defined]
    (session,) = here.hub._sessions
    big = text_frame(b'"' + b"x" * 50_000 + b'"')
    while session._carrier._blocked_since_s is None:  # type: ignore[attr-defined]
        session.push(big)
        await asyncio.sleep(0)
    return socket


async def test_a_viewer_too_far_behind_is_ended_at_once(town: Town, redis_client: Redis):
    async with live(town, redis_client, max_status_backlog_bytes=60_000) as here:
        socket = await stuffed(here)
        (session,) = here.hub._sessions
        for number in range(1000):
            session.show("order:1", text_frame(b"%d" % number))
        assert not session.closed, "of positions only the newest waits"
        session.push(text_frame(b'"' + b"x" * 60_000 + b'"'))
        assert session.closed
        assert not here.hub._sessions
        await socket.close()


async def test_a_viewer_who_takes_nothing_is_ended_in_time(town: Town, redis_client: Redis):
    async with live(town, redis_client, slow_viewer_s=0.3, authenticate_within_s=0.3) as here:
        socket = await stuffed(here)
        (session,) = here.hub._sessions
        async with asyncio.timeout(10):
            while not session.closed:
                await asyncio.sleep(0.01)
        await socket.close()


async def test_a_viewer_who_reads_again_gets_all_status_and_the_newest_position(
    town: Town, redis_client: Redis
):
    async with live(town, redis_client) as here:
        socket = await stuffed(here)
        (session,) = here.hub._sessions
        for number in range(10):
            session.show("order:1", text_frame(b'"position %d"' % number))
            session.push(text_frame(b'"status %d"' % number))
        socket.writer.transport.resume_reading()  # type: ignore[attr-defined]
        heard: list[str] = []
        while len(heard) < 11:
            message = str(await socket.message())
            if not message.startswith("x"):
                heard.append(message)
        assert heard == [f"status {number}" for number in range(10)] + ["position 9"]
        await socket.close()


async def test_a_drain_spreads_the_goodbyes_and_says_when_to_come_back(here: Live):
    codes, waits = set(), []

    async def stay() -> None:
        async with here.visit(here.town.customer) as visit:
            ready.release()
            code, reason = await visit.closed()
            codes.add(code)
            waits.append(msgspec.json.decode(reason or "")["retry_in_ms"])

    ready = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as staying:
        for _ in range(20):
            staying.create_task(stay())
        for _ in range(20):
            await ready.acquire()
        await here.hub.drain(0.2)
    assert codes == {4000}
    assert len(set(waits)) > 1
    answer, socket = await request(here.port)
    assert b" 503 " in answer
    await socket.close()


async def test_nothing_stays_behind_when_sockets_are_gone(here: Live):
    for _ in range(3):
        async with here.visit(here.town.dispatcher) as visit:
            await visit.join("dispatch:all")
            await visit.ask("viewport", "look", {"cells": ["861126d37ffffff"]})
            visit.socket.transport.abort()
    async with asyncio.timeout(5):
        while here.hub._sessions:
            await asyncio.sleep(0.005)
    assert not here.hub._topics
    assert not len(here.hub._viewports)
    assert not any(here.hub.wheel._slots)


async def test_who_was_pinged_has_a_whole_heartbeat_to_answer_however_often_he_is_looked_at(here: Live):
    socket = await signed_in(here)
    (session,) = here.hub._sessions
    endpoint, now_s = session._carrier, here.hub.wheel.now_s
    heartbeat_s = here.hub.settings.heartbeat_s
    quiet_s = now_s + 2 * heartbeat_s
    assert endpoint.look(quiet_s) == pytest.approx(heartbeat_s)
    assert endpoint.look(quiet_s + 1) == pytest.approx(heartbeat_s - 1), "he may still answer"
    assert not session.closed
    assert endpoint.look(quiet_s + heartbeat_s) is None
    assert session.closed
    await socket.close()
