"""What dispatchers ask of couriers: who is nearest, who one is, where he is and was."""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.accounts.audit import LOOKED_AT_TRACK
from server.accounts.permissions import Permission, require_for_all
from server.accounts.store import Account, AccountStore
from server.clock import from_ms
from server.dispatch.service import CourierNotFound
from server.dispatch.store import AssignmentStore
from server.dispatch.views import assignment_json
from server.geo.nearest import Neighbour
from server.geo.position import Position
from server.geo.presence import Presence, presence
from server.http.answers import CourierList, CourierSeen, Moment, NearCouriers, TrackAnswer
from server.http.operations import LIMIT, Query, operation
from server.http.parts import HttpParts
from server.http.requests import (
    MAX_PAGE,
    BadQuery,
    answer,
    query_ids,
    query_limit,
    query_moment,
    query_number,
    viewer_of,
)
from server.http.track_formats import FORMATS
from server.storage.database import database_errors
from server.storage.event_log import read_at

# A day of one fix a second is 86,400 fixes, some 10 MB of JSON; who wants more asks again.
LONGEST_TRACK = timedelta(days=1)

PLACE = (
    Query("lat", Annotated[float, Meta(ge=-90, le=90)], "Degrees north", required=True),
    Query("lng", Annotated[float, Meta(ge=-180, le=180)], "Degrees east", required=True),
)
SPAN = (
    Query("from", Moment, "The first moment", required=True),
    Query("to", Moment, "The end, at most a day later; itself not asked for", required=True),
)


class Dispatchers:
    """`couriers`, `couriers/{id}`, `couriers/nearest` and `couriers/{id}/track`."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        one = "/api/v1/couriers/{courier_id:uuid}"
        return [
            operation(
                "GET",
                "/api/v1/couriers",
                self.couriers,
                "Who couriers are",
                answer=CourierList,
                tag="couriers",
                query=(
                    Query(
                        "ids",
                        Annotated[list[UUID], Meta(min_length=1, max_length=MAX_PAGE)],
                        "Whose names are asked for",
                        required=True,
                    ),
                ),
            ),
            operation(
                "GET",
                "/api/v1/couriers/nearest",
                self.nearest,
                "The free couriers nearest to a place",
                answer=NearCouriers,
                query=(*PLACE, LIMIT),
                tag="couriers",
            ),
            operation(
                "GET",
                one,
                self.courier,
                "One courier: who, where, what he carries",
                answer=CourierSeen,
                errors=(CourierNotFound,),
                tag="couriers",
            ),
            operation(
                "GET",
                f"{one}/track",
                self.track,
                "Where a courier was",
                answer=TrackAnswer,
                query=(
                    *SPAN,
                    Query("format", Literal["json", "geojson", "gpx"], "How to write it; json if not said"),
                ),
                answer_types=tuple(form.media_type for form in FORMATS.values()),
                tag="couriers",
            ),
        ]

    async def nearest(self, request: Request) -> Response:
        """The free couriers nearest to a place, out of this process's own index: no database is asked."""
        require_for_all(viewer_of(request, self._parts.tokens), Permission.SEE_COURIERS)
        settings = self._parts.settings
        neighbours = self._parts.nearest.nearest(
            query_number(request, "lat", low=-90, high=90),
            query_number(request, "lng", low=-180, high=180),
            query_limit(request, default=10),
            max_radius_m=settings.nearest_max_radius_m,
            now_ms=self._parts.clock.now_ms(),
            ageing_after_ms=round(settings.ageing_after_s * 1000),
            gone_after_ms=round(settings.gone_after_s * 1000),
        )
        return answer({"couriers": [neighbour_json(neighbour) for neighbour in neighbours]})

    async def couriers(self, request: Request) -> Response:
        """Who the couriers of `ids` are: names for those whom `nearest` and the map know by id only.

        Ids that are no courier's are left out.
        """
        require_for_all(viewer_of(request, self._parts.tokens), Permission.SEE_COURIERS)
        ids = query_ids(request, "ids")
        with database_errors():
            accounts = await AccountStore(self._parts.storage.pool).couriers(ids)
        return answer({"couriers": [courier_json(account) for account in accounts]})

    async def courier(self, request: Request) -> Response:
        """One courier: who he is, where he is (null once he is gone), and what he carries."""
        require_for_all(viewer_of(request, self._parts.tokens), Permission.SEE_COURIERS)
        courier_id: UUID = request.path_params["courier_id"]
        async with read_at(self._parts.storage.pool) as (connection, _):
            accounts = await AccountStore(connection).couriers([courier_id])
            assignment = await AssignmentStore(connection).open_of_courier(courier_id)
        if not accounts:
            raise CourierNotFound
        order_id = None if assignment is None else assignment.order_id
        return answer(
            {
                **courier_json(accounts[0]),
                "position": self._position(courier_id),
                "assignment": assignment and {**assignment_json(assignment), "order_id": order_id},
            }
        )

    def _position(self, courier_id: UUID) -> dict[str, Any] | None:
        position = self._parts.nearest.get(courier_id)
        if position is None:
            return None
        settings = self._parts.settings
        silent_s = (self._parts.clock.now_ms() - position.received_at_ms) / 1000
        return position_json(position, presence(silent_s, settings.ageing_after_s, settings.gone_after_s))

    async def track(self, request: Request) -> Response:
        """Where the courier was from `from` until before `to`, at most a day, as json, geojson or gpx."""
        viewer = viewer_of(request, self._parts.tokens)
        require_for_all(viewer, Permission.SEE_TRACK)
        begin, end = query_moment(request, "from"), query_moment(request, "to")
        if not begin < end <= begin + LONGEST_TRACK:
            raise BadQuery("to must be after from, and by at most a day", parameter="to")
        form = FORMATS.get(request.query_params.get("format", "json"))
        if form is None:
            raise BadQuery(f"format must be one of {', '.join(FORMATS)}", parameter="format")
        courier_id: UUID = request.path_params["courier_id"]
        fixes = await self._parts.tracks.read(courier_id, begin, end)
        await self._parts.audit.looked(viewer, LOOKED_AT_TRACK, "account", [courier_id])
        return Response(form.write(courier_id, fixes), 200, {"Cache-Control": "no-store"}, form.media_type)


def courier_json(account: Account) -> dict[str, Any]:
    """Who a courier is, for those who see all of them."""
    return {"id": account.id, "display_name": account.display_name, "active": account.active}


def position_json(position: Position, presence: Presence) -> dict[str, Any]:
    """Where a courier is by his newest fix, and whether he may be offered work."""
    return {
        "lat": position.lat,
        "lng": position.lng,
        "bearing_deg": position.bearing_deg,
        "fix_time": from_ms(position.fix_time_ms),
        "presence": presence,
        "available": position.available,
    }


def neighbour_json(neighbour: Neighbour) -> dict[str, Any]:
    """A courier near a place; the distance to 0.1 m, as the fixes are no better."""
    return {
        "courier_id": neighbour.courier_id,
        "distance_m": round(neighbour.distance_m, 1),
        "lat": neighbour.lat,
        "lng": neighbour.lng,
        "fix_time": from_ms(neighbour.fix_time_ms),
        "presence": neighbour.presence,
    }
