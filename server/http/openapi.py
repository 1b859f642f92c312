"""The description of the API (OpenAPI 3.1), made from the routes once, when the server starts.

What a route says of itself stands beside its handler (operations.py), the forms come from msgspec, the examples from
examples.json (recorded by the tests) or, where nothing was recorded, from the forms (samples.py).
`python -m server.http.openapi` prints it, for tools.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Union, cast, get_args

import msgspec
from starlette.convertors import UUIDConvertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.http.answers import Problem
from server.http.described_errors import REF, Json, problem_examples, problem_response, problems_of
from server.http.operations import JSON, Description, Operation
from server.http.parts import HttpParts
from server.http.requests import is_known
from server.http.samples import sample

PATH = "/openapi.json"
EXAMPLES = Path(__file__).with_name("examples.json")

TAGS = {
    "sessions": "Signing in and out, and who one is then.",
    "orders": "Orders: place, see, list.",
    "commands": "What people say to an order.  The same commands, by the same bodies, may be sent by socket.",
    "customers": "What customers do beside their orders.",
    "checkouts": "Orders that are paid in advance.",
    "payments": "Money: what was paid, refunded, and who bears it.",
    "merchants": "Merchants, their menus, hours and delivery areas.",
    "couriers": "Who couriers are, where they are and were.",
    "tickets": "Delivery exceptions: the cases that people work on.",
    "reviews": "What people say of each other afterwards.",
    "media": "Photos and signatures.",
    "archive": "Orders that have ended.",
    "webhooks": "Events, sent to a merchant's own program.",
    "administration": "Accounts, keys, the audit.",
    "phones": "Stock phone apps as couriers.",
    "health": "Whether the server is well.",
}
ABOUT = """\
Songda 送达 runs a food-delivery platform's orders and watches its couriers live.

**Who asks** is told by `Authorization: Bearer <token>`; `POST /api/v1/sessions` gives one.  A token never stands in an
address.

**Commands** are answered when they are committed.  Send an `Idempotency-Key` of your own with each: sent again with the
same key and body, it happens once and gets the same answer.

**Errors** are problem details (RFC 9457).  Decide by `code`; `errors` points at each field that is wrong.

**Lists** come newest first in pages: `limit` says how many, `next_before` of one page is `before` of the next.

Moments are RFC 3339 in UTC, sums whole numbers of a currency's minor unit, lengths metres (`_m`), durations seconds
(`_s`).  Answers may get further members later: do not trip over them.
"""


def document(routes: Iterable[BaseRoute]) -> Json:
    """The description of all operations among `routes`."""
    operations = [route for route in routes if isinstance(route, Operation)]
    refs, components = _forms(operations)
    recorded = recorded_examples()
    paths: defaultdict[str, Json] = defaultdict(dict)
    for one in operations:
        paths[one.path_format][one.description.method.lower()] = _operation(one, refs, components, recorded)
    shared = _shared_responses(paths)
    used = {one.description.tag for one in operations}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Songda 送达",
            "version": _version(),
            "summary": "Orders of a food-delivery platform, and its couriers, live",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag, "description": TAGS[tag]} for tag in TAGS if tag in used]
        + [{"name": tag} for tag in sorted(used - set(TAGS))],
        "paths": dict(paths),
        "components": {
            "schemas": components,
            "responses": shared,
            "examples": problem_examples(operations),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of a session, or a key.",
                },
                "device": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "Any name, and a courier's device key as the password.",
                },
            },
        },
    }


def _shared_responses(paths: Mapping[str, Json]) -> Json:
    """Take refusals that many operations share out of them, and name them: the description is half as long by that."""
    uses: defaultdict[bytes, list[tuple[Json, str]]] = defaultdict(list)
    for operations in paths.values():
        for told in operations.values():
            for status, response in told["responses"].items():
                uses[msgspec.json.encode(response)].append((told["responses"], status))
    shared: Json = {}
    for text, places in uses.items():
        status = places[0][1]
        if len(places) > 1 and int(status) >= HTTPStatus.BAD_REQUEST:
            name = f"Problem{status}_{sum(one.startswith(f'Problem{status}') for one in shared) + 1}"
            shared[name] = msgspec.json.decode(text)
            for responses, _ in places:
                responses[status] = {"$ref": f"#/components/responses/{name}"}
    return shared


def operation_id(method: str, path: str) -> str:
    """`post_orders_order_id_accept`: what an operation is called in the description and in examples.json."""
    words = path.removeprefix("/api/v1").replace("-", "_").replace(".", "_").replace("{", "").replace("}", "")
    return "_".join([method.lower(), *filter(None, words.split("/"))])


def recorded_examples() -> Mapping[str, Json]:
    """By operation: `request` and `answer`, as they once went over the wire."""
    return cast(Mapping[str, Json], msgspec.json.decode(EXAMPLES.read_bytes()))


def openapi_route(routes: Iterable[BaseRoute]) -> Route:
    """`GET /openapi.json`: the description of `routes`, made now, the same for everybody."""
    body = msgspec.json.encode(document(routes))
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "public, max-age=300"}

    async def description(request: Request) -> Response:
        if is_known(request, tag):
            return Response(None, HTTPStatus.NOT_MODIFIED.value, headers)
        return Response(body, 200, headers, JSON)

    return Route(PATH, description)


def _forms(operations: Iterable[Operation]) -> tuple[dict[str, Json], dict[str, Any]]:
    """The schema of each form that is named, by _name(), and what those refer to."""
    kinds = {_name(kind): kind for one in operations for kind in _kinds(one.description)}
    kinds[_name(Problem)] = Problem
    schemas, components = msgspec.json.schema_components(list(kinds.values()), ref_template=REF)
    return dict(zip(kinds, schemas, strict=True)), components


def _kinds(said: Description) -> Iterator[Any]:
    yield from (kind for kind in (_taken(said.body), said.answer) if kind not in (None, bytes))
    yield from (one.type for one in said.query)


def _taken(body: Any) -> Any:
    """The form of a body that may be left out."""
    rest = tuple(one for one in get_args(body) if one is not type(None))
    return body if body is None or not rest or type(None) not in get_args(body) else Union[rest]  # noqa: UP007


def _name(kind: Any) -> str:
    return repr(kind)


def _operation(
    one: Operation, refs: Mapping[str, Json], components: Json, recorded: Mapping[str, Json]
) -> Json:
    said = one.description
    name = operation_id(said.method, one.path_format)
    examples = recorded.get(name, {})
    told: Json = {
        "operationId": name,
        "tags": [said.tag],
        "summary": said.summary,
        "description": said.details,
        "parameters": [*_path_parameters(one), *_query_parameters(said, refs), *_header_parameters(said)],
        "security": [] if said.public else [{scheme: []} for scheme in said.security],
        "responses": _responses(one, refs, components, examples),
    }
    if said.body is not None:
        told["requestBody"] = {
            "required": not _may_be_left_out(said),
            "content": {
                media_type: _content(_taken(said.body), media_type, refs, components, examples.get("request"))
                for media_type in said.body_types
            },
        }
    return told


def _may_be_left_out(said: Description) -> bool:
    """Whether no body will do: it is read as an empty object (requests.py: body_of)."""
    if said.body is not _taken(said.body):
        return True
    if JSON not in said.body_types or said.body is bytes:
        return False
    try:
        msgspec.json.decode(b"{}", type=said.body)
    except msgspec.ValidationError:
        return False
    return True


def _content(kind: Any, media_type: str, refs: Mapping[str, Json], components: Json, example: Any) -> Json:
    if kind is bytes or (media_type != JSON and not media_type.startswith("text/")):
        return {"schema": {}} if media_type == JSON else {}
    schema = refs[_name(kind)]
    if media_type != JSON:
        return {"schema": schema}
    return {"schema": schema, "example": sample(schema, components) if example is None else example}


def _path_parameters(one: Operation) -> Iterator[Json]:
    for name, convertor in one.param_convertors.items():
        schema: Json = {"type": "string", "minLength": 1}
        if isinstance(convertor, UUIDConvertor):
            schema = {"type": "string", "format": "uuid"}
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "schema": schema,
            "example": sample(schema, {}, name),
        }


def _query_parameters(said: Description, refs: Mapping[str, Json]) -> Iterator[Json]:
    for one in said.query:
        schema = refs[_name(one.type)]
        told: Json = {
            "name": one.name,
            "in": "query",
            "required": one.required,
            "description": one.description,
            "schema": schema,
        }
        if schema.get("type") == "array":
            told |= {"style": "form", "explode": False}
        yield told


def _header_parameters(said: Description) -> Iterator[Json]:
    text = {"type": "string"}
    if said.keyed:
        schema = {"type": "string", "minLength": 1, "maxLength": 200}
        yield _header(
            "Idempotency-Key", schema, "A new one for each thing you want; the same when you try it again"
        )
    if said.if_match:
        schema = {"type": "string", "pattern": r'^("[0-9]{1,9}(-[0-9a-f]{16})?"|\*)$'}
        yield _header("If-Match", schema, "The ETag of the order as you saw it: 412 if it has moved on since")
    if said.etag:
        yield _header("If-None-Match", text, "The ETag you have: 304 if it is still the one")


def _header(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def _responses(one: Operation, refs: Mapping[str, Json], components: Json, examples: Json) -> Json:
    said = one.description
    good: Json = {"description": HTTPStatus(said.status).phrase}
    if said.answer is not None:
        good["content"] = {
            media_type: _content(
                said.answer if media_type == JSON or said.answer is str else bytes,
                media_type,
                refs,
                components,
                examples.get("answer"),
            )
            for media_type in said.answer_types
        }
    headers: Json = {
        name: {"description": text, "schema": {"type": "string"}}
        for name, text in said.answer_headers.items()
    }
    if said.etag:
        headers["ETag"] = {"description": "Names this version", "schema": {"type": "string"}}
    if headers:
        good["headers"] = headers
    told: Json = {str(said.status): good}
    if said.etag:
        told["304"] = {"description": "You have it already"}
    problems = problems_of(one)
    return told | {str(status): problem_response(status, problems[status]) for status in sorted(problems)}


def _version() -> str:
    try:
        return version("songda")
    except PackageNotFoundError:
        return "0"


class _Unmade:
    """Stands for services that are not there: routes are described, never asked."""

    def __getattr__(self, name: str) -> "_Unmade":
        return self

    def __call__(self, *args: object, **options: object) -> "_Unmade":
        return self


def described_routes() -> list[BaseRoute]:
    """All routes of programs, without a server behind them."""
    from server.http.health import health_routes  # noqa: PLC0415 - they know this file
    from server.http.routes import routes  # noqa: PLC0415

    return [*routes(cast(HttpParts, _Unmade())), *health_routes({})]


if __name__ == "__main__":
    print(msgspec.json.format(msgspec.json.encode(document(described_routes())), indent=2).decode())
