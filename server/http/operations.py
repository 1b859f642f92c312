"""What a route does, said where the route is made: method, bodies, answers, errors.

An Operation routes as any starlette Route does; the description it carries becomes /openapi.json (openapi.py) and
nothing else: what a request must look like is decided by who reads it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.errors import TrackingError

Handler = Callable[[Request], Awaitable[Response]]
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter; `type` as msgspec knows types.  A list's elements stand in one text, with commas between."""

    name: str
    type: Any
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """All that is said about an operation, beside what its path says."""

    method: str
    summary: str
    details: str
    tag: str
    body: Any  # None: takes none; `Form | None`: may be left out
    answer: Any  # None: answers with nothing in it
    status: int
    query: tuple[Query, ...]
    errors: tuple[type[TrackingError], ...]
    keyed: bool
    public: bool
    etag: bool
    body_types: tuple[str, ...]
    answer_types: tuple[str, ...]
    answer_headers: dict[str, str]
    security: tuple[str, ...]


class Operation(Route):
    """A route and what it does."""

    description: Description


def operation(
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    *,
    body: Any = None,
    answer: Any = None,
    status: int = 200,
    query: Sequence[Query] = (),
    errors: Sequence[type[TrackingError]] = (),
    tag: str = "orders",
    keyed: bool = False,
    public: bool = False,
    etag: bool = False,
    details: str | None = None,
    body_types: Sequence[str] = (JSON,),
    answer_types: Sequence[str] = (JSON,),
    answer_headers: dict[str, str] | None = None,
    security: Sequence[str] = ("bearer",),
) -> Operation:
    """The route of `handler`, described.

    `keyed`: takes an Idempotency-Key.  `public`: asks for no token.  `etag`: answers an ETag and heeds
    If-None-Match.  `details` are the handler's docstring unless given.  `body` and `answer` of other types than
    JSON (`body_types`, `answer_types`) are `bytes` or `str`.  `errors` are those beyond the ones that every
    operation has: a bad body or query, not authenticated, not allowed, too large, unavailable.
    """
    route = Operation(path, handler, methods=[method])
    route.description = Description(
        method=method,
        summary=summary,
        details=(details if details is not None else handler.__doc__ or "").strip(),
        tag=tag,
        body=body,
        answer=answer,
        status=status,
        query=tuple(query),
        errors=tuple(errors),
        keyed=keyed,
        public=public,
        etag=etag,
        body_types=tuple(body_types),
        answer_types=tuple(answer_types),
        answer_headers=answer_headers or {},
        security=() if public else tuple(security),
    )
    return route
