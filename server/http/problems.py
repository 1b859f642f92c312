"""Every error that leaves over HTTP, as RFC 9457 problem details with our `code`.  The one place errors are caught.

What nobody expected becomes a 500 with an id that also stands in the log: there without the exception's own words,
since those may hold somebody's phone number or position.
"""

import secrets
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send

from server.errors import TrackingError
from server.http import words
from server.http.words import Language
from server.telemetry import FAILURES

MEDIA_TYPE = "application/problem+json"
RESERVED = frozenset({"type", "title", "status", "code", "detail"})

log = structlog.get_logger("songda.http")


def problem(
    status: int,
    code: str,
    title: str,
    detail: str = "",
    details: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    language: Language = Language.EN,
) -> Response:
    """The answer that says what went wrong, in this language; `details` stand beside the standard members."""
    body: dict[str, object] = {
        "type": f"urn:songda:problem:{code}",
        "title": words.title(code, title, language),
        "status": status,
        "code": code,
    }
    if detail and detail != title:
        body["detail"] = words.sentence(detail, language)
    told = words.details_in(details or {}, language)
    body |= {name: value for name, value in told.items() if name not in RESERVED}
    response = Response(msgspec.json.encode(body), status, headers, MEDIA_TYPE)
    response.headers["Content-Language"] = language.value
    response.headers.add_vary_header("Accept-Language")
    return response


def language_for(headers: Headers) -> Language:
    """The language whoever sent these headers is answered in."""
    return words.language_of(headers.get("accept-language", ""))


def of_tracking_error(request: Request, error: Exception) -> Response:
    """The problem a TrackingError is."""
    assert isinstance(error, TrackingError)
    headers = {}
    if error.http_status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if "retry_after_s" in error.details:
        headers["Retry-After"] = str(max(1, round(float(str(error.details["retry_after_s"])))))
    title = (type(error).__doc__ or error.code).strip().splitlines()[0]
    return problem(
        error.http_status,
        error.code,
        title,
        str(error),
        error.details,
        headers,
        language_for(request.headers),
    )


def of_http_exception(request: Request, error: Exception) -> Response:
    """The problem of a path or method nobody serves."""
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_allowed(request)))
    code = phrase.lower().replace(" ", "_")
    return problem(error.status_code, code, phrase, headers=headers, language=language_for(request.headers))


def _allowed(request: Request) -> set[str]:
    """What may be asked of this path, by all of its routes: starlette itself knows only the first."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    of_path = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return {method for route in of_path for method in route.methods or ()} or {"GET", "HEAD"}


EXCEPTION_HANDLERS: dict[type[Exception], ExceptionHandler] = {
    TrackingError: of_tracking_error,
    HTTPException: of_http_exception,
}


class Unexpected:
    """Catches what no handler expected: a 500 for the caller, a line in the log, and nothing personal in either."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched_send)
        except ClientDisconnect:
            return  # nobody is left to be answered
        except Exception as error:
            error_id = secrets.token_hex(8)
            FAILURES.labels("http").inc()
            log.error("unexpected", error_id=error_id, path=_route(scope), exc_info=error)
            if started:
                # Only an exception makes the server cut the connection; half an answer must not look like a whole one.
                raise RuntimeError(f"answer broken off, error {error_id}") from None
            title = "Something went wrong on our side"
            language = language_for(Headers(scope=scope))
            answer = problem(500, "internal_error", title, details={"error_id": error_id}, language=language)
            await answer(scope, receive, send)


def _route(scope: Scope) -> str:
    """The path as the route has it, so that no id or query stands in the log."""
    return str(getattr(scope.get("route"), "path", "unknown"))
