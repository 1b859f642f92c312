"""The Python client against a server that does what each test says."""

import asyncio
from random import Random

import pytest

from server.wire.answers import ClosedForGood, RequestRefused, Unreachable, asked_pause_s
from server.wire.backoff import Backoff
from server.wire.client import Client
from server.wire.messages import Fix
from server.wire.server_frames import ServerFrame, socket_url
from tests.unit.wire.contract_server import Visit, contract_server

AT_ONCE = Backoff(first_s=0.001, longest_s=0.001)


def a_client(url: str, **options) -> Client:
    return Client(url, "a-token", backoff=AT_ONCE, random=Random(1), **options)


@pytest.mark.parametrize(
    ("typed", "socket"),
    [
        ("http://127.0.0.1:8700", "ws://127.0.0.1:8700/ws"),
        ("https://songda.example/", "wss://songda.example/ws"),
        ("ws://127.0.0.1:8700/ws", "ws://127.0.0.1:8700/ws"),
        ("https://example.org/delivery", "wss://example.org/delivery/ws"),
    ],
)
def test_the_socket_is_found_from_the_address_people_type(typed, socket):
    assert socket_url(typed) == socket


async def test_the_token_travels_in_the_first_frame_and_not_in_the_url():
    seen = {}

    async def visit(server: Visit) -> None:
        seen["path"] = server.socket.request.path
        seen["frame"] = await server.welcome()

    async with contract_server(visit) as url, a_client(url) as client:
        await client.connected()
    assert seen["path"] == "/ws"
    assert (seen["frame"]["topic"], seen["frame"]["event"]) == ("session", "authenticate")
    assert seen["frame"]["payload"] == {"token": "a-token"}


async def test_another_token_is_shown_before_the_last_one_ends():
    tokens = iter(("first", "second", "third"))
    seen = []

    async def source() -> str:
        return next(tokens)

    async def visit(server: Visit) -> None:
        for _ in range(3):
            heard = await server.hear()
            seen.append((heard["event"], heard["payload"]["token"]))
            await server.grant(heard, {"good_for_s": 0.02 if len(seen) < 3 else 900})

    async with contract_server(visit) as url, Client(url, source, backoff=AT_ONCE) as client:
        async with asyncio.timeout(5):
            while len(seen) < 3:
                await asyncio.sleep(0.005)
        assert client.connections == 1
    assert seen == [("authenticate", "first"), ("authenticate", "second"), ("authenticate", "third")]


async def test_a_request_is_answered_by_its_own_reply_even_out_of_order():
    async def visit(server: Visit) -> None:
        await server.welcome()
        first, second = await server.hear(), await server.hear()
        await server.grant(second, {"for": second["event"]})
        await server.grant(first, {"for": first["event"]})

    async with contract_server(visit) as url, a_client(url) as client:
        answers = await asyncio.gather(client.request("t", "one"), client.request("t", "two"))
    assert answers == [{"for": "one"}, {"for": "two"}]


async def test_a_refusal_carries_the_servers_word():
    async def visit(server: Visit) -> None:
        await server.welcome()
        await server.refuse(await server.hear(), "not_allowed")

    async with contract_server(visit) as url, a_client(url) as client:
        with pytest.raises(RequestRefused) as refusal:
            await client.join("dispatch:all")
    assert refusal.value.code == "not_allowed"


async def test_a_request_whose_connection_ends_is_unreachable_and_not_forgotten():
    async def visit(server: Visit) -> None:
        await server.welcome()
        await server.hear()
        server.vanish()

    async def again(server: Visit) -> None:
        await server.welcome()

    async with contract_server(visit, again) as url, a_client(url) as client:
        with pytest.raises(Unreachable):
            await client.request("t", "one")
        await client.connected()
    assert client.connections == 2


async def test_after_a_loss_each_topic_is_resumed_from_the_newest_cursor_seen():
    async def visit(server: Visit) -> None:
        await server.welcome()
        await server.grant(await server.hear(), {"snapshot": {"version": 1}}, cursor="c1")
        await server.say("order:7", "changed", {"version": 2}, cursor="c2")
        server_has_spoken.set()
        await may_vanish.wait()
        server.vanish()

    async def again(server: Visit) -> None:
        await server.welcome()
        join = await server.hear()
        assert (join["topic"], join["event"], join["payload"]) == ("order:7", "join", {"since": "c2"})
        await server.grant(join, {"changes": 1}, cursor="c3")
        await server.say("order:7", "changed", {"version": 3}, cursor="c3")

    server_has_spoken, may_vanish = asyncio.Event(), asyncio.Event()
    async with contract_server(visit, again) as url, a_client(url) as client:
        assert await client.join("order:7") == {"snapshot": {"version": 1}}
        frames = client.frames()
        assert (await anext(frames)).payload == {"version": 2}
        may_vanish.set()
        assert (await anext(frames)).payload == {"version": 3}


async def test_a_resume_that_is_too_late_brings_a_new_snapshot_as_a_frame():
    async def visit(server: Visit) -> None:
        await server.welcome()
        await server.grant(await server.hear(), {"snapshot": {"version": 1}}, cursor="c1")
        server.vanish()

    async def again(server: Visit) -> None:
        await server.welcome()
        await server.grant(await server.hear(), {"resync": True, "snapshot": {"version": 9}}, cursor="c9")

    heard: asyncio.Queue[ServerFrame] = asyncio.Queue()
    async with contract_server(visit, again) as url, a_client(url, on_frame=heard.put_nowait) as client:
        await client.join("order:7")
        frame = await heard.get()
    assert (frame.topic, frame.event, frame.payload, frame.cursor) == (
        "order:7",
        "snapshot",
        {"version": 9},
        "c9",
    )


async def test_a_topic_that_cannot_be_read_just_now_is_asked_for_again():
    async def visit(server: Visit) -> None:
        await server.welcome()
        await server.grant(await server.hear(), {"snapshot": {}}, cursor="c1")
        server.vanish()

    async def again(server: Visit) -> None:
        await server.welcome()
        await server.refuse(await server.hear(), "unavailable")
        asked = await server.hear()
        assert (asked["topic"], asked["event"], asked["payload"]) == ("order:7", "join", {"since": "c1"})
        await server.grant(asked, {"changes": 1})
        await server.say("order:7", "changed", {"version": 2}, cursor="c2")

    heard: asyncio.Queue[ServerFrame] = asyncio.Queue()
    async with contract_server(visit, again) as url, a_client(url, on_frame=heard.put_nowait) as client:
        await client.join("order:7")
        assert (await heard.get()).event == "changed"


async def test_a_topic_that_is_no_longer_permitted_is_told_and_not_joined_again():
    async def visit(server: Visit) -> None:
        await server.welcome()
        await server.grant(await server.hear(), {"snapshot": {}}, cursor="c1")
        server.vanish()

    async def again(server: Visit) -> None:
        await server.welcome()
        await server.refuse(await server.hear(), "not_allowed")
        server.vanish()

    async def third(server: Visit) -> None:
        await server.welcome()
        asked = await server.hear()
        assert asked["event"] == "ping"
        await server.grant(asked)

    heard: asyncio.Queue[ServerFrame] = asyncio.Queue()
    async with (
        contract_server(visit, again, third) as url,
        a_client(url, on_frame=heard.put_nowait) as client,
    ):
        await client.join("order:7")
        assert (await heard.get()).payload["code"] == "not_allowed"
        while True:
            try:
                await client.request("t", "ping")
                break
            except Unreachable:
                continue


@pytest.mark.parametrize("code", [4010, 4500, 4501, 4503, 4504])
async def test_it_does_not_come_back_when_the_close_code_says_so(code):
    async def visit(server: Visit) -> None:
        await server.welcome()
        await server.socket.close(code, "because")

    async with contract_server(visit) as url, a_client(url) as client:
        with pytest.raises(ClosedForGood) as closed:
            async for _ in client.frames():
                pass
    assert closed.value.close_code == code
    assert client.connections == 1


@pytest.mark.parametrize("code", [1001, 4000, 4001, 4008, 4009])
async def test_it_comes_back_with_a_fresh_token_after_any_other_code(code):
    async def visit(server: Visit) -> None:
        await server.welcome()
        await server.socket.close(code)

    tokens = iter(["first", "second"])
    shown = []

    async def again(server: Visit) -> None:
        shown.append((await server.welcome())["payload"]["token"])
        back.set()

    async def token() -> str:
        return next(tokens)

    back = asyncio.Event()
    async with contract_server(visit, again) as url, Client(url, token, backoff=AT_ONCE):
        await back.wait()
    assert shown == ["second"]


@pytest.mark.parametrize(
    ("reason", "pause_s"),
    [('{"retry_in_ms":1500}', 1.5), ('{"retry_in_ms":-1}', 0.0), ("", None), ("bye", None), ("[]", None)],
)
def test_a_server_that_stops_may_say_how_long_to_stay_away(reason, pause_s):
    assert asked_pause_s(reason) == pause_s


async def test_fixes_are_sent_again_until_they_are_stored():
    async def visit(server: Visit) -> None:
        await server.welcome()
        fix = await server.hear()
        assert (fix["topic"], fix["event"], fix["payload"]["seq"]) == ("courier:c", "fix", 1)
        await server.grant(fix, {"received": 1})
        await server.say("courier:c", "first", {})
        both = await server.hear()
        assert [one["seq"] for one in both["payload"]["fixes"]] == [2, 3]
        await server.say("courier:c", "stored", {"seqs": [1]})
        await server.grant(both, {"received": 2})
        server.vanish()  # 2 and 3 were on the map, and are lost with the process

    async def again(server: Visit) -> None:
        await server.welcome()
        both = await server.hear()
        assert [one["seq"] for one in both["payload"]["fixes"]] == [2, 3]
        await server.grant(
            both, {"received": 1, "refused": [{"reason": "out_of_range", "index": 1, "seq": 3}]}
        )
        await server.say("courier:c", "stored", {"seqs": [2]})
        await server.say("courier:c", "done", {})

    async with contract_server(visit, again) as url, a_client(url) as client:
        client.send_fixes("c", [a_fix(1)])
        frames = client.frames()
        assert (await anext(frames)).event == "first"
        client.send_fixes("c", [a_fix(2), a_fix(3)])
        assert (await anext(frames)).event == "done"
        tally = client.fixes.tally
        assert (tally.sent, tally.sent_again, tally.received, tally.stored) == (3, 2, 3, 2)
        assert len(client.fixes) == 0


async def test_offline_nothing_is_sent_and_online_everything_at_once():
    async def visit(server: Visit) -> None:
        await server.welcome()

    async def again(server: Visit) -> None:
        await server.welcome()
        batch = await server.hear()
        assert [fix["seq"] for fix in batch["payload"]["fixes"]] == [1, 2, 3]
        await server.say("courier:c", "done", {})

    async with contract_server(visit, again) as url, a_client(url) as client:
        await client.connected()
        client.go_offline()
        for moment in range(3):
            client.send_fixes("c", [a_fix(moment)])
        client.go_online()
        assert (await anext(client.frames())).event == "done"


async def test_a_server_that_is_not_there_yet_is_found_when_it_comes():
    async def visit(server: Visit) -> None:
        await server.welcome()

    async with contract_server(visit) as url:
        pass
    port = int(url.rsplit(":", 1)[1])
    from websockets.asyncio.server import serve

    async def handle(socket) -> None:
        await Visit(socket).welcome()
        await socket.wait_closed()

    async with a_client(url) as client:
        waiting = asyncio.create_task(client.connected())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        async with serve(handle, "127.0.0.1", port, subprotocols=["songda.v1"]):
            await asyncio.wait_for(waiting, 5)


async def test_an_address_without_our_socket_ends_the_client_for_good():
    from websockets.asyncio.server import serve

    async def not_here(connection, request):
        return connection.respond(404, "no such page\n")

    async def handle(socket) -> None: ...

    async with serve(handle, "127.0.0.1", 0, process_request=not_here) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with a_client(url) as client:
            with pytest.raises(ClosedForGood):
                await client.connected()


def a_fix(moment: int) -> Fix:
    return Fix(lat=60.17, lng=24.94, fix_time=1_795_000_000_000 + moment * 1000)


async def test_a_refused_sign_in_ends_it_for_good_and_says_why():
    async def no_token() -> str:
        raise RequestRefused("unknown_device_key", "No active account has this device key.", http_status=401)

    async with Client("http://127.0.0.1:1", no_token, backoff=AT_ONCE) as client:
        with pytest.raises(ClosedForGood, match="unknown_device_key"):
            await client.connected()
