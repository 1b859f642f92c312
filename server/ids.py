"""Identifiers: UUID version 7, so that rows made together lie together on disk.  No clock is read here."""

import secrets
from uuid import UUID

from server.errors import BadInput


class BadId(BadInput):
    """That is not an identifier of ours."""

    code = "bad_id"


def new_id(now_ms: int) -> UUID:
    """A fresh UUIDv7 (RFC 9562 §5.7) for the moment `now_ms`, Unix milliseconds; 74 random bits."""
    value = (now_ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    return UUID(int=value | 0b10 << 62 | secrets.randbits(62))


def parse_id(text: str) -> UUID:
    """The UUID written as `text`; BadId when it is none."""
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError) as error:
        raise BadId from error
