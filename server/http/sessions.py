"""Signing in, and who one is then."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.accounts.service import SignedIn
from server.accounts.store import Account
from server.clock import from_ms
from server.errors import BadInput
from server.http.parts import HttpParts
from server.http.requests import answer, body_of, viewer_of


class BadCredentials(BadInput):
    """Either login and password are needed, or a device_key."""

    code = "bad_credentials"


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How somebody proves who they are: by login and password, or by a device key."""

    login: Annotated[str, Meta(max_length=200)] | None = None
    password: Annotated[str, Meta(max_length=1000)] | None = None
    device_key: Annotated[str, Meta(max_length=200)] | None = None


class Sessions:
    """`/api/v1/sessions` and `/api/v1/me`."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        return [
            Route("/api/v1/sessions", self.sign_in, methods=["POST"]),
            Route("/api/v1/me", self.me),
        ]

    async def sign_in(self, request: Request) -> Response:
        """A token, for as long as `expires_at` says."""
        body = await body_of(request, SignIn)
        accounts = self._parts.accounts
        match body:
            case SignIn(login=None, password=None, device_key=str() as device_key):
                return answer(signed_in_json(await accounts.sign_in_with_device_key(device_key)), 201)
            case SignIn(login=str() as login, password=str() as password, device_key=None):
                return answer(signed_in_json(await accounts.sign_in(login, password)), 201)
        raise BadCredentials

    async def me(self, request: Request) -> Response:
        """The account whose token this is."""
        viewer = viewer_of(request, self._parts.tokens)
        return answer(account_json(await self._parts.accounts.account(viewer.account_id)))


def signed_in_json(signed_in: SignedIn) -> dict[str, Any]:
    """What somebody gets who has signed in."""
    return {
        "token": signed_in.token,
        "expires_at": from_ms(signed_in.viewer.expires_at_ms),
        "account": account_json(signed_in.account),
    }


def account_json(account: Account) -> dict[str, Any]:
    """An account, to itself and to administrators."""
    return {
        "id": account.id,
        "role": account.role,
        "login": account.login,
        "display_name": account.display_name,
        "merchant_id": account.merchant_id,
        "active": account.active,
        "created_at": account.created_at,
    }
