"""The door to merchants' servers: one POST, to an address of the open internet or not at all.

A name is resolved here, every address it has is judged (addresses.py), and the connection goes to an address that was
judged: there is no second resolution that could answer differently.  TLS still checks the certificate against the
name.  httpcore follows no redirects, keeps no cookies and reads no proxy from the environment; nor do we.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeAlias

import httpcore
import httpx

from server.notify.addresses import is_open
from server.notify.schedule import Answer, Outcome, outcome_of

CONNECT_WITHIN_S = 5.0
WITHIN_S = 10.0
MAX_ANSWER_BYTES = 64 * 1024  # read, so that a chatty receiver can end in peace …
KEPT_ANSWER_BYTES = 1024  # … and kept, for whoever looks for the mistake

Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]


class AddressRefused(httpcore.ConnectError):
    """The name leads to an address that is not of the open internet."""


class NameUnknown(httpcore.ConnectError):
    """The name leads nowhere."""


async def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name, by the system's resolver.  Under uvloop in threads that nobody else needs."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NameUnknown(str(error)) from error
    return [str(address[0]) for *_, address in found]


# The first that fits.
_OUTCOMES: dict[type[Exception], Outcome] = {
    TimeoutError: Outcome.TIMED_OUT,
    httpcore.TimeoutException: Outcome.TIMED_OUT,
    AddressRefused: Outcome.PRIVATE_ADDRESS,
    NameUnknown: Outcome.NAME_UNKNOWN,
    httpcore.NetworkError: Outcome.NOT_CONNECTED,
    httpcore.ProxyError: Outcome.NOT_CONNECTED,
    httpcore.ProtocolError: Outcome.BROKEN_ANSWER,
    httpcore.UnsupportedProtocol: Outcome.BROKEN_ANSWER,
    ValueError: Outcome.BROKEN_ANSWER,
}


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were judged just before, and to nothing else."""

    def __init__(self, *, allow_private: bool, resolve: Resolve = resolve) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._connecting = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  as httpcore has it
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
                if not addresses:
                    raise NameUnknown
                if not self._allow_private and not all(map(is_open, addresses)):
                    raise AddressRefused
                return await self._connect_first(addresses, port, local_address, socket_options)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise AddressRefused

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _connect_first(
        self,
        addresses: list[str],
        port: int,
        local_address: str | None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None,
    ) -> httpcore.AsyncNetworkStream:
        """The first of them that answers."""
        *others, last = dict.fromkeys(addresses)
        for address in others:
            try:
                return await self._connecting.connect_tcp(
                    address, port, CONNECT_WITHIN_S / 2, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._connecting.connect_tcp(last, port, None, local_address, socket_options)


class Caller:
    """Posts webhooks.  Whatever the receiver does, it costs no more than `WITHIN_S` and `MAX_ANSWER_BYTES`."""

    within_s = WITHIN_S

    def __init__(
        self,
        *,
        allow_private: bool = False,
        proxy_url: str = "",
        most_at_once: int = 64,
        resolve: Resolve = resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        context = ssl_context or httpx.create_ssl_context()
        # No connection is kept: each try is judged anew, and none meets a connection that just closed.
        if proxy_url:  # it resolves the names, and decides what may be reached
            self._pool: httpcore.AsyncConnectionPool = httpcore.AsyncHTTPProxy(
                proxy_url, ssl_context=context, max_connections=most_at_once, max_keepalive_connections=0
            )
        else:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=context,
                max_connections=most_at_once,
                max_keepalive_connections=0,
                network_backend=GuardedBackend(allow_private=allow_private, resolve=resolve),
            )

    async def close(self) -> None:
        """End all connections."""
        await self._pool.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What came of it; never an exception but for being cancelled."""
        try:
            async with asyncio.timeout(self.within_s):
                return await self._post(url, headers, body)
        except tuple(_OUTCOMES) as error:
            if isinstance(error, httpcore.ConnectError) and _is_tls(error):
                return Answer(outcome=Outcome.BAD_CERTIFICATE)
            return Answer(outcome=next(what for kind, what in _OUTCOMES.items() if isinstance(error, kind)))

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        sent: list[tuple[bytes | str, bytes | str]] = [
            ("Host", _host_of(url)),
            ("Content-Length", str(len(body))),
            *headers.items(),
        ]
        limits = {"connect": CONNECT_WITHIN_S, "read": WITHIN_S, "write": WITHIN_S, "pool": WITHIN_S}
        async with self._pool.stream(
            "POST",
            url,
            headers=sent,
            content=body,
            extensions={"timeout": limits},
        ) as response:
            heard = {name.lower(): value for name, value in response.headers}
            retry_after = heard.get(b"retry-after")
            return Answer(
                outcome=outcome_of(response.status),
                status=response.status,
                text=await _beginning(response),
                retry_after=None if retry_after is None else retry_after.decode("latin-1"),
            )


async def _beginning(response: httpcore.Response) -> str:
    """What the answer begins with; a broken or endless body changes nothing about its status."""
    kept, read = b"", 0
    try:
        async for chunk in response.aiter_stream():
            kept += chunk[: KEPT_ANSWER_BYTES - len(kept)]
            read += len(chunk)
            if read >= MAX_ANSWER_BYTES:
                break
    except (httpcore.NetworkError, httpcore.ProtocolError):
        pass
    return kept.decode("utf-8", "replace").replace("\x00", "\ufffd")


def _is_tls(error: BaseException) -> bool:
    """Whether it is the certificate, or what else TLS is about."""
    return isinstance(error.__cause__ or error.__context__, ssl.SSLError)


def _host_of(url: str) -> str:
    return str(httpx.URL(url).netloc.decode("ascii"))
