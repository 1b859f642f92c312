"""Answers against the description of the API: nothing leaves that /openapi.json does not promise.

Held to it is every answer that the tests get.  `pytest --record-examples` keeps the fullest exchange of each operation
as its example, in server/http/examples.json.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
import msgspec

from server.http.openapi import EXAMPLES, described_routes, document, recorded_examples

# Problems carry facts of their own beside the standard members.
OPEN_FORMS = {"Problem"}


@cache
def description() -> dict[str, Any]:
    """The description as it is served, but for forms: here an answer has no member that is not described."""
    told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document(described_routes())))
    for name, form in told["components"]["schemas"].items():
        if "properties" in form and name not in OPEN_FORMS:
            form.setdefault("additionalProperties", False)
    return told


@cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    # Literal paths first: /couriers/nearest is no courier.
    paths = sorted(description()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))), path) for path in paths]


def operation_of(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """The described path and operation that a request is for; None when there is none."""
    for pattern, template in _paths():
        told = description()["paths"][template].get(method.lower())
        if told is not None and pattern.fullmatch(path):
            return template, told
    return None


def _response(told: dict[str, Any], status: str) -> dict[str, Any] | None:
    response = told["responses"].get(status)
    if response is not None and "$ref" in response:
        return dict(description()["components"]["responses"][response["$ref"].rpartition("/")[2]])
    return response


@cache
def _validator(template: str, method: str, status: str, media_type: str) -> Any:
    response = _response(description()["paths"][template][method], status)
    assert response is not None
    schema = response["content"][media_type].get("schema", {})
    return jsonschema_rs.validator_for(
        {**schema, "components": description()["components"]}, validate_formats=True
    )


def require_described(method: str, path: str, status: int, headers: Any, content: bytes) -> None:
    """AssertionError, with the reason, when this answer is not what the description says."""
    found = operation_of(method, path)
    if found is None or status == 405:
        return
    template, told = found
    where = f"{method} {template} answered {status}"
    response = _response(told, str(status))
    assert response is not None, f"{where}, which its description does not have: {content[:300]!r}"
    media_type = headers.get("content-type", "").partition(";")[0]
    if not content:
        return
    described = response.get("content", {})
    assert media_type in described or "*/*" in described, f"{where} as {media_type}, not described"
    if media_type in described and media_type.endswith("json"):
        validator = _validator(template, method.lower(), str(status), media_type)
        faults = [
            f"{list(one.instance_path)}: {one.message}"
            for one in validator.iter_errors(msgspec.json.decode(content))
        ]
        assert not faults, f"{where}, but not as described: {faults[:5]}"


# What nobody shall take for a real one, by the member's name.
SECRETS = re.compile(r"^(token|refresh_token|device_key|password|secret|key|api_key|link|url)$")
LONGEST_EXAMPLE = 4000
_exchanges: dict[str, tuple[int, dict[str, Any]]] = {}


def hear(response: httpx.Response) -> None:
    """Hold an answer to the description, and remember the exchange if it is the fullest so far."""
    request = response.request
    require_described(
        request.method, request.url.path, response.status_code, response.headers, response.content
    )
    found = operation_of(request.method, request.url.path)
    if found is not None and response.is_success:
        _remember(found[1]["operationId"], _json(request.content, request), _json(response.content, response))


def _json(content: bytes, of: httpx.Request | httpx.Response) -> Any:
    is_json = of.headers.get("content-type", "").partition(";")[0] == "application/json"
    return msgspec.json.decode(content) if content and is_json else None


def _remember(name: str, request: Any, answer: Any) -> None:
    exchange = {
        part: _without_secrets(value)
        for part, value in (("request", request), ("answer", answer))
        if value is not None
    }
    members = len(set(_members(exchange)))
    is_short = len(msgspec.json.encode(exchange)) <= LONGEST_EXAMPLE
    if exchange and is_short and members > _exchanges.get(name, (0, {}))[0]:
        _exchanges[name] = (members, exchange)


def _members(value: Any, path: str = "") -> Iterator[str]:
    """The places in `value` where something stands."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _members(one, f"{path}/{key}")
    elif isinstance(value, list):
        for one in value:
            yield from _members(one, f"{path}/-")
    elif value is not None:
        yield path


def _without_secrets(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_secrets(one) for one in value[:3]]
    return f"<{name}>" if isinstance(value, str) and SECRETS.match(name) else value


def keep_examples() -> int:
    """Write what was remembered over what was recorded before; how many operations have an example now."""
    known = {told["operationId"] for path in description()["paths"].values() for told in path.values()}
    recorded = {**recorded_examples(), **{name: exchange for name, (_, exchange) in _exchanges.items()}}
    kept = {name: recorded[name] for name in sorted(recorded) if name in known}
    EXAMPLES.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
    return len(kept)
