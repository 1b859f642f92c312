"""The REST side of the client against a small HTTP server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from server.wire.answers import RequestRefused, Unreachable
from server.wire.rest import RestClient


class Answers(BaseHTTPRequestHandler):
    """Echoes a POST; /refused is a problem, /busy a 503; /hangs-up answers once and then closes without a
    word.
    """

    protocol_version = "HTTP/1.1"
    requests: list[dict]

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body) -> None:
        self.requests.append({"path": self.path, "body": body, "headers": dict(self.headers)})
        problem = {
            "type": "about:blank",
            "title": "Refused",
            "status": 409,
            "code": "sold_out",
            "detail": "No soup.",
        }
        status, answer = {"/refused": (409, problem), "/busy": (503, None)}.get(
            self.path, (200, {"echo": body})
        )
        data = json.dumps(answer).encode() if answer is not None else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        if self.path == "/hangs-up":
            self.close_connection = True  # after an answer that promised to stay

    def log_message(self, *args) -> None: ...


@pytest.fixture
def http_server() -> Iterator[tuple[str, list[dict]]]:
    requests: list[dict] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Answers,), {"requests": requests}))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", requests
    server.shutdown()
    server.server_close()


async def test_a_command_carries_token_and_idempotency_key(http_server):
    url, requests = http_server
    rest = RestClient(url)
    assert await rest.post("/orders", {"a": 1}, token="t", key="k") == {"echo": {"a": 1}}
    assert requests[0]["headers"]["Authorization"] == "Bearer t"
    assert requests[0]["headers"]["Idempotency-Key"] == "k"
    rest.close()


async def test_a_problem_becomes_an_error_with_its_word(http_server):
    rest = RestClient(http_server[0])
    with pytest.raises(RequestRefused) as refusal:
        await rest.get("/refused")
    assert (refusal.value.code, refusal.value.http_status, str(refusal.value)) == (
        "sold_out",
        409,
        "No soup. (sold_out)",
    )
    rest.close()


async def test_a_busy_or_missing_server_is_unreachable(http_server):
    rest = RestClient(http_server[0])
    with pytest.raises(Unreachable):
        await rest.get("/busy")
    rest.close()
    nobody = RestClient("http://127.0.0.1:1")
    with pytest.raises(Unreachable):
        await nobody.get("/")
    nobody.close()


async def test_a_kept_connection_that_went_stale_is_replaced_for_what_may_be_repeated(http_server):
    url, requests = http_server
    rest = RestClient(url, connections=1)
    await rest.get("/hangs-up")
    assert await rest.post("/orders", {"a": 1}, key="k") == {"echo": {"a": 1}}
    await rest.get("/hangs-up")
    with pytest.raises(Unreachable):
        await rest.post("/orders", {"a": 1})
    assert [request["path"] for request in requests] == ["/hangs-up", "/orders", "/hangs-up"]
    rest.close()
