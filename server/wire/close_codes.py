"""Why a socket was closed, as a number the client can act on: below 4500 come back, from 4500 on do not."""

from enum import IntEnum


class CloseCode(IntEnum):
    """The codes we close with; 1001 to 1011 as RFC 6455 §7.4.1 has them."""

    NORMAL = 1000
    PROTOCOL = 1002
    BAD_UTF8 = 1007
    TOO_BIG = 1009

    RESTART = 4000  # this process stops; come back after retry_in_ms
    TOKEN_EXPIRED = 4001  # come back with a fresh token
    SLOW = 4008  # you did not read what we sent
    TOO_MANY_FRAMES = 4009
    REPLACED = 4010  # a newer socket of the same courier; come back only if you are the newer

    PROTOCOL_ERROR = 4500  # not a frame of this protocol
    NOT_AUTHENTICATED = 4501  # no good token within the time allowed
    SUSPENDED = 4503
    VERSION = 4504  # none of the subprotocols offered is ours
