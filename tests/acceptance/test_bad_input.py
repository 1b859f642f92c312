"""What should never be sent, sent to a started server: a typed error or a documented close code, nothing stored, no
traceback in the log, and a neighbour who notices nothing.

Sending is done byte by byte (tests/raw_socket.py), since proper clients refuse to send most of it.
"""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from server.clock import SystemClock
from tests.raw_socket import BINARY, TEXT, RawSocket, frame, raw_socket
from tests.started import Person, StartedServer
from tests.visits import Visit, visiting

HERE = (60.1675, 24.9525)


@dataclass
class Culprit:
    """A courier whose socket sends what it should not."""

    server: StartedServer
    person: Person
    socket: RawSocket
    refs: int = 0

    @property
    def topic(self) -> str:
        return f"courier:{self.person.id}"

    async def send(self, event: str, payload: str, *, topic: str | None = None) -> Any:
        """Send a payload as it is written here, and wait for what is answered."""
        self.refs += 1
        text = (
            f'{{"topic":"{topic or self.topic}","event":"{event}","payload":{payload},"ref":"{self.refs}"}}'
        )
        await self.socket.send(frame(TEXT, text.encode()))
        return (await self.socket.message())["payload"]

    async def fix(self, *, lat: object = HERE[0], lng: object = HERE[1], fix_time: object = None) -> Any:
        """Send one fix, its numbers as they are written."""
        at = SystemClock().now_ms() if fix_time is None else fix_time
        return await self.send("fix", f'{{"lat":{lat},"lng":{lng},"fix_time":{at}}}')

    async def still_talks(self) -> bool:
        """Whether the socket has survived."""
        return "ok" in await self.send("heartbeat", "{}", topic="session")

    def stored(self) -> list[Any]:
        """What has got into today's track of his."""
        now, half_a_day = SystemClock().now(), timedelta(hours=12)
        track = self.server.call(
            "GET",
            f"/api/v1/couriers/{self.person.id}/track",
            by=self.server.person("dispatcher"),
            params={"from": (now - half_a_day).isoformat(), "to": (now + half_a_day).isoformat()},
        )
        return list(track["fixes"])


@pytest.fixture
async def culprit(server: StartedServer) -> AsyncIterator[Culprit]:
    person = server.person("courier")
    socket = await raw_socket(server.port)
    await socket.say("session", "authenticate", {"token": person.token}, ref="0")
    assert "ok" in (await socket.message())["payload"]
    yield Culprit(server, person, socket)
    await socket.close()


@pytest.fixture(autouse=True)
async def neighbour(server: StartedServer) -> AsyncIterator[Visit]:
    """Somebody on the same server whom none of this concerns."""
    async with visiting(server.socket_url, server.person("customer").token) as visit:
        yield visit
        assert "ok" in (await visit.ask("session", "heartbeat"))["payload"]
        assert not visit.waiting


@pytest.fixture(autouse=True)
def calm_log(server: StartedServer) -> Iterator[None]:
    """Whatever comes in, the log keeps calm."""
    before = len(server.lines)
    yield
    said = "".join(server.lines[before:])
    assert "Traceback" not in said, said
    assert "exception" not in said.lower(), said


# Numbers that are none, or lead nowhere


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "-NaN"])
async def test_a_number_that_json_does_not_know_is_a_bad_frame(culprit: Culprit, number: str):
    assert (await culprit.fix(lat=number))["code"] == "bad_frame"
    assert await culprit.still_talks()
    assert culprit.stored() == []


@pytest.mark.parametrize("number", ["1e999", "-1e999", '"60.1"', "null", "true", "[]", "9" * 10_000])
async def test_a_number_that_is_no_finite_number_is_a_bad_payload(culprit: Culprit, number: str):
    answer = await culprit.fix(lat=number)
    assert (answer.get("error") or answer)["code"] in {"bad_payload", "bad_frame"}
    assert await culprit.still_talks()
    assert culprit.stored() == []


@pytest.mark.parametrize(
    ("lat", "lng"), [(91, 24.9), (-90.0001, 24.9), (60.1, 181), (720, 24.9), (1e308, 1e308)]
)
async def test_a_latitude_of_91_is_out_of_range(culprit: Culprit, lat: float, lng: float):
    assert [refused["reason"] for refused in (await culprit.fix(lat=lat, lng=lng))["ok"]["refused"]] == [
        "out_of_range"
    ]
    assert await culprit.still_talks()
    assert culprit.stored() == []


async def test_swapped_coordinates_are_seen_to_be_swapped(culprit: Culprit):
    now_ms = SystemClock().now_ms()
    assert (await culprit.fix(fix_time=now_ms - 4000))["ok"]["received"] == 1
    answer = await culprit.fix(lat=HERE[1], lng=HERE[0], fix_time=now_ms)
    assert [refused["reason"] for refused in answer["ok"]["refused"]] == ["swapped_coordinates"]
    assert await culprit.still_talks()


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("2147483648000", "from_the_future"),
        ("4102444800000", "from_the_future"),
        ("9" * 18, "from_the_future"),
        ("0", "too_old"),
        ("-1", "too_old"),
        ("1", "too_old"),
    ],
)
async def test_a_fix_from_2038_or_1970_is_not_of_now(culprit: Culprit, moment: str, reason: str):
    answer = await culprit.fix(fix_time=moment)
    assert [refused["reason"] for refused in answer["ok"]["refused"]] == [reason]
    assert await culprit.still_talks()
    assert culprit.stored() == []


# Frames that are none


async def test_a_frame_of_ten_megabytes_is_too_big(culprit: Culprit):
    culprit.socket.writer.write(frame(TEXT, b'{"topic":"' + b"x" * 10_000_000 + b'"}'))
    assert await culprit.socket.close_code() == 1009


async def test_binary_where_text_is_due_closes_for_good(culprit: Culprit):
    await culprit.socket.send(frame(BINARY, b"\x00\x01\x02"))
    assert await culprit.socket.close_code() == 4500


async def test_broken_utf8_closes(culprit: Culprit):
    await culprit.socket.send(frame(TEXT, b'{"topic":"\xff\xfe"}'))
    assert await culprit.socket.close_code() == 1007


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "17",
        '"hello"',
        '{"topic":"session"}',
        '{"topic":1,"event":"x"}',
        '{"topic":"a","event":"b"',
        "[" * 60_000,
        '{"topic":"a","event":"b","payload":' + "[" * 60_000,
        '{"topic":"' + "x" * 200 + '","event":"b"}',
        '{"topic":"a","event":"b","ref":' + "1" * 50 + "}",
        " " * 60_000,
    ],
)
async def test_text_that_is_no_frame_is_a_bad_frame(culprit: Culprit, text: str):
    await culprit.socket.send(frame(TEXT, text.encode()))
    answer = await culprit.socket.message()
    assert (answer["event"], answer["payload"]["code"]) == ("error", "bad_frame")
    assert len(json.dumps(answer)) < 1000, "what was wrong is not repeated at length"
    assert await culprit.still_talks()


@pytest.mark.parametrize(
    "payload", ['{"lat":1,"lat":"x","lng":2,"fix_time":3}', '{"__proto__":{"lat":1}}', "[]", "3"]
)
async def test_a_payload_of_another_shape_is_a_bad_payload(culprit: Culprit, payload: str):
    assert (await culprit.send("fix", payload))["error"]["code"] == "bad_payload"
    assert await culprit.still_talks()
    assert culprit.stored() == []


async def test_a_peer_that_sends_nothing_but_nonsense_is_closed_for_good(culprit: Culprit):
    await culprit.socket.send(frame(TEXT, b"GET / HTTP/1.1") * 10)
    assert await culprit.socket.close_code() == 4500


# Things that are not to be said, here or by this person


async def test_an_unknown_event_is_told_so(culprit: Culprit):
    assert (await culprit.send("teleport", "{}"))["error"]["code"] == "unknown_event"
    assert await culprit.still_talks()


async def test_a_frame_before_authentication_closes_for_good(server: StartedServer):
    socket = await raw_socket(server.port)
    await socket.say("dispatch:all", "join", ref="1")
    assert await socket.close_code() == 4501
    await socket.close()


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "x" * 4000, "{changed}"])
async def test_a_token_that_is_none_closes_for_good(server: StartedServer, culprit: Culprit, token: str):
    head, body, signature = culprit.person.token.split(".")
    socket = await raw_socket(server.port)
    await socket.say(
        "session",
        "authenticate",
        {"token": token.format(changed=f"{head}.{body}.{signature[::-1]}")},
        ref="1",
    )
    assert (await socket.message())["payload"]["error"]["code"] == "not_authenticated"
    assert await socket.close_code() == 4501
    await socket.close()


async def test_a_token_of_another_role_is_not_enough(server: StartedServer, culprit: Culprit):
    customer = server.person("customer")
    async with visiting(server.socket_url, customer.token) as visit:
        for topic, event, payload in (
            (culprit.topic, "fix", {"lat": HERE[0], "lng": HERE[1], "fix_time": 1}),
            (culprit.topic, "availability", {"available": False}),
            (f"courier:{customer.id}", "fix", {"lat": HERE[0], "lng": HERE[1], "fix_time": 1}),
            (culprit.topic, "join", {}),
            ("dispatch:all", "join", {}),
            ("viewport", "look", {"cells": []}),
        ):
            answer = (await visit.ask(topic, event, payload))["payload"]
            assert answer["error"]["code"] == "not_allowed", (topic, event)
    assert await culprit.still_talks()
    assert culprit.stored() == []


async def test_a_million_topics_are_too_many_long_before(server: StartedServer):
    """128 of them at most, and who asks on and on is closed."""
    async with visiting(server.socket_url, server.person("dispatcher").token) as visit:
        codes: list[str] = []
        for number in range(200):
            await visit.say(f"courier:00000000-0000-7000-8000-{number:012}", "join", ref=str(number))
        while len(codes) < 200:
            answer = (await visit.event("reply"))["payload"]
            codes.append("ok" if "ok" in answer else answer["error"]["code"])
        assert (codes.count("ok"), codes.count("too_many_topics")) == (128, 72)
        with pytest.raises(ConnectionClosed) as closed:
            await ask_for_orders(visit, 1_000_000)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4009


async def ask_for_orders(visit: Visit, count: int) -> None:
    for number in range(count):
        await visit.say(f"order:{number}", "join", ref="x")


async def test_an_answer_too_late_for_a_socket_that_broke_the_rules_is_dropped(culprit: Culprit):
    asked = frame(TEXT, b'{"topic":"session","event":"heartbeat","ref":"late"}')
    await culprit.socket.send(asked + frame(TEXT, b"{}", masked=False))
    assert await culprit.socket.close_code() == 1002
