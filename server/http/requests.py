"""Reading requests and writing answers: the small words every route uses.  Nothing is decided here."""

import re
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.accounts.tokens import Tokens
from server.accounts.viewer import Viewer
from server.errors import BadInput, NotAuthenticated
from server.ids import parse_id
from server.wire.frames import has_nul

MAX_PAGE = 200
MAX_LIMIT_DIGITS = 9  # int() refuses thousands of digits with an error of its own
Body = TypeVar("Body")


class BadBody(BadInput):
    """The body is not JSON of the form this request has; `errors` says where."""

    code = "bad_body"


class BadQuery(BadInput):
    """A query parameter is missing or out of range."""

    code = "bad_query"


def viewer_of(request: Request, tokens: Tokens) -> Viewer:
    """Who asks, by the token in the Authorization header (never in the URL); NotAuthenticated."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated
    return tokens.read(token.strip())


async def body_of(request: Request, form: type[Body]) -> Body:
    """The JSON body as `form`; no body at all is an empty object.  BadBody points at the first fault."""
    data = await request.body()
    if has_nul(data):
        raise BadBody(errors=[{"pointer": "", "code": "bad_value", "detail": "Text has no place for U+0000"}])
    try:
        return msgspec.json.decode(data or b"{}", type=form)
    except (msgspec.DecodeError, RecursionError) as error:
        what, _, path = str(error).partition(" - at `")
        fault = {"pointer": _pointer(path), "code": "bad_value", "detail": what}
        raise BadBody(errors=[fault]) from error


def key_of(request: Request) -> str | None:
    """The Idempotency-Key, if there is one."""
    return request.headers.get("idempotency-key")


def answer(value: Any, status: int = 200) -> Response:
    """`value` as JSON.  What a command answers is nobody's to keep: no cache may."""
    return Response(msgspec.json.encode(value), status, {"Cache-Control": "no-store"}, "application/json")


def query_number(request: Request, name: str, *, low: float, high: float) -> float:
    """The query parameter `name`, from `low` to `high`; BadQuery when missing, not a number or beyond."""
    try:
        value = float(request.query_params[name])
    except (KeyError, ValueError) as error:
        raise BadQuery(f"{name} must be a number from {low} to {high}", parameter=name) from error
    if not low <= value <= high:  # so that NaN is refused, too
        raise BadQuery(f"{name} must be a number from {low} to {high}", parameter=name)
    return value


def query_limit(request: Request, *, default: int, most: int = MAX_PAGE) -> int:
    """The query parameter `limit`: how many to answer at most."""
    text = request.query_params.get("limit")
    if text is None:
        return default
    is_short_number = text.isascii() and text.isdigit() and len(text) <= MAX_LIMIT_DIGITS
    if not is_short_number or not 1 <= int(text) <= most:
        raise BadQuery(f"limit must be a whole number from 1 to {most}", parameter="limit")
    return int(text)


def query_id(request: Request, name: str) -> UUID | None:
    """The id in the query parameter `name`, if it is there."""
    text = request.query_params.get(name)
    return None if text is None else parse_id(text)


def query_ids(request: Request, name: str, *, most: int = MAX_PAGE) -> list[UUID]:
    """The ids in the query parameter `name`, with commas between them; BadQuery when none or too many."""
    texts = request.query_params.get(name, "").split(",")
    if texts == [""] or len(texts) > most:
        raise BadQuery(f"{name} must be 1 to {most} ids with commas between them", parameter=name)
    return [parse_id(text) for text in texts]


def query_moment(request: Request, name: str) -> datetime:
    """The RFC 3339 moment in the query parameter `name`; BadQuery when missing or without an offset."""
    text = request.query_params.get(name, "")
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadQuery(f"{name} must be a moment like 2026-11-23T12:00:00Z", parameter=name) from error
    raise BadQuery(f"{name} must have a time zone, as in 2026-11-23T12:00:00Z", parameter=name)


def _pointer(path: str) -> str:
    """msgspec's `$.items[0].quantity` as the JSON pointer /items/0/quantity (RFC 6901)."""
    return re.sub(r"\[(\d+)\]|\.", lambda found: f"/{found[1] or ''}", path.rstrip("`").removeprefix("$"))
