"""Payloads of songda.v1, as types: what a client may say and what it hears.  Pure.

Moments in the hot messages (`fix_time`, `received_at`) are Unix milliseconds, since phones have them so and they cost
nothing to read; moments in everything about orders are RFC 3339 text in UTC.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from server.errors import BadInput

MAX_FIXES_PER_BATCH = 500
MAX_CELLS_IN_VIEW = 400


class BadPayload(BadInput):
    """The payload does not fit the event; the message says where."""

    code = "bad_payload"


class Fix(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One GPS reading as a phone sends it.  Ranges are judged by geo/fixes.py, so that each refusal has its reason."""

    lat: float
    lng: float
    fix_time: int  # the phone's clock, Unix ms
    accuracy_m: float | None = None
    bearing_deg: float | None = None  # clockwise from north
    speed_mps: float | None = None
    seq: int | None = None  # the phone's own number, named again in every acknowledgement


class Fixes(msgspec.Struct, frozen=True):
    """Several fixes, oldest first or in any order."""

    fixes: Annotated[list[Fix], Meta(min_length=1, max_length=MAX_FIXES_PER_BATCH)]


class Authenticate(msgspec.Struct, frozen=True):
    """The first frame: topic `session`, event `authenticate`."""

    token: Annotated[str, Meta(max_length=4096)]


class Heartbeat(msgspec.Struct, frozen=True):
    """topic `session`, event `heartbeat`: for clients who cannot see our pings, as pages cannot; the reply is `{}`."""


class Join(msgspec.Struct, frozen=True):
    """Start listening to the frame's topic; `since` is the last cursor of an earlier visit."""

    since: Annotated[str, Meta(max_length=1024)] | None = None


class Leave(msgspec.Struct, frozen=True):
    """Stop listening."""


class Look(msgspec.Struct, frozen=True):
    """topic `viewport`, event `look`: the map's H3 cells (res 5 or 6) now in view, replacing those before."""

    cells: Annotated[list[Annotated[str, Meta(max_length=16)]], Meta(max_length=MAX_CELLS_IN_VIEW)]


class Availability(msgspec.Struct, frozen=True):
    """topic `courier:<id>`, event `availability`: whether this courier may be offered work."""

    available: bool


class RefusedFix(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fix that was not believed, and why (the word of a Refusal in geo/fixes.py)."""

    reason: str
    index: int  # its place in the batch
    seq: int | None = None


class FixesReceived(msgspec.Struct, frozen=True, omit_defaults=True):
    """The reply to `fix` and `fixes`: how many are on the map, how many late and only in the track, which refused."""

    received: int
    history: int = 0
    refused: list[RefusedFix] = []


class FixesStored(msgspec.Struct, frozen=True):
    """Event `stored` on `courier:<id>`: these fixes are committed, by `seq`; the phone may forget them."""

    seqs: list[int]


class CourierPosition(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Event `position` on `order:<id>`: newest wins.  `coarse`: the centre of an H3 cell, before his own leg."""

    lat: float
    lng: float
    fix_time: int
    bearing_deg: float | None = None
    speed_mps: float | None = None
    coarse: bool = False


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """Event `changed` on a reliable topic: an entity's new version, what happened to it and the fields that changed."""

    entity: str  # "order", "assignment", …
    id: str
    version: int
    name: str  # the event's name: "placed", "accepted", …
    at: str  # RFC 3339
    fields: dict[str, Any] = {}


class ErrorReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of `reply` when refused, and of the event `error` for a frame without `ref`."""

    code: str
    message: str
    details: dict[str, Any] = {}


PAYLOADS: dict[str, type[msgspec.Struct]] = {
    "authenticate": Authenticate,
    "heartbeat": Heartbeat,
    "join": Join,
    "leave": Leave,
    "look": Look,
    "fix": Fix,
    "fixes": Fixes,
    "availability": Availability,
}
_decoders = {event: msgspec.json.Decoder(payload) for event, payload in PAYLOADS.items()}


def decode_payload(event: str, raw: msgspec.Raw | bytes) -> Any:
    """The typed payload of `event`; KeyError for an event nobody knows, BadPayload when it does not fit."""
    decoder = _decoders[event]
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadPayload(str(error)) from error
