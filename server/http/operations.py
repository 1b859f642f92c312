"""What a route does, said where the route is made: method, bodies, answers, errors.

An Operation routes as any starlette Route does; the description it carries becomes /openapi.json (openapi.py).  Only
what no handler wants to be asked is refused here: a parameter given twice, and U+0000, which the record cannot hold.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.errors import NotFound, TrackingError
from server.http.requests import MAX_PAGE, BadQuery

Handler = Callable[[Request], Awaitable[Response]]
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter; `type` as msgspec knows types.  A list's elements stand in one text, with commas between."""

    name: str
    type: Any
    description: str
    required: bool = False


LIMIT = Query("limit", Annotated[int, Meta(ge=1, le=MAX_PAGE)], "How many to answer at most")
BEFORE = Query("before", UUID, "The `next_before` of the page before: answers what is older")


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
    if_match: bool
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
    if_match: bool = False,
    lenient: bool = False,
    details: str | None = None,
    body_types: Sequence[str] = (JSON,),
    answer_types: Sequence[str] = (JSON,),
    answer_headers: dict[str, str] | None = None,
    security: Sequence[str] = ("bearer",),
) -> Operation:
    """The route of `handler`, described.

    `keyed`: takes an Idempotency-Key.  `public`: asks for no token.  `etag`: answers an ETag and heeds
    If-None-Match; `if_match`: takes the version that was seen as If-Match.  `details` are the handler's docstring
    unless given.  `body` and `answer` of other types than JSON (`body_types`, `answer_types`) are `bytes` or `str`.
    `errors` are those beyond the ones that every operation has: a bad body or query, not authenticated, not
    allowed, too large, unavailable.  `lenient`: asked by programs that are not told, so that nothing is refused here.
    """
    asked = handler if lenient else _orderly(handler, {one.name for one in query})
    route = Operation(path, asked, methods=[method], name=getattr(handler, "__name__", None))
    route.description = Description(
        method=method,
        summary=summary,
        details=cleandoc(details if details is not None else handler.__doc__ or ""),
        tag=tag,
        body=body,
        answer=answer,
        status=status,
        query=tuple(query),
        errors=tuple(errors),
        keyed=keyed,
        public=public,
        etag=etag,
        if_match=if_match,
        body_types=tuple(body_types),
        answer_types=tuple(answer_types),
        answer_headers=answer_headers or {},
        security=() if public else tuple(security),
    )
    return route


def _orderly(handler: Handler, names: Collection[str]) -> Handler:
    """`handler`, asked only what can be meant in one way and stored."""

    async def asked(request: Request) -> Response:
        seen = set()
        for name, value in request.query_params.multi_items():
            if name in seen and name in names:
                raise BadQuery(f"{name} is given more than once", parameter=name)
            if "\0" in value:
                raise BadQuery("Text has no place for U+0000", parameter=name)
            seen.add(name)
        if any("\0" in part for part in request.path_params.values() if isinstance(part, str)):
            raise NotFound
        return await handler(request)

    return asked
