"""Outgoing websocket frames as finished bytes (RFC 6455 §5.2).  Pure.

A server's frames are not masked, and we use no extension, so the same bytes go to everybody: a frame is made
once and shared by all who get it.  Incoming frames, pongs and the closing handshake are the work of
`websockets`' core.
"""

import struct

_TEXT = 0x81  # FIN and opcode 1
_PING = 0x89  # FIN and opcode 9
_LENGTH_16 = struct.Struct("!BBH")
_LENGTH_64 = struct.Struct("!BBQ")

PING = bytes((_PING, 0))


def text_frame(payload: bytes) -> bytes:
    """`payload` (UTF-8) as one whole text frame."""
    size = len(payload)
    if size < 126:
        return bytes((_TEXT, size)) + payload
    if size < 65_536:
        return _LENGTH_16.pack(_TEXT, 126, size) + payload
    return _LENGTH_64.pack(_TEXT, 127, size) + payload
