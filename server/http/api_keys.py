"""Keys of merchants' own programs: made, listed and ended; and how a request that shows one is known."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from server.accounts.api_keys import (
    PREFIX,
    ApiKey,
    ApiKeyNotFound,
    ApiKeyService,
    BadScopes,
    KeyScope,
)
from server.errors import TrackingError
from server.http.answers import Answer, Moment
from server.http.operations import operation
from server.http.parts import HttpParts
from server.http.requests import KEY_BEARER, answer, bearer_of, body_of, viewer_of
from server.http.sessions import answer_nothing


class ApiKeyMaking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the program is called, and what it may do."""

    label: Annotated[str, Meta(min_length=1, max_length=200)]
    scopes: Annotated[list[KeyScope], Meta(min_length=1, max_length=20)]


class ApiKeyListed(Answer):
    """A key, without what would let anybody use it."""

    id: UUID
    label: str
    scopes: list[KeyScope]
    prefix: str
    created_at: Moment
    last_used_on: date | None


class ApiKeyMade(ApiKeyListed):
    """A new key; `api_key` is told this once."""

    api_key: str


class ApiKeyList(Answer):
    """A merchant's keys, the newest first."""

    api_keys: list[ApiKeyListed]


class ApiKeys:
    """`/api/v1/merchants/{id}/api-keys`."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        keys = "/api/v1/merchants/{merchant_id:uuid}/api-keys"
        return [
            operation("POST", keys, self.make, "Make a key for a program of the merchant's", body=ApiKeyMaking,
                      answer=ApiKeyMade, status=201, errors=(BadScopes,), tag="merchants"),
            operation("GET", keys, self.list, "The merchant's keys", answer=ApiKeyList, tag="merchants"),
            operation("DELETE", f"{keys}/{{key_id:uuid}}", self.revoke, "End a key", status=204,
                      errors=(ApiKeyNotFound,), tag="merchants"),
        ]  # fmt: skip

    async def make(self, request: Request) -> Response:
        """Shown this once: so no Idempotency-Key, which would have to store it.  A program shows it as
        `Authorization: Bearer sk_…`; for the socket it signs in with it (`POST /api/v1/sessions {"api_key"}`).
        """
        viewer = viewer_of(request, self._parts.tokens)
        body = await body_of(request, ApiKeyMaking)
        merchant_id = request.path_params["merchant_id"]
        key, words = await self._parts.api_keys.make(viewer, merchant_id, body.label, body.scopes)
        return answer({**key_json(key), "api_key": words}, 201)

    async def list(self, request: Request) -> Response:
        """By label and first letters, with what each may do and the day it was last used on."""
        viewer = viewer_of(request, self._parts.tokens)
        keys = await self._parts.api_keys.of_merchant(viewer, request.path_params["merchant_id"])
        return answer({"api_keys": [key_json(key) for key in keys]})

    async def revoke(self, request: Request) -> Response:
        """Ends the key and all tokens made with it, everywhere within two seconds."""
        viewer = viewer_of(request, self._parts.tokens)
        merchant_id, key_id = request.path_params["merchant_id"], request.path_params["key_id"]
        await self._parts.api_keys.revoke(viewer, merchant_id, key_id)
        return answer_nothing()


class KeyBearers:
    """Looks up who shows a program's key, before the routes are asked: it takes a database, a token takes none."""

    def __init__(self, app: ASGIApp, keys: ApiKeyService) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            words = bearer_of(Request(scope).headers)
            if words is not None and words.startswith(PREFIX):
                try:
                    scope[KEY_BEARER] = await self.keys.viewer_of(words)
                except TrackingError as error:  # to be raised where it is answered
                    scope[KEY_BEARER] = error
        await self.app(scope, receive, send)


def key_json(key: ApiKey) -> dict[str, object]:
    """A key, to those who may manage it."""
    return {
        "id": key.id,
        "label": key.label,
        "scopes": list(key.scopes),
        "prefix": key.prefix,
        "created_at": key.created_at,
        "last_used_on": key.last_used_on,
    }
