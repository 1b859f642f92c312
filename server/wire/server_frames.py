"""Frames as a client reads them, and where the socket is.  Pure."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from server.wire.answers import RequestRefused
from server.wire.frames import BadFrame


class ServerFrame(msgspec.Struct, frozen=True, gc=False):
    """One frame from the server.  Event `snapshot` is ours: a resume that needed a whole new snapshot."""

    topic: str
    event: str
    payload: Any = None
    ref: str | None = None
    cursor: str | None = None


_decoder = msgspec.json.Decoder(ServerFrame)


def socket_url(base_url: str) -> str:
    """Where the socket is, for the address a person types: http://host:8700 → ws://host:8700/ws."""
    parts = urlsplit(base_url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    path = parts.path.rstrip("/")
    return urlunsplit((scheme, parts.netloc, path if path.endswith("/ws") else f"{path}/ws", "", ""))


def decode_server_frame(message: str | bytes) -> ServerFrame:
    """One message of the server's; BadFrame when it is none."""
    try:
        return _decoder.decode(message)
    except msgspec.DecodeError as error:
        raise BadFrame(f"The server sent what is no frame: {error}") from error


def answer_of(reply: ServerFrame) -> Any:
    """The `ok` of a reply; RequestRefused with the server's words when it is an error."""
    error = reply.payload.get("error")
    if error is not None:
        raise RequestRefused(str(error["code"]), str(error.get("message", "")), details=error.get("details"))
    return reply.payload["ok"]
