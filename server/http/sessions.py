"""Signing in, staying signed in, signing out, and who one is."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.accounts.api_keys import UnknownApiKey
from server.accounts.devices import device_label
from server.accounts.passwords import BadPassword, TooManyPasswords
from server.accounts.refresh import BadRefreshToken
from server.accounts.revocations import SignedOut
from server.accounts.session_store import Session
from server.accounts.sessions import SessionNotFound, SignedIn, UnknownDeviceKey, WrongPassword
from server.accounts.sign_in_limit import TooManySignIns
from server.accounts.standing import Dismissed, Suspended
from server.accounts.store import Account
from server.accounts.viewer import Viewer
from server.clock import from_ms
from server.errors import BadInput
from server.http.answers import AccountAnswer, Answer, Moment
from server.http.operations import operation
from server.http.parts import HttpParts
from server.http.requests import answer, body_of, viewer_of

MAX_LABEL = 80


class BadCredentials(BadInput):
    """Either login and password are needed, or a device_key, or an api_key."""

    code = "bad_credentials"


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How somebody proves who they are: by login and password, by a device key, or by a merchant's program's key."""

    login: Annotated[str, Meta(max_length=200)] | None = None
    password: Annotated[str, Meta(max_length=1000)] | None = None
    device_key: Annotated[str, Meta(max_length=200)] | None = None
    api_key: Annotated[str, Meta(max_length=200)] | None = None
    label: Annotated[str, Meta(max_length=MAX_LABEL)] | None = None  # none: the kind of browser it is


class Refreshing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the sign-in or the refresh before gave."""

    refresh_token: Annotated[str, Meta(max_length=200)]


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password that is, and the one that shall be."""

    old_password: Annotated[str, Meta(max_length=1000)]
    new_password: Annotated[str, Meta(max_length=1000)]


class SignedInAnswer(Answer):
    """The token for `Authorization: Bearer …` and the socket's first frame; a password's session has a refresh token,
    too, which brings the next ones (a device key brings them by itself)."""

    token: str
    expires_at: Moment
    refresh_token: str | None
    account: AccountAnswer | None  # a program has none


class SessionAnswer(Answer):
    """One signing-in: with which kind of device, when, and when it was used last."""

    id: UUID
    label: str
    created_at: Moment
    refreshed_at: Moment
    ends_at: Moment
    current: bool


class SessionList(Answer):
    """Where somebody is signed in, the session used last first."""

    sessions: list[SessionAnswer]


class Sessions:
    """`/api/v1/sessions` and `/api/v1/me`."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        sessions, barred = "/api/v1/sessions", (Suspended, Dismissed)
        return [
            operation("POST", sessions, self.sign_in, "Sign in", body=SignIn, answer=SignedInAnswer, status=201,
                      errors=(BadCredentials, WrongPassword, UnknownDeviceKey, UnknownApiKey, TooManySignIns,
                              TooManyPasswords, *barred), tag="sessions", public=True),
            operation("POST", f"{sessions}/refresh", self.refresh, "Go on with a session", body=Refreshing,
                      answer=SignedInAnswer, errors=(BadRefreshToken, SignedOut, *barred), tag="sessions", public=True),
            operation("GET", sessions, self.mine, "Where I am signed in", answer=SessionList, tag="sessions"),
            operation("DELETE", f"{sessions}/current", self.sign_out, "Sign out", status=204, tag="sessions"),
            operation("DELETE", f"{sessions}/{{session_id:uuid}}", self.end, "Sign out elsewhere", status=204,
                      errors=(SessionNotFound,), tag="sessions"),
            operation("GET", "/api/v1/me", self.me, "Who I am", answer=AccountAnswer, tag="sessions"),
            operation("PUT", "/api/v1/me/password", self.change_password, "Change one's password",
                      body=PasswordChange, status=204, errors=(WrongPassword, BadPassword, TooManySignIns),
                      tag="sessions"),
        ]  # fmt: skip

    async def sign_in(self, request: Request) -> Response:
        """A token, for as long as `expires_at` says."""
        body = await body_of(request, SignIn)
        sessions = self._parts.sessions
        match body:
            case SignIn(login=None, password=None, device_key=None, api_key=str() as api_key):
                viewer = await self._parts.api_keys.viewer_of(api_key)
                return answer(program_json(viewer, self._parts.tokens.issue(viewer)), 201)
            case SignIn(login=None, password=None, device_key=str() as device_key, api_key=None):
                signed_in = await sessions.sign_in_with_device_key(device_key)
            case SignIn(login=str() as login, password=str() as password, device_key=None, api_key=None):
                label = body.label or device_label(request.headers.get("user-agent", ""))
                address = request.client.host if request.client is not None else None
                signed_in = await sessions.sign_in(login, password, label=label, address=address)
            case _:
                raise BadCredentials
        return answer(signed_in_json(signed_in), 201)

    async def refresh(self, request: Request) -> Response:
        """New tokens for a refresh token, which is used up by this.  Repeated within seconds, since the answer was
        lost, it gets the same one again; shown later than that it ends the session: somebody has a copy.
        """
        body = await body_of(request, Refreshing)
        return answer(signed_in_json(await self._parts.sessions.refresh(body.refresh_token)))

    async def mine(self, request: Request) -> Response:
        """Where one is signed in by password."""
        viewer = viewer_of(request, self._parts.tokens)
        sessions = await self._parts.sessions.mine(viewer)
        return answer({"sessions": [session_json(session, viewer.session_id) for session in sessions]})

    async def sign_out(self, request: Request) -> Response:
        """Ends the session of this token, everywhere within two seconds; its sockets are closed."""
        await self._parts.sessions.sign_out(viewer_of(request, self._parts.tokens))
        return answer_nothing()

    async def end(self, request: Request) -> Response:
        """Ends another of one's sessions: a lost phone's."""
        viewer = viewer_of(request, self._parts.tokens)
        await self._parts.sessions.end(viewer, request.path_params["session_id"])
        return answer_nothing()

    async def me(self, request: Request) -> Response:
        """The account whose token this is."""
        viewer = viewer_of(request, self._parts.tokens)
        return answer(account_json(await self._parts.accounts.account(viewer.account_id)))

    async def change_password(self, request: Request) -> Response:
        """Another password; all other sessions end."""
        viewer = viewer_of(request, self._parts.tokens)
        body = await body_of(request, PasswordChange)
        await self._parts.sessions.change_password(viewer, body.old_password, body.new_password)
        return answer_nothing()


def answer_nothing() -> Response:
    """Done, and nothing to say about it."""
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def signed_in_json(signed_in: SignedIn) -> dict[str, Any]:
    """What somebody gets who has signed in."""
    return {
        "token": signed_in.token,
        "expires_at": from_ms(signed_in.viewer.expires_at_ms),
        "refresh_token": signed_in.refresh_token,
        "account": account_json(signed_in.account),
    }


def program_json(viewer: Viewer, token: str) -> dict[str, Any]:
    """What a merchant's program gets that has signed in with its key, which brings the next token as well."""
    expires_at = from_ms(viewer.expires_at_ms)
    return {"token": token, "expires_at": expires_at, "refresh_token": None, "account": None}


def session_json(session: Session, current: UUID | None) -> dict[str, Any]:
    """A session, to whom it belongs."""
    return {
        "id": session.id,
        "label": session.label,
        "created_at": session.created_at,
        "refreshed_at": session.kept.refreshed_at,
        "ends_at": session.kept.ends_at,
        "current": session.id == current,
    }


def account_json(account: Account) -> dict[str, Any]:
    """An account, to itself and to administrators."""
    return {
        "id": account.id,
        "role": account.role,
        "login": account.login,
        "display_name": account.display_name,
        "merchant_id": account.merchant_id,
        "status": account.status,
        "active": account.active,
        "created_at": account.created_at,
    }
