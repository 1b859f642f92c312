"""The REST side of the Python client: JSON over kept HTTP/1.1 connections.

Built on http.client in a few threads of its own: it is in the standard library, speaks TLS, and costs an
occasional command a tenth of a millisecond; a socket carries everything that is frequent.  No proxy is asked.
"""

import asyncio
import http.client
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec

from server.wire.answers import RequestRefused, Unreachable

CONNECTIONS = 4
TIMEOUT_S = 15.0


class RestClient:
    """Requests to one server.  Up to CONNECTIONS at once; further ones wait their turn."""

    def __init__(
        self, base_url: str, *, connections: int = CONNECTIONS, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._address = urlsplit(self.base_url)
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="rest")
        # list.append and list.pop are atomic between threads
        self._idle: list[http.client.HTTPConnection] = []
        self._tls = ssl.create_default_context() if self._address.scheme == "https" else None

    async def get(self, path: str, *, token: str | None = None) -> Any:
        """The JSON answer; RequestRefused, or Unreachable."""
        return await self._run("GET", path, None, _headers(token), repeatable=True)

    async def post(
        self,
        path: str,
        body: Any,
        *,
        token: str | None = None,
        key: str | None = None,
        harmless: bool = False,
    ) -> Any:
        """The JSON answer to `body`; with an idempotency `key`, sent twice it still happens once.

        `harmless` says that happening twice does no harm, so that a stale connection may be replaced without
        a key.
        """
        headers = _headers(token) | {"Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        repeatable = harmless or key is not None
        return await self._run("POST", path, msgspec.json.encode(body), headers, repeatable=repeatable)

    def close(self) -> None:
        """Close the connections that are idle; requests under way end with their answer."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        while self._idle:
            self._idle.pop().close()

    async def _run(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], *, repeatable: bool
    ) -> Any:
        loop = asyncio.get_running_loop()
        request = partial(self._request, method, path, body, headers, repeatable=repeatable)
        return await loop.run_in_executor(self._threads, request)

    def _request(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], *, repeatable: bool
    ) -> Any:
        """One request, in a thread.  A kept connection that the server has closed meanwhile is replaced."""
        while True:
            try:
                connection, kept = self._idle.pop(), True
            except IndexError:
                connection, kept = _connection(self._address, self._timeout_s, self._tls), False
            try:
                connection.request(method, self._address.path + path, body, headers)
                response = connection.getresponse()
                data = response.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if kept and repeatable and not isinstance(error, TimeoutError):
                    continue
                why = str(error) or type(error).__name__
                raise Unreachable(f"No answer from {self.base_url}: {why}.") from error
            if response.will_close:
                connection.close()
            else:
                self._idle.append(connection)
            return _answer(response.status, data)


def _headers(token: str | None) -> dict[str, str]:
    return {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})


def _connection(
    address: SplitResult, timeout_s: float, tls: ssl.SSLContext | None
) -> http.client.HTTPConnection:
    host = address.hostname or "127.0.0.1"
    if tls is not None:
        return http.client.HTTPSConnection(host, address.port, timeout=timeout_s, context=tls)
    return http.client.HTTPConnection(host, address.port, timeout=timeout_s)


def _answer(status: int, data: bytes) -> Any:
    """The body of a 2xx, decoded; RequestRefused with the problem's words otherwise (RFC 9457, with our `code`)."""
    body: Any = None
    if data:
        with suppress(msgspec.DecodeError):
            body = msgspec.json.decode(data)
    if 200 <= status < 300:
        return body
    problem = body if isinstance(body, dict) else {}
    message = str(problem.get("detail") or problem.get("title") or http.client.responses.get(status, ""))
    if status in (502, 503, 504):
        raise Unreachable(message or f"The server answered {status}.")
    code = str(problem.get("code", f"http_{status}"))
    raise RequestRefused(code, message, http_status=status, details=problem)
