"""The frame: one object with `topic`, `event`, `payload` and, where they apply, `ref` and `cursor`.  Pure.

`songda.v1` is JSON text; decoding checks shape and refuses NaN, Infinity and other numbers that are none (msgspec
does).
Payload types stand in `messages.py`; which payload belongs to which event is decided there, not here.
"""

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from server.errors import BadInput

SUBPROTOCOL = "songda.v1"


class BadFrame(BadInput):
    """Not a frame of songda.v1: it must be a JSON object with topic, event and payload."""

    code = "bad_frame"


# Longer than any topic, event or sensible `ref`; what is sent back to a client is not made long by the client.
Word = Annotated[str, Meta(max_length=128)]


class Frame(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a client sent.  `payload` stays raw until the event is known."""

    topic: Word
    event: Word
    payload: msgspec.Raw = msgspec.Raw(b"{}")
    ref: Word | None = None


class OutFrame(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What we send.  `cursor` is opaque to clients: bring it back in `since`."""

    topic: str
    event: str
    payload: Any
    ref: str | None = None
    cursor: str | None = None


_decoder = msgspec.json.Decoder(Frame)
_encoder = msgspec.json.Encoder(uuid_format="canonical")


def decode_frame(data: bytes | str) -> Frame:
    """One received text message; BadFrame says what is wrong with it."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadFrame(str(error)) from error


def encode_frame(
    topic: str, event: str, payload: object, *, ref: str | None = None, cursor: str | None = None
) -> bytes:
    """One message to send, as JSON bytes."""
    return _encoder.encode(OutFrame(topic, event, payload, ref, cursor))


# An even number of backslashes before it would be backslashes only.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def has_nul(json_text: bytes) -> bool:
    """Whether the JSON text holds U+0000, for which PostgreSQL's text has no place."""
    return _NUL.search(json_text) is not None
