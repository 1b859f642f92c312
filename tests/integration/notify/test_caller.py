"""What a webhook connects to, and what a receiver can do to us (fault 32): nothing private, nothing without end."""

import asyncio
import ipaddress
import ssl
import subprocess
from pathlib import Path

import pytest

from server.notify import caller as module
from server.notify.caller import KEPT_ANSWER_BYTES, Caller
from server.notify.schedule import Outcome
from tests.integration.notify.receiver import Receiver, receiving, says
from tests.ports import free_port

METADATA = "169.254.169.254"


async def call(caller: Caller, url: str):
    try:
        return await caller.post(url, {"webhook-id": "msg_1"}, b"{}")
    finally:
        await caller.close()


class Names:
    """A name server that answers what it is told to, one answer after the other, the last for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433", "0", "[::1]", "[::ffff:127.0.0.1]", "[::]"],
)
async def test_no_way_of_writing_our_own_address_reaches_us(receiver: Receiver, host: str):
    answer = await call(Caller(), f"http://{host}:{receiver.port}/")
    assert answer.outcome in {Outcome.PRIVATE_ADDRESS, Outcome.NAME_UNKNOWN}
    assert receiver.connections == 0


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        [METADATA],
        ["8.8.8.8", "127.0.0.1"],  # one of them is enough: which one is tried is not for them to choose
        ["::ffff:7f00:1"],
        ["fd00:ec2::254"],
    ],
)
async def test_a_name_that_leads_to_a_private_address_is_not_connected_to(
    receiver: Receiver, addresses: list[str]
):
    names = Names(addresses)
    answer = await call(Caller(resolve=names), f"http://shop.example:{receiver.port}/")
    assert answer.outcome is Outcome.PRIVATE_ADDRESS
    assert (names.asked, receiver.connections) == (1, 0)


async def test_the_address_that_was_judged_is_the_one_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    """A name that changes between the look and the connection: there is no second look."""
    judged = []

    def all_open(address: str) -> bool:
        judged.append(address)
        return ipaddress.ip_address(address) == ipaddress.ip_address("127.0.0.1")

    monkeypatch.setattr(module, "is_open", all_open)
    async with receiving() as secret:
        # Were the name asked again, it would lead to where `secret` cannot be told from `receiver`.
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        answer = await call(Caller(resolve=names), f"http://rebinding.example:{receiver.port}/")
        assert answer.outcome is Outcome.DELIVERED
        assert secret.connections == 0
    assert (names.asked, judged) == (1, ["127.0.0.1"])
    assert receiver.received[0].headers["host"] == f"rebinding.example:{receiver.port}"


async def test_a_name_is_judged_anew_at_every_try(receiver: Receiver, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "is_open", lambda address: address == "127.0.0.1")
    caller = Caller(resolve=Names(["127.0.0.1"], [METADATA]))
    url = f"http://rebinding.example:{receiver.port}/"
    assert (await caller.post(url, {}, b"")).outcome is Outcome.DELIVERED
    assert (await call(caller, url)).outcome is Outcome.PRIVATE_ADDRESS
    assert receiver.connections == 1


async def test_a_redirect_to_the_metadata_of_a_cloud_is_not_followed(receiver: Receiver):
    receiver.usual = says(302, Location=f"http://{METADATA}/latest/meta-data/")
    names = Names(["127.0.0.1"])
    answer = await call(Caller(allow_private=True, resolve=names), receiver.url)
    assert (answer.outcome, answer.status, names.asked) == (Outcome.REDIRECTED, 302, 1)


@pytest.mark.parametrize(
    ("usual", "expected"),
    [
        (None, Outcome.TIMED_OUT),
        (b"", Outcome.BROKEN_ANSWER),
        (b"SSH-2.0-OpenSSH_9\r\n", Outcome.BROKEN_ANSWER),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nhalf", Outcome.DELIVERED),
        (b"HTTP/1.1 500 " + b"x" * 300_000, Outcome.BROKEN_ANSWER),
        (says(500), Outcome.REFUSED),
    ],
    ids=["silence", "nothing", "not HTTP", "half a body", "an endless head", "a failure"],
)
async def test_whatever_a_receiver_says_is_an_outcome(receiver: Receiver, usual, expected):
    caller = Caller(allow_private=True)
    caller.within_s = 0.5
    receiver.usual = usual
    assert (await call(caller, receiver.url)).outcome is expected


async def test_an_endless_answer_is_not_read_to_its_end():
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        except ConnectionError:
            ended.set()
        finally:
            writer.close()

    ended = asyncio.Event()
    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    answer = await call(Caller(allow_private=True), f"http://127.0.0.1:{port}/")
    assert (answer.outcome, answer.text) == (Outcome.DELIVERED, "x" * KEPT_ANSWER_BYTES)
    await asyncio.wait_for(ended.wait(), 10)
    server.close()


async def test_nobody_listens_there():
    answer = await call(Caller(allow_private=True), f"http://127.0.0.1:{free_port()}/")
    assert answer.outcome is Outcome.NOT_CONNECTED


async def test_a_name_that_nobody_has():
    answer = await call(Caller(), "http://nobody.invalid/")
    assert answer.outcome is Outcome.NAME_UNKNOWN


async def test_the_second_address_is_tried_when_the_first_does_not_answer(receiver: Receiver):
    names = Names(["127.0.0.9", "127.0.0.1"])  # nobody listens on the first
    answer = await call(Caller(allow_private=True, resolve=names), f"http://shop.example:{receiver.port}/")
    assert answer.outcome is Outcome.DELIVERED


async def test_no_proxy_of_the_environment_is_used_but_one_that_was_set_is(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    async with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert (await call(Caller(allow_private=True), receiver.url)).outcome is Outcome.DELIVERED
        assert (proxy.connections, receiver.connections) == (0, 1)
        answer = await call(Caller(proxy_url=proxy.url), "http://shop.example/hook")
        assert answer.outcome is Outcome.DELIVERED
        assert proxy.received[0].line == "POST http://shop.example/hook HTTP/1.1"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for shop.example and its key, in one file."""
    path = tmp_path_factory.mktemp("tls") / "shop.pem"
    program = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    names = ["-subj", "/CN=shop.example", "-addext", "subjectAltName=DNS:shop.example", "-days", "2"]
    subprocess.run(
        [*program, *names, "-keyout", path, "-out", path.with_suffix(".crt")], check=True, capture_output=True
    )
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


@pytest.mark.parametrize(
    ("host", "is_trusted", "expected"),
    [
        ("shop.example", True, Outcome.DELIVERED),
        ("other.example", True, Outcome.BAD_CERTIFICATE),
        ("shop.example", False, Outcome.BAD_CERTIFICATE),
    ],
)
async def test_the_certificate_is_held_against_the_name_though_we_connect_to_an_address(
    certificate: Path, host: str, is_trusted: bool, expected: Outcome
):
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate)
    asked: list[str | None] = []
    serving.sni_callback = lambda socket, name, context: asked.append(name)
    trusting = ssl.create_default_context(cafile=certificate) if is_trusted else None
    async with receiving(ssl=serving) as secure:
        caller = Caller(allow_private=True, resolve=Names(["127.0.0.1"]), ssl_context=trusting)
        answer = await call(caller, f"https://{host}:{secure.port}/hook")
    assert answer.outcome is expected
    assert asked == [host]
