"""The stock apps of phones as couriers: OwnTracks, Traccar Client and whatever else speaks the OsmAnd protocol.

These apps delete a fix at the first 2xx, so that is sent after the commit; a 503 makes them keep it and
send it again.  A fix that nobody will ever believe gets its 2xx, too, or the app would send it for ever:
what was refused is counted, and named in the header Songda-Refused.  How each app writes its fixes stands
in phone_formats.py.
"""

import base64
import binascii
from collections import Counter
from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec
import prometheus_client
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.accounts.permissions import Permission, require
from server.accounts.sessions import UnknownDeviceKey
from server.accounts.standing import Dismissed, Suspended
from server.accounts.viewer import Viewer
from server.errors import BadInput, NotAllowed, NotAuthenticated, NotFound
from server.http.operations import Query, operation
from server.http.parts import HttpParts
from server.http.phone_formats import Heard, Unreadable, read_location_json, read_osmand, read_owntracks
from server.http.problems import of_tracking_error
from server.http.requests import answer
from server.wire.messages import MAX_FIXES_PER_BATCH

MAX_PARAMETERS = 100
REFUSED_HEADER = "Songda-Refused"
NOT_THEIRS = (NotAllowed, Suspended, Dismissed)

UNREADABLE = prometheus_client.Counter(
    "songda_phone_messages_unreadable_total", "Messages of stock apps that said no place and time"
)


class UnknownDevice(BadInput):
    """No active courier has this device key."""

    code = "unknown_device"
    http_status = 400  # as the OsmAnd protocol has it


class UnknownJsonDevice(NotFound):
    """No active courier has this device key."""

    code = "unknown_device"


class OwnTracks(msgspec.Struct):
    """A message of OwnTracks; one of another `_type` than location is no fix."""

    type: str = msgspec.field(name="_type")
    lat: float | None = None
    lon: float | None = None
    tst: int | None = None
    acc: float | None = None
    cog: float | None = None
    vel: float | None = None


OSMAND = (
    Query("id", str, "The device key; `deviceid` is heard, too"),
    Query("lat", str, "Degrees north"),
    Query("lon", str, "Degrees east; `location=lat,lon` is heard, too"),
    Query(
        "timestamp", str, "Unix seconds or milliseconds, ISO 8601, or `yyyy-MM-dd HH:mm:ss`; now if not said"
    ),
    Query("accuracy", str, "Metres"),
    Query("hdop", str, "Metres too, above 20; else the dilution of precision"),
    Query("speed", str, "Knots"),
    Query("bearing", str, "Degrees; `heading` is heard, too"),
    Query("valid", str, "`false`: the phone itself does not believe it"),
)


class Phones:
    """From an app's request to the steps of a fix, and back in the app's own way."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        """The addresses that people type into their apps."""
        refused = {REFUSED_HEADER: "What was not taken, and why: `too_old=2, out_of_range=1`"}
        osmand = "/ingest/osmand"
        return [
            operation(
                "POST",
                "/ingest/owntracks",
                self.owntracks,
                "Fixes of OwnTracks",
                body=OwnTracks | list[OwnTracks] | None,
                answer=list[str],
                errors=(Unreadable, UnknownDeviceKey),
                tag="phones",
                security=("device",),
                answer_headers=refused,
                lenient=True,
            ),
            operation(
                "GET",
                osmand,
                self.osmand,
                "A fix of the OsmAnd protocol",
                query=OSMAND,
                errors=(Unreadable, UnknownDevice, *NOT_THEIRS),
                tag="phones",
                public=True,
                answer_headers=refused,
                lenient=True,
            ),
            operation(
                "POST",
                osmand,
                self.osmand,
                "A fix of the OsmAnd protocol, or of Traccar Client 9",
                query=OSMAND,
                body=bytes,
                body_types=("application/x-www-form-urlencoded", "application/json"),
                answer=bytes,
                answer_types=("*/*",),
                errors=(Unreadable, UnknownDevice, UnknownJsonDevice, *NOT_THEIRS),
                tag="phones",
                public=True,
                answer_headers=refused,
                lenient=True,
            ),
        ]

    async def owntracks(self, request: Request) -> Response:
        """HTTP Basic with the device key as password; always answered with a list, for us an empty one."""
        try:
            viewer = await self._parts.accounts.viewer_of_device_key(_basic_password(request))
        except NotAuthenticated as error:
            refusal = of_tracking_error(request, error)
            refusal.headers["WWW-Authenticate"] = 'Basic realm="Songda"'
            return refusal
        body = await request.body()
        refused = await self._store(viewer, read_owntracks(body) if body.strip() else Heard([]))
        return _naming(refused, answer([]))

    async def osmand(self, request: Request) -> Response:
        """Parameters in the address or a form, or JSON with a `location`; the key is `id` or `deviceid`."""
        body = await request.body()
        if _is_json(request):
            return await self._location_json(request, body)
        parameters = {**request.query_params, **_form(body)}
        try:
            viewer = await self._parts.accounts.viewer_of_device_key(_key_in(parameters))
        except NotAuthenticated as error:
            raise UnknownDevice from error
        refused = await self._store(viewer, read_osmand(parameters, now_ms=self._parts.clock.now_ms()))
        return _naming(refused, Response())  # words in this answer would be a command to the app

    async def _location_json(self, request: Request, body: bytes) -> Response:
        key, heard = read_location_json(body, now_ms=self._parts.clock.now_ms())
        try:
            viewer = await self._parts.accounts.viewer_of_device_key(key or _key_in(request.query_params))
        except NotAuthenticated as error:
            raise UnknownJsonDevice from error
        refused = await self._store(viewer, heard)
        return _naming(refused, answer({"refused": refused}))

    async def _store(self, viewer: Viewer, heard: Heard) -> dict[str, int]:
        """See the fixes through and wait for the commit; how many were refused, by reason."""
        require(viewer, Permission.SEND_POSITION)
        refused: Counter[str] = Counter()
        if heard.unreadable:
            UNREADABLE.inc(heard.unreadable)
            refused[Unreadable.code] = heard.unreadable
        for begin in range(0, len(heard.fixes), MAX_FIXES_PER_BATCH):
            fixes = heard.fixes[begin : begin + MAX_FIXES_PER_BATCH]
            said = await self._parts.tracking.submit_and_store(viewer.account_id, fixes)
            refused.update(fix.reason for fix in said.refused)
        return dict(refused)


def _naming(refused: Mapping[str, int], response: Response) -> Response:
    if refused:
        response.headers[REFUSED_HEADER] = ", ".join(f"{reason}={count}" for reason, count in refused.items())
    return response


def _basic_password(request: Request) -> str:
    """The password of HTTP Basic (RFC 7617), whatever the user's name; NotAuthenticated without one."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise NotAuthenticated
    try:
        _, colon, password = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise NotAuthenticated from error
    if not colon:
        raise NotAuthenticated
    return password


def _key_in(parameters: Mapping[str, str]) -> str:
    return parameters.get("id") or parameters.get("deviceid") or ""


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _form(body: bytes) -> dict[str, str]:
    """The parameters of an urlencoded form; Unreadable when they are too many."""
    try:
        return dict(parse_qsl(body.decode(errors="replace"), max_num_fields=MAX_PARAMETERS))
    except ValueError as error:
        raise Unreadable from error
