"""What administrators do: accounts, their device keys, merchants."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.accounts.passwords import BadPassword, TooManyPasswords
from server.accounts.roles import Role
from server.accounts.service import AccountNotFound, BadAccount, LoginTaken, NewAccount
from server.http.answers import AccountAnswer, Answer, MerchantWithMenu
from server.http.operations import operation
from server.http.parts import HttpParts
from server.http.requests import answer, body_of, key_of, viewer_of
from server.http.sessions import account_json
from server.orders.catalogue import NewMerchant
from server.orders.merchant_facts import BadMerchant


class Creating(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new account.  Without a password it signs in by device key only."""

    role: Role
    login: Annotated[str, Meta(min_length=1, max_length=200)]
    display_name: Annotated[str, Meta(min_length=1, max_length=200)]
    password: str | None = None
    merchant_id: UUID | None = None


class KeyMaking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new device key, and what its owner calls the device."""

    label: Annotated[str, Meta(max_length=200)] = ""


class DeviceKeyAnswer(Answer):
    """The key, shown this once."""

    device_key: str


class RevokedAnswer(Answer):
    """How many keys have ended."""

    revoked: int


class Administration:
    """`POST /api/v1/accounts`, device keys, `POST /api/v1/merchants`."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        keys = "/api/v1/accounts/{account_id:uuid}/device-keys"
        return [
            operation(
                "POST",
                "/api/v1/accounts",
                self.create_account,
                "Make an account",
                body=Creating,
                answer=AccountAnswer,
                status=201,
                errors=(LoginTaken, BadAccount, BadPassword, TooManyPasswords),
                tag="administration",
            ),
            operation(
                "POST",
                keys,
                self.make_device_key,
                "Make a device key",
                body=KeyMaking | None,
                answer=DeviceKeyAnswer,
                status=201,
                errors=(AccountNotFound,),
                tag="administration",
            ),
            operation(
                "DELETE",
                keys,
                self.revoke_device_keys,
                "End all device keys of an account",
                answer=RevokedAnswer,
                errors=(AccountNotFound,),
                tag="administration",
            ),
            operation(
                "POST",
                "/api/v1/merchants",
                self.add_merchant,
                "Add a merchant",
                body=NewMerchant,
                answer=MerchantWithMenu,
                status=201,
                errors=(BadMerchant,),
                keyed=True,
                tag="merchants",
            ),
        ]

    async def create_account(self, request: Request) -> Response:
        """Somebody new; a login that is taken is refused, so that a repeated request does no harm."""
        viewer = viewer_of(request, self._parts.tokens)
        body = await body_of(request, Creating)
        account = await self._parts.accounts.create(
            viewer,
            NewAccount(
                role=body.role,
                login=body.login,
                display_name=body.display_name,
                password=body.password,
                merchant_id=body.merchant_id,
            ),
        )
        return answer(account_json(account), 201)

    async def make_device_key(self, request: Request) -> Response:
        """A key, shown this once: so no Idempotency-Key, which would have to store it."""
        viewer = viewer_of(request, self._parts.tokens)
        body = await body_of(request, KeyMaking)
        account_id = request.path_params["account_id"]
        device_key = await self._parts.accounts.make_device_key(viewer, account_id, body.label)
        return answer({"device_key": device_key}, 201)

    async def revoke_device_keys(self, request: Request) -> Response:
        """All keys of the account end."""
        viewer = viewer_of(request, self._parts.tokens)
        revoked = await self._parts.accounts.revoke_device_keys(viewer, request.path_params["account_id"])
        return answer({"revoked": revoked})

    async def add_merchant(self, request: Request) -> Response:
        """A new merchant with its menu, open at once."""
        viewer = viewer_of(request, self._parts.tokens)
        body = await body_of(request, NewMerchant)
        return answer(await self._parts.catalogue.add(viewer, body, key=key_of(request)), 201)
