"""The Python client of songda.v1: one viewer's socket that comes back by itself.

It authenticates, remembers what was joined and the cursor of each topic, and after a loss resumes there, with
back-off and jitter, unless the close code says not to.  A courier's fixes go through a FixBuffer: they are
sent, and sent again over the next connection, until the server has stored them.  Signing in (REST) is the
token source's business.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from random import Random
from types import TracebackType
from typing import Any, Self

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from server.errors import TrackingError
from server.wire.answers import ClosedForGood, RequestRefused, Unreachable, asked_pause_s
from server.wire.backoff import Backoff
from server.wire.close_codes import CloseCode
from server.wire.fix_buffer import FixBuffer, FixTally
from server.wire.frames import SUBPROTOCOL, encode_frame
from server.wire.messages import MAX_FIXES_PER_BATCH, Fix, FixesReceived
from server.wire.server_frames import ServerFrame, answer_of, decode_server_frame, socket_url

SESSION = "session"
# Snapshots of a busy city are large; what we send ourselves stays within the server's 64 KiB.
MAX_INCOMING_BYTES = 16 * 2**20
OPEN_TIMEOUT_S = 10.0
# A server that vanished without a word is noticed within twice this.
PING_EVERY_S = 30.0
# A fix is at most about 180 bytes of JSON, so that a batch fits one frame of 64 KiB.
FIXES_PER_FRAME = min(300, MAX_FIXES_PER_BATCH)
# A visit goes on beyond its token's end when another is shown in time; a token's source must by then bring another.
RENEW_BEFORE_S = 45.0
ASK_AGAIN = "unavailable"  # the server's word for a database that does not answer just now

TokenSource = Callable[[], Awaitable[str]]


_Waiting = Callable[[ServerFrame | None], None]  # None: the connection ended before the reply came


class Client:
    """`async with Client(url, token) as client:` … until the block ends or the server closes for good.

    `token` is asked before each connection and before the last token ends, so it can bring a fresh one.  With
    `on_frame` every frame that is no reply goes there, in order, as it arrives; without it, read `frames()`,
    which keeps all that you have not read yet.  `on_connected` is called after each authentication, the first
    and those after a loss.
    """

    def __init__(
        self,
        url: str,
        token: str | TokenSource,
        *,
        on_frame: Callable[[ServerFrame], None] | None = None,
        on_connected: Callable[[], None] | None = None,
        tally: FixTally | None = None,
        backoff: Backoff | None = None,
        random: Random | None = None,
        local_host: str | None = None,
    ) -> None:
        self._url = socket_url(url)
        self._token = token
        self._frames: asyncio.Queue[ServerFrame | None] = asyncio.Queue()
        self._on_frame = on_frame or self._frames.put_nowait
        self._on_connected = on_connected
        self._backoff = backoff or Backoff()
        self._random = random or Random()
        self._local_host = local_host
        self._fixes = FixBuffer(tally)
        self._courier_topic: str | None = None
        self._flushing: ClientConnection | None = None  # the one that fixes are being written to
        self._flush_task: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._joined: dict[str, str | None] = {}  # topic → the newest cursor seen
        self._resuming: set[asyncio.Task[None]] = set()  # topics that the server could not read just now
        self._waiting: dict[str, _Waiting] = {}  # ref → what to do with the reply
        self._last_ref = 0
        self._socket: ClientConnection | None = None  # set while authenticated
        self._connected = asyncio.Event()
        self._online = asyncio.Event()
        self._online.set()
        self._running: asyncio.Task[None] | None = None
        self.connections = 0  # how many were authenticated so far

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run(), name=f"client of {self._url}")
        self._running.add_done_callback(self._note_end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Say goodbye (1000) and stop; nothing is sent after this."""
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError, TrackingError):
                await self._running

    async def connected(self) -> None:
        """Wait until authenticated; raises what ended the client if it has ended for good."""
        await self._while_running(self._connected.wait())

    async def ended(self) -> None:
        """Wait until this client has ended; raises why (ClosedForGood), or returns if it was closed."""
        if self._running is not None:
            with suppress(asyncio.CancelledError):
                await asyncio.shield(self._running)

    # Talking

    async def join(self, topic: str, *, since: str | None = None) -> Any:
        """Listen to `topic`; the reply's `ok`: {snapshot}, or with `since` {changes} or {resync, snapshot}.

        From now on the topic is joined again after every loss, from the newest cursor seen.
        """

        def remember(reply: ServerFrame) -> None:
            if "ok" in reply.payload:
                self._joined[topic] = reply.cursor or since

        return answer_of(await self._asked(topic, "join", {"since": since} if since else {}, remember))

    async def leave(self, topic: str) -> None:
        """Stop listening."""
        self._joined.pop(topic, None)
        await self.request(topic, "leave")

    async def request(self, topic: str, event: str, payload: object = None) -> Any:
        """Send a frame with a `ref` and wait: the reply's `ok`, or RequestRefused, or Unreachable when it was lost."""
        return answer_of(await self._asked(topic, event, payload))

    async def frames(self) -> AsyncIterator[ServerFrame]:
        """Every frame that is no reply, in order, until the client ends; then what ended it is raised, if anything."""
        while (frame := await self._frames.get()) is not None:
            yield frame
        await self.ended()

    # A courier's fixes

    @property
    def fixes(self) -> FixBuffer:
        """What is not yet stored."""
        return self._fixes

    def send_fixes(self, courier_id: str, fixes: Iterable[Fix]) -> None:
        """Keep `fixes` until stored, sending them as soon as there is a connection.  Never waits."""
        self._courier_topic = f"courier:{courier_id}"
        self._fixes.add(fixes)
        self._start_flush()

    def go_offline(self) -> None:
        """As in a tunnel: drop the connection without a goodbye and do not come back before `go_online`."""
        self._online.clear()
        if self._socket is not None:
            self._socket.transport.abort()

    def go_online(self) -> None:
        """Out of the tunnel."""
        self._online.set()

    # The connection

    async def _run(self) -> None:
        failures = 0
        while True:
            await self._online.wait()
            connections, pause_s = self.connections, None
            try:
                await self._visit()
            except ConnectionClosed as closed:
                code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
                if code == CloseCode.REPLACED or code >= CloseCode.PROTOCOL_ERROR:
                    raise ClosedForGood(code, reason) from closed
                pause_s = asked_pause_s(reason)
            except InvalidStatus as refusal:
                if refusal.response.status_code < 500:
                    status = refusal.response.status_code
                    raise ClosedForGood(status, "no socket for us at this address") from refusal
            except RequestRefused as refusal:
                raise ClosedForGood(CloseCode.NOT_AUTHENTICATED, str(refusal)) from refusal
            except (OSError, InvalidHandshake, EOFError, Unreachable):
                pass  # nobody there just now
            finally:
                self._lost()
            failures = 1 if self.connections > connections else failures + 1
            await asyncio.sleep(self._backoff.delay_s(failures, self._random) if pause_s is None else pause_s)

    async def _visit(self) -> None:
        """One connection from its handshake to its end, which is always an exception."""
        token = self._token if isinstance(self._token, str) else await self._token()
        # No proxy: who uses this talks to the server itself.
        async with connect(
            self._url, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None, max_size=MAX_INCOMING_BYTES,
            ping_interval=PING_EVERY_S, ping_timeout=PING_EVERY_S, proxy=None,
            open_timeout=OPEN_TIMEOUT_S, close_timeout=1.0,
            local_addr=(self._local_host, 0) if self._local_host else None,
        ) as socket:  # fmt: skip
            welcome = await self._authenticate(socket, token)
            self._socket = socket
            self._renewing = asyncio.create_task(self._renew(socket, welcome))
            self.connections += 1
            for topic in tuple(self._joined):
                await self._resume(socket, topic)
            self._connected.set()
            if self._on_connected is not None:
                self._on_connected()
            self._start_flush()
            async for message in socket:
                self._receive(message)
            await socket.wait_closed()
            raise socket.protocol.close_exc  # 1000 and 1001 end the loop above without one

    async def _authenticate(self, socket: ClientConnection, token: str) -> Any:
        ref = self._next_ref()
        await self._write(socket, SESSION, "authenticate", {"token": token}, ref)
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            while True:
                frame = decode_server_frame(await socket.recv())
                if frame.ref == ref:
                    return answer_of(frame)

    async def _renew(self, socket: ClientConnection, welcome: Any) -> None:
        """Show another token before the last one ends; where that fails the server closes (4001) and we come back."""
        with suppress(ConnectionClosed, TrackingError):
            while not isinstance(self._token, str) and (good_for_s := welcome.get("good_for_s", 0)) > 0:
                await asyncio.sleep(max(good_for_s - RENEW_BEFORE_S, good_for_s / 2))
                token = await self._token()
                welcome = answer_of(await self._asked_on(socket, SESSION, "authenticate", {"token": token}))

    def _receive(self, message: str | bytes) -> None:
        frame = decode_server_frame(message)
        if frame.cursor is not None and frame.topic in self._joined:
            self._joined[frame.topic] = frame.cursor
        if frame.event == "reply" and frame.ref is not None:
            waiting = self._waiting.pop(frame.ref, None)
            if waiting is not None:
                waiting(frame)
        elif frame.event == "stored" and frame.topic == self._courier_topic:
            self._fixes.stored(frame.payload["seqs"])
        else:
            self._on_frame(frame)

    async def _resume(self, socket: ClientConnection, topic: str) -> None:
        """Join a topic again, from the newest cursor seen."""
        since = self._joined[topic]
        ref = self._wait_for_reply(partial(self._resumed, socket, topic))
        await self._write(socket, topic, "join", {"since": since} if since else {}, ref)

    async def _resume_later(self, socket: ClientConnection, topic: str) -> None:
        await asyncio.sleep(self._backoff.delay_s(1, self._random))
        if self._socket is socket and topic in self._joined:
            with suppress(ConnectionClosed):  # then the next connection resumes it
                await self._resume(socket, topic)

    def _resumed(self, socket: ClientConnection, topic: str, reply: ServerFrame | None) -> None:
        """The answer to a topic joined again.  Missed changes follow; a new snapshot is a frame of its own."""
        if reply is None:
            return
        if reply.payload.get("error", {}).get("code") == ASK_AGAIN:
            later = asyncio.create_task(self._resume_later(socket, topic))
            self._resuming.add(later)
            later.add_done_callback(self._resuming.discard)
        elif "error" in reply.payload:  # no longer permitted, or no longer there
            self._joined.pop(topic, None)
            self._on_frame(ServerFrame(topic, "error", reply.payload["error"]))
        elif "snapshot" in reply.payload["ok"]:
            snapshot = reply.payload["ok"]["snapshot"]
            self._on_frame(ServerFrame(topic, "snapshot", snapshot, cursor=reply.cursor))

    def _lost(self) -> None:
        self._socket = None
        self._connected.clear()
        if self._renewing is not None:
            self._renewing.cancel()
        self._fixes.rewind()
        for later in self._resuming:
            later.cancel()  # the next connection resumes everything
        waiting, self._waiting = self._waiting, {}
        for give_up in waiting.values():
            give_up(None)

    def _note_end(self, running: asyncio.Task[None]) -> None:
        if not running.cancelled():
            # Looked at, so that an error nobody waits for is not logged as forgotten.
            running.exception()
        self._frames.put_nowait(None)

    # Frames out

    async def _asked(
        self, topic: str, event: str, payload: object, note: Callable[[ServerFrame], None] | None = None
    ) -> ServerFrame:
        """The reply; `note` sees it in the order of arrival, before any later frame."""
        await self.connected()
        return await self._asked_on(self._socket, topic, event, payload, note)

    async def _asked_on(
        self,
        socket: ClientConnection | None,
        topic: str,
        event: str,
        payload: object,
        note: Callable[[ServerFrame], None] | None = None,
    ) -> ServerFrame:
        answer: asyncio.Future[ServerFrame] = asyncio.get_running_loop().create_future()

        def settle(reply: ServerFrame | None) -> None:
            if reply is not None and note is not None:
                note(reply)
            if answer.done():
                return
            if reply is None:
                answer.set_exception(Unreachable("The connection ended before the reply came."))
            else:
                answer.set_result(reply)

        ref = self._wait_for_reply(settle)
        try:
            await self._write(socket, topic, event, payload, ref)
            return await answer
        except ConnectionClosed as error:
            raise Unreachable("The connection ended before the request was sent.") from error
        finally:
            self._waiting.pop(ref, None)
            answer.cancel()

    def _start_flush(self) -> None:
        socket = self._socket
        if socket is not None and socket is not self._flushing and self._fixes.has_unsent:
            self._flushing = socket
            self._flush_task = asyncio.create_task(self._flush(socket))

    async def _flush(self, socket: ClientConnection) -> None:
        """Send what is unsent; while the socket is slow, fixes gather and the next frame carries more."""
        topic = self._courier_topic or ""
        # When the connection ends on the way, `_lost` rewinds the buffer and the next one starts again.
        with suppress(ConnectionClosed):
            while self._socket is socket and (batch := self._fixes.take(FIXES_PER_FRAME)):
                ref = self._wait_for_reply(partial(self._answered, batch))
                if len(batch) == 1:
                    await self._write(socket, topic, "fix", batch[0], ref)
                else:
                    await self._write(socket, topic, "fixes", {"fixes": batch}, ref)
        if self._flushing is socket:
            self._flushing = None

    def _answered(self, batch: list[Fix], reply: ServerFrame | None) -> None:
        if reply is None:
            return
        if "ok" in reply.payload:
            self._fixes.answered(batch, msgspec.convert(reply.payload["ok"], FixesReceived))
        else:
            # Not taken at all (the server is busy, or this is not his topic): again, not quite at once.
            self._fixes.again(batch)
            pause_s = self._backoff.delay_s(1, self._random)
            asyncio.get_running_loop().call_later(pause_s, self._start_flush)
            self._on_frame(ServerFrame(reply.topic, "error", reply.payload["error"]))

    def _wait_for_reply(self, waiting: _Waiting) -> str:
        ref = self._next_ref()
        self._waiting[ref] = waiting
        return ref

    def _next_ref(self) -> str:
        self._last_ref += 1
        return str(self._last_ref)

    async def _write(
        self, socket: ClientConnection | None, topic: str, event: str, payload: object, ref: str
    ) -> None:
        if socket is None:
            raise Unreachable("The connection ended before the request was sent.")
        await socket.send(encode_frame(topic, event, {} if payload is None else payload, ref=ref), text=True)

    async def _while_running(self, waiting: Awaitable[Any]) -> None:
        """Await `waiting`, unless the client has ended or ends first; then raise why."""
        if self._running is None:
            raise RuntimeError("use `async with Client(…)`")
        awaited = asyncio.ensure_future(waiting)
        try:
            await asyncio.wait({awaited, self._running}, return_when=asyncio.FIRST_COMPLETED)
            if not awaited.done():
                await self.ended()
                raise Unreachable("The client was closed.")
        finally:
            awaited.cancel()
