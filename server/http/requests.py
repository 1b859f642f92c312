"""Reading requests and writing answers: the small words every route uses.  Nothing is decided here."""

import hashlib
import re
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from server.accounts.tokens import Tokens
from server.accounts.viewer import Viewer
from server.errors import BadInput, NotAuthenticated, TrackingError
from server.ids import parse_id
from server.wire.frames import has_nul

MAX_PAGE = 200
MAX_COUNT_DIGITS = 15  # int() refuses thousands of digits with an error of its own
JSON_TYPES = re.compile(r"application/([\w.+-]+\+)?json", re.ASCII | re.IGNORECASE)
KEY_BEARER = "songda.key_bearer"  # in the scope of a request: who shows a program's key, or why nobody does
Body = TypeVar("Body")
Choice = TypeVar("Choice", bound=StrEnum)


class BadBody(BadInput):
    """The body is not JSON of the form this request has; `errors` says where."""

    code = "bad_body"


class BadQuery(BadInput):
    """A query parameter is missing or out of range."""

    code = "bad_query"


class WrongMediaType(BadInput):
    """The body is JSON in UTF-8, and its Content-Type says so."""

    code = "wrong_media_type"
    http_status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE.value


class BadPrecondition(BadInput):
    """If-Match is the ETag of the order as it was seen, or its version in quotes."""

    code = "bad_precondition"


def viewer_of(request: Request, tokens: Tokens) -> Viewer:
    """Who asks, by the token in the Authorization header (never in the URL); NotAuthenticated, Suspended, …

    Who shows a program's key has been looked up already (api_keys.py).
    """
    known = request.scope.get(KEY_BEARER)
    if isinstance(known, TrackingError):
        raise known
    if isinstance(known, Viewer):
        return known
    token = bearer_of(request.headers)
    if token is None:
        raise NotAuthenticated
    return tokens.read(token)


def bearer_of(headers: Headers) -> str | None:
    """What the Authorization header shows, if it shows a bearer token."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def body_of(request: Request, form: type[Body]) -> Body:
    """The JSON body as `form`; no body at all is an empty object.  BadBody points at the first fault."""
    data = await request.body()
    if data:
        _require_json(request)
    if has_nul(data):
        raise BadBody(errors=[{"pointer": "", "code": "bad_value", "detail": "Text has no place for U+0000"}])
    try:
        return msgspec.json.decode(data or b"{}", type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what, _, path = str(error).partition(" - at `")
        fault = {"pointer": _pointer(path), "code": "bad_value", "detail": what}
        raise BadBody(errors=[fault]) from error


def _require_json(request: Request) -> None:
    """WrongMediaType when the body says it is something else; one that says nothing is taken at its word."""
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = re.search(r"charset\s*=\s*\"?([^\s;\"]+)", parameters, re.IGNORECASE)
    is_utf8 = charset is None or charset[1].lower() in {"utf-8", "utf8", "us-ascii"}
    if media_type.strip() and not (JSON_TYPES.fullmatch(media_type.strip()) and is_utf8):
        raise WrongMediaType


def key_of(request: Request) -> str | None:
    """The Idempotency-Key, if there is one."""
    return request.headers.get("idempotency-key")


def answer(value: Any, status: int = 200) -> Response:
    """`value` as JSON.  What a command answers is nobody's to keep: no cache may."""
    return Response(msgspec.json.encode(value), status, {"Cache-Control": "no-store"}, "application/json")


def tagged(request: Request, value: Any, *, version: int) -> Response:
    """`value` as JSON with its ETag, or 304 when the asker has it already.

    The tag names the version, so that it can come back as If-Match, and what stands around it for this viewer.
    """
    body = msgspec.json.encode(value)
    tag = f'"{version}-{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"Cache-Control": "no-store", "ETag": tag}
    if is_known(request, tag):
        return Response(None, HTTPStatus.NOT_MODIFIED.value, headers)
    return Response(body, 200, headers, "application/json")


def is_known(request: Request, tag: str) -> bool:
    """Whether If-None-Match names `tag` (RFC 9110 §13.1.2, weakly compared)."""
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return tag.removeprefix("W/") in known or known == ["*"]


def version_in_if_match(request: Request) -> int | None:
    """The version in If-Match, which is an ETag of ours (tagged()) or only a version; None without one."""
    text = request.headers.get("if-match")
    if text is None or text.strip() == "*":
        return None
    found = re.fullmatch(r'"(\d{1,9})(-[0-9a-f]{16})?"', text.strip(), re.ASCII)
    if found is None:
        raise BadPrecondition
    return int(found[1])


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
    return query_count(request, "limit", most=most) or default


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


def query_moment_if_given(request: Request, name: str) -> datetime | None:
    """The moment in the query parameter `name`, if it is there."""
    return query_moment(request, name) if name in request.query_params else None


def query_choice(request: Request, name: str, choices: type[Choice]) -> Choice | None:
    """The one of `choices` in the query parameter `name`, if it is there."""
    text = request.query_params.get(name)
    return None if text is None else _choice(name, text, choices)


def query_choices(request: Request, name: str, choices: type[Choice]) -> frozenset[Choice] | None:
    """Those of `choices` in the query parameter `name`, with commas between them; None when it is not there."""
    text = request.query_params.get(name)
    return None if text is None else frozenset(_choice(name, one, choices) for one in text.split(","))


def _choice(name: str, text: str, choices: type[Choice]) -> Choice:
    try:
        return choices(text)
    except ValueError as error:
        raise BadQuery(f"{name} must be one of {', '.join(choices)}", parameter=name) from error


def query_count(request: Request, name: str, *, most: int) -> int | None:
    """The whole number from 1 in the query parameter `name`, if it is there."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_COUNT_DIGITS and 1 <= int(text) <= most):
        raise BadQuery(f"{name} must be a whole number from 1 to {most}", parameter=name)
    return int(text)


def _pointer(path: str) -> str:
    """msgspec's `$.items[0].quantity` as the JSON pointer /items/0/quantity (RFC 6901)."""
    return re.sub(r"\[(\d+)\]|\.", lambda found: f"/{found[1] or ''}", path.rstrip("`").removeprefix("$"))
