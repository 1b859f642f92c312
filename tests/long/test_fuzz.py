"""Rubbish on real sockets for two minutes: the log stays calm, the neighbours are served, memory comes back."""

import asyncio
from contextlib import suppress
from pathlib import Path
from random import Random

import msgspec
import pytest

from server.clock import SystemClock
from tests.long.conftest import resident_kib
from tests.raw_socket import TEXT, RawSocket, frame, raw_socket
from tests.started import Person, StartedServer, started_server
from tests.visits import visiting

pytestmark = pytest.mark.long

SECONDS = 120.0
WARM_UP_SHARE = 0.25
MAY_GROW_KIB = 16 * 1024
LANES = 4
EVENTS = (
    "authenticate",
    "join",
    "leave",
    "heartbeat",
    "fix",
    "fixes",
    "availability",
    "cells",
    "place",
    "nonsense",
)
VALUES: tuple[object, ...] = (
    None,
    True,
    -1,
    0,
    1e308,
    2**63,
    "",
    "x" * 5_000,
    [],
    {},
    [[[[[]]]]],
    {"": None},
    60.17,
    "\0",
    "💥" * 100,
)
ENDED = (ConnectionError, asyncio.IncompleteReadError, TimeoutError, AssertionError)


def rubbish(random: Random, courier: Person) -> bytes:
    """One thing nobody should send, or nearly should."""
    kind = random.randrange(5)
    if kind == 0:
        return random.randbytes(random.randrange(1, 300))
    if kind == 1:
        payload = random.randbytes(random.choice((0, 3, 200, 70_000)))
        fin, masked, reserved = random.random() < 0.7, random.random() < 0.9, random.choice((0, 0, 4))
        return frame(random.randrange(16), payload, fin=fin, masked=masked, reserved=reserved)
    text = msgspec.json.encode(message(random, courier))
    if kind == 2:
        broken = bytearray(text)
        for _ in range(random.randrange(1, 4)):
            broken[random.randrange(len(broken))] = random.randrange(256)
        text = bytes(broken)
    elif kind == 3:
        text = text[: random.randrange(len(text))]
    return frame(TEXT, text)


def message(random: Random, courier: Person) -> dict[str, object]:
    """A message of ours with anything at all where something should be."""
    topics = (
        f"courier:{courier.id}",
        "session",
        "viewport",
        "dispatch:all",
        f"order:{courier.id}",
        "",
        "a:b:c",
    )
    names = ("lat", "lng", "fix_time", "fixes", "token", "since", "cells", "available", "seq", "accuracy_m")
    payload: object = {name: random.choice(VALUES) for name in random.sample(names, random.randrange(5))}
    said = {"topic": random.choice(topics), "event": random.choice(EVENTS), "payload": payload, "ref": "1"}
    if random.random() < 0.2:
        said[random.choice(tuple(said))] = random.choice(VALUES)
    return said


async def annoy(server: StartedServer, courier: Person, random: Random) -> int:
    """One connection's worth of rubbish, half of them signed in; how much was sent."""
    sent = 0
    socket: RawSocket = await raw_socket(server.port)
    with suppress(*ENDED):
        if random.random() < 0.5:
            await socket.say("session", "authenticate", {"token": courier.token}, ref="0")
            await socket.message()
        for _ in range(random.randrange(1, 60)):
            await socket.send(rubbish(random, courier))
            sent += 1
        if random.random() < 0.5:
            socket.writer.transport.abort()
    with suppress(*ENDED):
        await socket.close()
    return sent


async def test_rubbish_for_minutes_disturbs_nobody(tmp_path: Path, scale: float) -> None:
    time = SystemClock()
    with started_server(tmp_path, workers=2) as server:
        couriers = [server.person("courier") for _ in range(LANES)]
        customer = server.person("customer")
        workers = server.worker_pids()

        async def lane(number: int, until_s: float) -> int:
            random, sent = Random(f"{number} {until_s}"), 0
            while time.monotonic_s() < until_s:
                sent += await annoy(server, couriers[number], random)
                await asyncio.sleep(0.02)
            return sent

        async def rounds(seconds: float) -> int:
            until_s = time.monotonic_s() + seconds
            return sum(await asyncio.gather(*(lane(number, until_s) for number in range(LANES))))

        async with visiting(server.socket_url, customer.token) as neighbour:
            sent = await rounds(SECONDS * scale * WARM_UP_SHARE)
            before_kib = resident_kib(workers)
            for _ in range(10):
                sent += await rounds(SECONDS * scale * (1 - WARM_UP_SHARE) / 10)
                assert "ok" in (await neighbour.ask("session", "heartbeat"))["payload"]
            grown_kib = resident_kib(workers) - before_kib
        assert server.worker_pids() == workers, "a worker died of it"
        said = "".join(server.lines)
        assert "Traceback" not in said, said
        assert "exception" not in said.lower(), said
        assert grown_kib < MAY_GROW_KIB, f"grown by {grown_kib} KiB"
    print(f"{sent} pieces of rubbish; memory {grown_kib:+} KiB")
