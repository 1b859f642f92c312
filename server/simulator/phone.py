"""A person's phone: signs in, keeps its token, opens its socket, and gives commands until they are answered.

It knows only what any program knows: the REST API and songda.v1.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

import msgspec

from server.clock import Clock
from server.wire.answers import RequestRefused, Unreachable
from server.wire.backoff import Backoff
from server.wire.client import Client
from server.wire.fix_buffer import FixTally
from server.wire.rest import RestClient
from server.wire.server_frames import ServerFrame

API = "/api/v1"
# A token this near its end is not shown any more: the socket it opens would close at once.
RENEW_BEFORE_S = 60.0
# With the usual back-off, about two minutes: longer than a server's restart.
LISTEN_AGAIN = 10
HTTP_UNAUTHORIZED = 401
HTTP_TOO_MANY = 429


class Account(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody's account with what it takes to sign in: a device key, or login and password."""

    id: str
    role: str
    login: str
    display_name: str = ""
    device_key: str = ""
    password: str = ""
    merchant_id: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """The line to the server that all phones of a simulation share."""

    rest: RestClient
    clock: Clock
    random: Random
    backoff: Backoff
    fixes: FixTally


class Phone:
    """One account's phone."""

    def __init__(self, line: Line, account: Account) -> None:
        self.account = account
        self._line = line
        self._token = self._refresh_token = ""
        self._good_until: datetime | None = None
        self._signing_in = asyncio.Lock()

    async def token(self) -> str:
        """A token that is good for a while, signing in when there is none; RequestRefused, Unreachable."""
        async with self._signing_in:
            if self._good_until is None or self._left_s(self._good_until) < RENEW_BEFORE_S:
                session = await self._next_session()
                self._token = session["token"]
                self._refresh_token = session.get("refresh_token") or ""
                self._good_until = datetime.fromisoformat(session["expires_at"])
            return self._token

    async def _next_session(self) -> Any:
        """By the refresh token, as long as that goes on; else by signing in."""
        if self._refresh_token:
            shown, self._refresh_token = self._refresh_token, ""
            try:
                return await self._line.rest.post(
                    f"{API}/sessions/refresh", {"refresh_token": shown}, harmless=True
                )
            except RequestRefused:
                pass  # the session is over
            except Unreachable:
                self._refresh_token = shown
                raise
        account = self.account
        proof = (
            {"device_key": account.device_key} if account.device_key
            else {"login": account.login, "password": account.password}
        )  # fmt: skip
        try:
            return await self._line.rest.post(f"{API}/sessions", proof, harmless=True)
        except RequestRefused as refusal:
            if refusal.http_status == HTTP_TOO_MANY:
                raise Unreachable(str(refusal)) from refusal  # later, then
            raise

    async def get(self, path: str) -> Any:
        """The answer, however long the server is away; RequestRefused."""
        return await self._patiently(lambda token: self._line.rest.get(API + path, token=token))

    async def command(self, path: str, body: Any, *, key: str | None = None) -> Any:
        """The answer to a command that happens once, however often the line breaks; RequestRefused."""
        kept_key = key or secrets.token_hex(16)
        return await self._patiently(
            lambda token: self._line.rest.post(API + path, body, token=token, key=kept_key)
        )

    async def listen(self, client: Client, topic: str) -> Any:
        """The snapshot of `topic`, joined.  What the server cannot say just now is asked again a few times."""
        failures = 0
        while True:
            try:
                return (await client.join(topic))["snapshot"]
            except Unreachable:
                continue  # the connection ended on the way: over the next one
            except RequestRefused:
                failures += 1
                if failures > LISTEN_AGAIN:
                    raise
                await asyncio.sleep(self._line.backoff.delay_s(failures, self._line.random))

    def socket(
        self,
        on_frame: Callable[[ServerFrame], None] | None = None,
        on_connected: Callable[[], None] | None = None,
    ) -> Client:
        """This phone's socket, to be used with `async with`."""
        line = self._line
        return Client(
            line.rest.base_url, self.token, on_frame=on_frame, on_connected=on_connected, tally=line.fixes,
            backoff=line.backoff, random=line.random,
        )  # fmt: skip

    async def _patiently(self, ask: Callable[[str], Any]) -> Any:
        failures = 0
        while True:
            try:
                return await ask(await self.token())
            except Unreachable:
                pass
            except RequestRefused as refusal:
                if (
                    refusal.http_status == HTTP_UNAUTHORIZED
                    and self._good_until is not None
                    and failures == 0
                ):
                    self._good_until = None  # signed with a secret that has changed: sign in again, once
                elif refusal.http_status != HTTP_TOO_MANY:
                    raise
            failures += 1
            await asyncio.sleep(self._line.backoff.delay_s(failures, self._line.random))

    def _left_s(self, moment: datetime) -> float:
        return (moment - self._line.clock.now()).total_seconds()
