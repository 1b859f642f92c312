"""The error tree.  Every error we raise on purpose is a TrackingError and carries its word on the wire.

Raised where the rule is, caught once at the edge.  Families say what the caller can do about it (and what HTTP status
it is); the leaves stand beside the rules that raise them, only the widely shared ones here.
"""

from collections.abc import Mapping


class TrackingError(Exception):
    """Something a caller can be told about; `code` is its word on the wire, `details` holds safe extra facts."""

    code = "error"
    http_status = 500

    def __init__(self, message: str = "", **details: object) -> None:
        super().__init__(message or (self.__doc__ or self.code).strip().splitlines()[0])
        self.details: Mapping[str, object] = details


class BadInput(TrackingError):
    """The request is malformed or out of range; sending it again unchanged cannot help."""

    code = "bad_input"
    http_status = 422


class NotAuthenticated(TrackingError):
    """Nobody we know, or a token that is no longer good."""

    code = "not_authenticated"
    http_status = 401


class NotAllowed(TrackingError):
    """The role or the relation to this order does not permit it."""

    code = "not_allowed"
    http_status = 403


class NotFound(TrackingError):
    """There is no such thing, or it is not yours to know about."""

    code = "not_found"
    http_status = 404


class Refused(TrackingError):
    """Understood and permitted, but not possible as things stand now."""

    code = "refused"
    http_status = 409


class TooMany(TrackingError):
    """A limit was reached; try again later."""

    code = "too_many"
    http_status = 429


class Unavailable(TrackingError):
    """A part we need does not answer; the same request may be sent again."""

    code = "unavailable"
    http_status = 503


class StartupError(TrackingError):
    """The server cannot start; the message is the one sentence the operator reads."""

    code = "cannot_start"
