"""The socket of a started server (two processes): the rules of the wire, and the way between people.

RFC 6455 is asked for case by case here; time-outs, slow viewers and the drain stand in
tests/integration/realtime/test_endpoint.py, where the clock can be turned.
"""

import struct
from contextlib import AsyncExitStack

import pytest

from server.clock import SystemClock
from tests.raw_socket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    RawSocket,
    frame,
    raw_socket,
    request,
)
from tests.started import Person, StartedServer
from tests.visits import Visit, opened, visiting

HEARTBEAT = b'{"topic":"session","event":"heartbeat","ref":"1"}'


def now_ms() -> int:
    return SystemClock().now_ms()


@pytest.fixture(scope="module")
def customer(server: StartedServer) -> Person:
    return server.person("customer")


async def signed_in(server: StartedServer, person: Person) -> RawSocket:
    socket = await raw_socket(server.port)
    await socket.say("session", "authenticate", {"token": person.token}, ref="0")
    assert "ok" in (await socket.message())["payload"]
    return socket


# The handshake


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 101),
        ("http://127.0.0.1:{port}", 101),
        ("https://elsewhere.example", 403),
        ("null", 403),
        ("http://127.0.0.1:{port}.evil.example", 403),
        ("http://127.0.0.1", 403),
        ("http://[", 403),
    ],
)
async def test_only_our_own_pages_and_programs_may_connect(
    server: StartedServer, origin: str | None, status: int
):
    headers = {} if origin is None else {"Origin": origin.format(port=server.port)}
    answer, socket = await request(server.port, **headers)
    assert f" {status} ".encode() in answer
    await socket.close()


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"path": "/elsewhere"}, 404),
        ({"path": "/ws?token=nobody-reads-this"}, 101),
        ({"Sec_WebSocket_Version": "8"}, 400),
        ({"Sec_WebSocket_Key": "short"}, 400),
    ],
)
async def test_a_handshake_by_the_book_at_one_address(
    server: StartedServer, asked: dict[str, str], status: int
):
    answer, socket = await request(server.port, **asked)
    assert f" {status} ".encode() in answer
    await socket.close()


@pytest.mark.parametrize("offered", [["songda.v9"], [], ["songda.v9", "chat"]])
async def test_another_subprotocol_is_told_so_with_a_close_code(server: StartedServer, offered: list[str]):
    async with opened(server.socket_url, subprotocols=offered or None) as visit:
        assert (await visit.closed())[0] == 4504


async def test_compression_is_declined(server: StartedServer):
    async with opened(server.socket_url, compression="deflate") as visit:
        assert visit.socket.protocol.extensions == []


# Frames


async def test_a_message_in_pieces_is_one_message(server: StartedServer, customer: Person):
    socket = await signed_in(server, customer)
    await socket.send(frame(TEXT, HEARTBEAT[:5], fin=False) + frame(CONTINUATION, b"", fin=False))
    await socket.send(frame(PING, b"in between"))
    assert await socket.next() == (PONG, b"in between")
    await socket.send(frame(CONTINUATION, HEARTBEAT[5:]))
    assert (await socket.message())["ref"] == "1"
    await socket.close()


async def test_a_message_byte_by_byte_is_one_message(server: StartedServer, customer: Person):
    socket = await signed_in(server, customer)
    for byte in frame(TEXT, HEARTBEAT):
        await socket.send(bytes([byte]))
    assert (await socket.message())["ref"] == "1"
    await socket.close()


BROKEN = {
    "not UTF-8": (frame(TEXT, b"\xc3\x28"), 1007),
    "not UTF-8, in pieces": (frame(TEXT, b"\xc3", fin=False) + frame(CONTINUATION, b"\x28"), 1007),
    "binary": (frame(BINARY, HEARTBEAT), 4500),
    "one byte too long": (frame(TEXT, b" " * 65_537), 1009),
    "too long together": (frame(TEXT, b" " * 40_000, fin=False) + frame(CONTINUATION, b" " * 40_000), 1009),
    "a gigabyte is announced": (b"\x81\xff" + (1 << 30).to_bytes(8, "big"), 1009),
    "a length beyond 63 bits": (b"\x81\xff" + (1 << 63).to_bytes(8, "big"), 1009),
    "not masked": (frame(TEXT, HEARTBEAT, masked=False), 1002),
    "a reserved bit": (frame(TEXT, HEARTBEAT, reserved=4), 1002),
    "an opcode of nobody": (frame(0x3, HEARTBEAT), 1002),
    "a control opcode of nobody": (frame(0xB, HEARTBEAT), 1002),
    "continues nothing": (frame(CONTINUATION, HEARTBEAT), 1002),
    "two messages mixed": (frame(TEXT, HEARTBEAT, fin=False) + frame(TEXT, HEARTBEAT), 1002),
    "a ping too long": (frame(PING, b"x" * 126), 1002),
    "a ping in pieces": (frame(PING, b"x", fin=False), 1002),
    "close code 1005 on the wire": (frame(CLOSE, struct.pack("!H", 1005)), 1002),
    "half a close code": (frame(CLOSE, b"\x03"), 1002),
    "a close reason not UTF-8": (frame(CLOSE, struct.pack("!H", 1000) + b"\xff"), 1007),
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_who_breaks_the_rules_of_websockets_is_told_which(
    server: StartedServer, customer: Person, broken: str
):
    sent, code = BROKEN[broken]
    socket = await signed_in(server, customer)
    await socket.send(sent)
    assert await socket.close_code() == code
    await socket.close()


async def test_a_flood_is_closed_and_the_neighbour_is_not_disturbed(server: StartedServer, customer: Person):
    socket = await signed_in(server, customer)
    async with visiting(server.socket_url, customer.token) as neighbour:
        await socket.send(frame(TEXT, HEARTBEAT) * 600)
        assert await socket.close_code() == 4009
        assert "ok" in (await neighbour.ask("session", "heartbeat"))["payload"]
    await socket.close()


async def test_a_close_is_answered_with_the_same_code(server: StartedServer, customer: Person):
    socket = await signed_in(server, customer)
    await socket.send(frame(CLOSE, struct.pack("!H", 1001)))
    assert await socket.next() == (CLOSE, struct.pack("!H", 1001))
    await socket.ended()
    await socket.close()


# Between people, and between processes.  The kernel gives each connection to one of the two.


async def on_both_processes(server: StartedServer, person: Person, stack: AsyncExitStack) -> list[Visit]:
    """Visits of this person's, in the order they came, the last of them the first on its process."""
    visits: list[Visit] = []
    while len({visit.node for visit in visits}) < 2:
        assert len(visits) < 50, "all connections went to one process"
        visits.append(await stack.enter_async_context(visiting(server.socket_url, person.token)))
    return visits


async def carried(server: StartedServer) -> tuple[Person, Person, str]:
    """A customer, the courier who is on his way to their order's pickup, and the order's id."""
    customer, courier, dispatcher = (server.person(role) for role in ("customer", "courier", "dispatcher"))
    # On an island of its own: the server would give the order to the nearest free courier of another test.
    merchant = server.merchant(lat=60.1006, lng=19.9348)
    kitchen = server.person("merchant", merchant_id=merchant["id"])
    order = server.place_order(customer, merchant)
    server.call("POST", f"/api/v1/orders/{order['id']}/accept", by=kitchen, json={"preparation_s": 600})
    server.call(
        "POST", f"/api/v1/orders/{order['id']}/assign", by=dispatcher, json={"courier_id": courier.id}
    )
    return customer, courier, order["id"]


async def test_status_and_positions_reach_a_customer_on_any_process(server: StartedServer):
    customer, courier, order_id = await carried(server)
    topic, lat, lng = f"order:{order_id}", 60.1019, 19.9348
    async with AsyncExitStack() as stack:
        visits = await on_both_processes(server, customer, stack)
        for visit in visits:
            seen = (await visit.join(topic))["payload"]["ok"]["snapshot"]
            assert seen["assignment"]["courier_id"] == courier.id
        rider = await stack.enter_async_context(visiting(server.socket_url, courier.token))

        await rider.ask(f"courier:{courier.id}", "fix", {"lat": lat, "lng": lng, "fix_time": now_ms()})
        for visit in visits:
            assert (await visit.event("position"))["payload"]["coarse"] is True

        server.call("POST", f"/api/v1/orders/{order_id}/pick-up", by=courier, json={})
        for visit in visits:
            names = [(await visit.event("changed"))["payload"]["entity"] for _ in range(2)]
            assert names == ["order", "assignment"]
        await rider.ask(f"courier:{courier.id}", "fix", {"lat": lat, "lng": lng, "fix_time": now_ms()})
        for visit in visits:
            while "coarse" in (position := (await visit.event("position"))["payload"]):
                pass
            assert (position["lat"], position["lng"]) == (lat, lng)

        server.call("POST", f"/api/v1/orders/{order_id}/deliver", by=courier, json={})
        for visit in visits:
            assert (await visit.event("changed"))["payload"]["name"] == "delivered"


async def test_the_newest_socket_of_a_courier_owns_him_on_whichever_process(server: StartedServer):
    courier = server.person("courier")
    async with AsyncExitStack() as stack:
        *older, newest = await on_both_processes(server, courier, stack)
        for visit in older:
            assert (await visit.closed())[0] == 4010
        fix = {"lat": 60.17, "lng": 24.94, "fix_time": now_ms(), "seq": 1}
        answer = await newest.ask(f"courier:{courier.id}", "fix", fix)
        assert answer["payload"]["ok"]["received"] == 1
        assert (await newest.event("stored"))["payload"] == {"seqs": [1]}
