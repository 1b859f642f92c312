"""What administrators and operations do: accounts, who may come in, device keys, merchants, the audit."""

from datetime import UTC
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.accounts.audit import AuditFilter
from server.accounts.passwords import BadPassword, TooManyPasswords
from server.accounts.roles import Role
from server.accounts.service import (
    AccountNotFound,
    BadAccount,
    BadSuspension,
    LoginTaken,
    NewAccount,
    NotOneself,
)
from server.accounts.standing import BadVerdict, Verdict
from server.http.answers import AccountAnswer, Answer, MerchantWithMenu, Moment
from server.http.operations import BEFORE, LIMIT, Operation, Query, operation
from server.http.parts import HttpParts
from server.http.requests import answer, body_of, key_of, query_id, query_limit, viewer_of
from server.http.sessions import account_json, answer_nothing
from server.orders.catalogue import NewMerchant
from server.orders.merchant_facts import BadMerchant

REASON_PATTERN = r"^[a-z][a-z0-9_]{0,39}$"


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


class PasswordSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password that shall be."""

    password: Annotated[str, Meta(max_length=1000)]


class Judging(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why: a word of a catalogue (misconduct, fraud, left, mistake, …), no prose; it stands in the audit for ever."""

    reason: Annotated[str, Meta(pattern=REASON_PATTERN)]


class Suspending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, and until when; without that, until somebody reinstates them."""

    reason: Annotated[str, Meta(pattern=REASON_PATTERN)]
    until: Moment | None = None


class DeviceKeyAnswer(Answer):
    """The key, shown this once."""

    device_key: str


class RevokedAnswer(Answer):
    """How many keys have ended."""

    revoked: int


class AuditEntry(Answer):
    """Who did or looked at what; `actor_id` null: the program by itself."""

    id: UUID
    at: Moment
    actor_id: UUID | None
    actor_role: Role | None
    session_id: UUID | None
    what: str
    entity: str
    entity_ids: list[UUID]
    details: dict[str, Any]


class AuditPage(Answer):
    """Entries, newest first; `next_before` is the `before` of the next page, null when there is none."""

    entries: list[AuditEntry]
    next_before: UUID | None


ABOUT = (
    Query("entity", str, "About this kind of thing: account, order, …"),
    Query("entity_id", UUID, "About this one"),
    Query("actor_id", UUID, "By this account"),
)
SUMMARIES = {
    Verdict.SUSPEND: "Keep somebody out for a while",
    Verdict.REINSTATE: "Let a suspended account in again",
    Verdict.DISMISS: "Close an account for good",
}


class Administration:
    """Accounts, device keys, `POST /api/v1/merchants`, the audit."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        one = "/api/v1/accounts/{account_id:uuid}"
        keys = f"{one}/device-keys"
        return [
            operation("POST", "/api/v1/accounts", self.create_account, "Make an account", body=Creating,
                      answer=AccountAnswer, status=201, errors=(LoginTaken, BadAccount, BadPassword, TooManyPasswords),
                      tag="administration"),
            operation("GET", one, self.account, "An account", answer=AccountAnswer, errors=(AccountNotFound,),
                      tag="administration"),
            operation("PUT", f"{one}/password", self.set_password, "Give somebody another password",
                      body=PasswordSetting, status=204, errors=(AccountNotFound, BadPassword, TooManyPasswords),
                      tag="administration"),
            *(self._verdict(one, verdict) for verdict in Verdict),
            operation("POST", keys, self.make_device_key, "Make a device key", body=KeyMaking | None,
                      answer=DeviceKeyAnswer, status=201, errors=(AccountNotFound,), tag="administration"),
            operation("DELETE", keys, self.revoke_device_keys, "End all device keys of an account",
                      answer=RevokedAnswer, errors=(AccountNotFound,), tag="administration"),
            operation("POST", "/api/v1/merchants", self.add_merchant, "Add a merchant", body=NewMerchant,
                      answer=MerchantWithMenu, status=201, keyed=True, errors=(BadMerchant,), tag="administration"),
            operation("GET", "/api/v1/audit", self.audit, "Who did and who looked at what", answer=AuditPage,
                      query=(*ABOUT, LIMIT, BEFORE), tag="administration"),
        ]  # fmt: skip

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

    async def account(self, request: Request) -> Response:
        """To those who manage accounts."""
        viewer = viewer_of(request, self._parts.tokens)
        return answer(
            account_json(await self._parts.accounts.managed(viewer, request.path_params["account_id"]))
        )

    async def set_password(self, request: Request) -> Response:
        """Ends all of their sessions."""
        viewer = viewer_of(request, self._parts.tokens)
        body = await body_of(request, PasswordSetting)
        await self._parts.accounts.set_password(viewer, request.path_params["account_id"], body.password)
        return answer_nothing()

    def _verdict(self, one: str, verdict: Verdict) -> Operation:
        suspends = verdict is Verdict.SUSPEND
        form = Suspending if suspends else Judging

        async def judge(request: Request) -> Response:
            viewer = viewer_of(request, self._parts.tokens)
            body: Suspending | Judging = await body_of(request, form)
            until = body.until if isinstance(body, Suspending) else None
            account = await self._parts.accounts.judge(
                viewer,
                request.path_params["account_id"],
                verdict,
                body.reason,
                until=None if until is None else until.astimezone(UTC),
            )
            return answer(account_json(account))

        return operation(
            "POST",
            f"{one}/{verdict}",
            judge,
            SUMMARIES[verdict],
            body=form,
            answer=AccountAnswer,
            errors=(AccountNotFound, NotOneself, BadVerdict, *((BadSuspension,) if suspends else ())),
            tag="administration",
            details="Couriers are judged by operations, everybody by administrators.  The account's tokens are refused "
            "and its sockets closed (4503) everywhere within two seconds.",
        )

    async def make_device_key(self, request: Request) -> Response:
        """A key, shown this once: so no Idempotency-Key, which would have to store it."""
        viewer = viewer_of(request, self._parts.tokens)
        body = await body_of(request, KeyMaking)
        account_id = request.path_params["account_id"]
        device_key = await self._parts.accounts.make_device_key(viewer, account_id, body.label)
        return answer({"device_key": device_key}, 201)

    async def revoke_device_keys(self, request: Request) -> Response:
        """All keys of the account end, and tokens made with them, everywhere within two seconds."""
        viewer = viewer_of(request, self._parts.tokens)
        revoked = await self._parts.accounts.revoke_device_keys(viewer, request.path_params["account_id"])
        return answer({"revoked": revoked})

    async def add_merchant(self, request: Request) -> Response:
        """A new merchant with its menu, open at once."""
        viewer = viewer_of(request, self._parts.tokens)
        body = await body_of(request, NewMerchant)
        return answer(await self._parts.catalogue.add(viewer, body, key=key_of(request)), 201)

    async def audit(self, request: Request) -> Response:
        """Newest first.  Nobody can change what stands there, and reading it is written down as well."""
        viewer = viewer_of(request, self._parts.tokens)
        limit = query_limit(request, default=50)
        asked = AuditFilter(
            entity=request.query_params.get("entity"),
            entity_id=query_id(request, "entity_id"),
            actor_id=query_id(request, "actor_id"),
            before=query_id(request, "before"),
        )
        entries = await self._parts.audit.read(viewer, asked, limit=limit)
        next_before = entries[-1]["id"] if len(entries) == limit else None
        return answer({"entries": entries, "next_before": next_before})
