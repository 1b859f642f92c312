"""A websocket client that does exactly what it is told, rules or no rules: for bad input."""

import asyncio
import base64
import os
import struct
from contextlib import suppress
from typing import Any

import msgspec

from server.wire.frames import SUBPROTOCOL

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA
PATIENCE_S = 10.0


def frame(opcode: int, payload: bytes, *, fin: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    """One frame as a client sends it."""
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([mask_bit | len(payload)])
    elif len(payload) < 65_536:
        head += struct.pack("!BH", mask_bit | 126, len(payload))
    else:
        head += struct.pack("!BQ", mask_bit | 127, len(payload))
    if not masked:
        return head + payload
    mask = os.urandom(4)
    repeated = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return head + mask + bytes(a ^ b for a, b in zip(payload, repeated, strict=True))


class RawSocket:
    """A connection whose handshake is done, byte by byte from there on."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def say(self, topic: str, event: str, payload: object = None, ref: str | None = None) -> None:
        said = {"topic": topic, "event": event, "payload": payload or {}} | ({"ref": ref} if ref else {})
        await self.send(frame(TEXT, msgspec.json.encode(said)))

    async def next(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload.  IncompleteReadError at the end."""
        async with asyncio.timeout(PATIENCE_S):
            first, second = await self.reader.readexactly(2)
            assert first & 0x80, "the server does not fragment"
            assert not second & 0x80, "the server does not mask"
            size = second
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return first & 0x0F, await self.reader.readexactly(size)

    async def message(self) -> Any:
        """The next text frame's JSON."""
        while True:
            opcode, payload = await self.next()
            if opcode == TEXT:
                return msgspec.json.decode(payload)

    async def close_code(self) -> int:
        """The code of the close frame to come, whatever comes before it; 1006 when there is none."""
        try:
            while True:
                opcode, payload = await self.next()
                if opcode == CLOSE:
                    return int(struct.unpack("!H", payload[:2])[0])
        except (asyncio.IncompleteReadError, ConnectionError):
            return 1006

    async def ended(self) -> None:
        """Wait until the server has closed the connection."""
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError):
                while await self.reader.read(65_536):
                    pass

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


async def request(port: int, *, path: str = "/ws", **headers: str) -> tuple[bytes, RawSocket]:
    """Send an upgrade request; the answer's first line and the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    asked = {
        "Host": f"127.0.0.1:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Protocol": SUBPROTOCOL,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in asked.items())
    writer.write(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    return answer.split(b"\r\n", 1)[0], RawSocket(reader, writer)


async def raw_socket(port: int) -> RawSocket:
    """A connection that has been upgraded and has said nothing yet."""
    answer, socket = await request(port)
    assert b" 101 " in answer, answer
    return socket
