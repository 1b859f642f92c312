from uuid import UUID, uuid4

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from server.dispatch.duties import DutyBoard
from server.geo.cells import TILE_RES, cell_of, cell_text, centre_of, disk
from server.geo.nearest import NearestIndex
from server.geo.position import POSITION_DTYPE, Position
from server.realtime.viewport import Viewports
from tests.unit.realtime.stand_ins import a_session, a_viewer

TILES = disk(cell_of(60.17, 24.94, TILE_RES), 1)[:4]


class Map:
    """A city of four tiles, and what a dispatcher's page would draw of it."""

    def __init__(self, seen: list[int]) -> None:
        self.nearest = NearestIndex()
        self.viewports = Viewports(self.nearest, DutyBoard())
        self.session, self.carrier, _ = a_session(a_viewer())
        self.now_ms = 0
        self.drawn: dict[str, tuple[float, float]] = {}
        self.tile_of: dict[str, str] = {}
        looked = self.viewports.look(self.session, map(cell_text, seen))
        self._draw(looked["couriers"], "")

    def ride(self, courier_id: UUID, tile: int, step: int) -> None:
        """A fix somewhere in this tile."""
        self.now_ms += 1000
        lat, lng = centre_of(tile)
        lat += step * 1e-4
        position = Position(
            courier_id=courier_id,
            lat=lat,
            lng=lng,
            fix_time_ms=self.now_ms,
            received_at_ms=self.now_ms,
            cell=cell_of(lat, lng),
        )
        batch = np.frombuffer(position.pack(), POSITION_DTYPE)
        news = self.nearest.update(batch)
        self.viewports.follow(news, news.tobytes())

    def vanish(self, courier_id: UUID) -> None:
        self.nearest.forget([courier_id])
        self.viewports.vanish([courier_id])

    def read(self) -> None:
        """The page takes what waits for it, by the rules of docs/protocol.md."""
        for frame in self.carrier.sent():
            payload = frame["payload"]
            if payload.get("whole"):
                for courier in [who for who, tile in self.tile_of.items() if tile == payload["tile"]]:
                    self._erase(courier)
            for courier in payload["left"]:
                if self.tile_of.get(courier) == payload["tile"]:
                    self._erase(courier)
            self._draw(payload["couriers"], payload["tile"])

    def _draw(self, rows: list[list], tile: str) -> None:
        for courier, lat, lng, *_ in rows:
            self.drawn[courier] = (lat, lng)
            self.tile_of[courier] = tile or cell_text(cell_of(lat, lng, TILE_RES))

    def _erase(self, courier: str) -> None:
        self.drawn.pop(courier)
        self.tile_of.pop(courier)

    def there_is(self, seen: list[int]) -> dict[str, tuple[float, float]]:
        inside = [UUID(bytes=row.tobytes()[:16]) for row in self.nearest.in_cells(seen)]
        positions = {courier_id: self.nearest.get(courier_id) for courier_id in inside}
        return {
            str(courier_id): (round(position.lat, 6), round(position.lng, 6))
            for courier_id, position in positions.items()
        }


COURIERS = [uuid4() for _ in range(5)]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ride"), st.integers(0, 4), st.integers(0, 3), st.integers(0, 20)),
        st.tuples(st.just("vanish"), st.integers(0, 4), st.just(0), st.just(0)),
        st.just(("beat", 0, 0, 0)),
        st.just(("read", 0, 0, 0)),
    ),
    max_size=60,
)


@given(STEPS)
def test_what_a_page_draws_is_what_there_is_however_slowly_it_reads(steps):
    seen = TILES[:2]
    city = Map(seen)
    for what, who, where, step in steps:
        if what == "ride":
            city.ride(COURIERS[who], TILES[where], step)
        elif what == "vanish":
            city.vanish(COURIERS[who])
        elif what == "beat":
            city.viewports.beat()
        else:
            city.read()
    for _ in range(2):  # after a beat and a reading a slow page is level again, at the latest with the next
        city.viewports.beat()
        city.read()
    assert city.drawn == city.there_is(seen)


def test_a_tile_that_nobody_sees_costs_nothing():
    city = Map(TILES[:2])
    city.ride(COURIERS[0], TILES[0], 1)
    city.viewports.look(city.session, [cell_text(TILES[1])])
    assert len(city.viewports) == 1
    city.viewports.forget(city.session)
    assert len(city.viewports) == 0
    assert not any(city.viewports._inside.values())
    city.viewports.beat()
    assert city.carrier.sent() == []


def test_a_frame_is_encoded_once_for_all_who_see_the_tile():
    city = Map(TILES[:1])
    other, _, _ = a_session(a_viewer())
    city.viewports.look(other, [cell_text(TILES[0])])
    city.ride(COURIERS[0], TILES[0], 1)
    city.viewports.beat()
    key = f"tile:{cell_text(TILES[0])}"
    assert other.outbox._newest[key] is city.session.outbox._newest[key]
