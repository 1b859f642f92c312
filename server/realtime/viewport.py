"""The map of all couriers, by tiles: H3 cells of two sizes, each followed by whoever has it in view.

What changed in a tile goes out at most four times a second (with the hub's beat), encoded once for all who
see the tile. A viewer who has not taken the last frame of a tile gets the whole tile instead of the next
change: the newer frame takes the place of the older, and must stand for it.
"""

from collections.abc import Iterable
from uuid import UUID

import numpy as np

from server.dispatch.duties import DutyBoard
from server.geo.cells import TILE_RES, WIDE_TILE_RES, ancestors, cell_text, parse_tile, resolution
from server.geo.nearest import Batch, NearestIndex
from server.geo.position import AVAILABLE, DEGREES_TO_INT, POSITION_DTYPE, POSITION_SIZE, UNKNOWN_U16
from server.realtime.frames_out import text_frame
from server.realtime.session import Session
from server.realtime.topics import VIEWPORT
from server.wire.frames import encode_frame

ID_SIZE = 16  # a packed position begins with its courier's id

Row = list[object]  # [id, lat, lng, bearing or None, "free" | "busy" | "off", fix_time, received_at]


class Tile:
    """One cell of the map: who sees it, who is in it, and what happened since the last beat."""

    __slots__ = ("cell", "changed", "inside", "left", "text", "viewers")

    def __init__(self, cell: int) -> None:
        self.cell = cell
        self.text = cell_text(cell)
        self.viewers: set[Session] = set()
        self.inside: set[bytes] = set()
        self.changed: dict[bytes, bytes] = {}  # courier -> packed position
        self.left: set[bytes] = set()

    @property
    def key(self) -> str:
        """Its place in the newest-wins lane."""
        return f"tile:{self.text}"

    @property
    def left_key(self) -> str:
        """The place of those who left it: told first, so that who went to the next tile is not taken off
        there.
        """
        return f"left:{self.text}"

    def viewers_behind(self) -> set[Session]:
        """Those who have not taken yet what they were shown of this tile."""
        return {
            viewer
            for viewer in self.viewers
            if viewer.outbox.waits(self.key) or viewer.outbox.waits(self.left_key)
        }

    def enter(self, courier: bytes, packed: bytes) -> None:
        """He is here, at this position."""
        self.inside.add(courier)
        self.changed[courier] = packed
        self.left.discard(courier)

    def leave(self, courier: bytes) -> None:
        """He is here no longer."""
        self.inside.discard(courier)
        self.changed.pop(courier, None)
        self.left.add(courier)


class Viewports:
    """All tiles that anybody here has in view."""

    def __init__(self, nearest: NearestIndex, duties: DutyBoard) -> None:
        self._nearest = nearest
        self._duties = duties
        self._tiles: dict[int, dict[int, Tile]] = {TILE_RES: {}, WIDE_TILE_RES: {}}
        self._inside: dict[int, dict[bytes, Tile]] = {TILE_RES: {}, WIDE_TILE_RES: {}}  # courier -> his tile
        self._stirred: set[Tile] = set()

    def __len__(self) -> int:
        return sum(map(len, self._tiles.values()))

    def look(self, session: Session, cells: Iterable[str]) -> dict[str, object]:
        """From now on the session sees these tiles and no others; everybody who is in them now.  BadCell."""
        wanted = frozenset(map(parse_tile, cells))
        for cell in session.tiles - wanted:
            self._turn_away(session, cell)
        for cell in wanted - session.tiles:
            self._watch(session, cell)
        session.tiles = wanted
        return {"couriers": self._rows(self._nearest.in_cells(wanted))}

    def forget(self, session: Session) -> None:
        """The session sees nothing any more."""
        for cell in session.tiles:
            self._turn_away(session, cell)
        session.tiles = frozenset()

    def _watch(self, session: Session, cell: int) -> None:
        res = resolution(cell)
        tile = self._tiles[res].get(cell)
        if tile is None:
            tile = self._tiles[res][cell] = Tile(cell)
            packed = self._nearest.in_cells((cell,)).tobytes()
            tile.inside.update(packed[at : at + ID_SIZE] for at in range(0, len(packed), POSITION_SIZE))
            self._inside[res].update(dict.fromkeys(tile.inside, tile))
        tile.viewers.add(session)

    def _turn_away(self, session: Session, cell: int) -> None:
        res = resolution(cell)
        tile = self._tiles[res][cell]
        tile.viewers.discard(session)
        session.outbox.forget(tile.key)
        session.outbox.forget(tile.left_key)
        if not tile.viewers:
            del self._tiles[res][cell]
            self._stirred.discard(tile)
            for courier in tile.inside:
                del self._inside[res][courier]

    def follow(self, batch: Batch, packed: bytes) -> None:
        """Take in new positions; `packed` are the bytes of `batch`."""
        for res, tiles in self._tiles.items():
            if not tiles:
                continue
            inside = self._inside[res]
            for index, cell in enumerate(ancestors(batch["cell"], res).tolist()):
                position = packed[index * POSITION_SIZE : (index + 1) * POSITION_SIZE]
                courier = position[:ID_SIZE]
                before, tile = inside.get(courier), tiles.get(cell)
                if before is not None and before is not tile:
                    del inside[courier]
                    before.leave(courier)
                    self._stirred.add(before)
                if tile is not None:
                    inside[courier] = tile
                    tile.enter(courier, position)
                    self._stirred.add(tile)

    def vanish(self, courier_ids: Iterable[UUID]) -> None:
        """These couriers are gone: off the map."""
        for courier_id in courier_ids:
            for inside in self._inside.values():
                tile = inside.pop(courier_id.bytes, None)
                if tile is not None:
                    tile.leave(courier_id.bytes)
                    self._stirred.add(tile)

    def duty_changed(self, courier_id: UUID) -> None:
        """He is busy now, or free again: that shows although he has not moved."""
        for inside in self._inside.values():
            tile = inside.get(courier_id.bytes)
            position = None if tile is None else self._nearest.get(courier_id)
            if tile is not None and position is not None:
                tile.enter(courier_id.bytes, position.pack())
                self._stirred.add(tile)

    def beat(self) -> None:
        """Show what changed since the last beat: in all tiles who left, then who is where."""
        stirred, self._stirred = self._stirred, set()
        behind = {tile: tile.viewers_behind() for tile in stirred}
        for tile in stirred:
            if tile.left:
                frame = _positions(tile, [], left=[str(UUID(bytes=courier)) for courier in tile.left])
                for viewer in tile.viewers - behind[tile]:
                    viewer.show(tile.left_key, frame)
        for tile in stirred:
            if tile.changed:
                batch = np.frombuffer(b"".join(tile.changed.values()), POSITION_DTYPE)
                frame = _positions(tile, self._rows(batch))
                for viewer in tile.viewers - behind[tile]:
                    viewer.show(tile.key, frame)
            if behind[tile]:
                whole = _positions(tile, self._rows(self._nearest.in_cells((tile.cell,))), whole=True)
                for viewer in behind[tile]:
                    viewer.show(tile.key, whole)
            tile.changed = {}
            tile.left = set()

    def _rows(self, batch: Batch) -> list[Row]:
        packed = batch.tobytes()
        rows: list[Row] = []
        for index, (lat_e7, lng_e7, bearing_cdeg, flags, fix_time_ms, received_at_ms) in enumerate(
            batch[["lat_e7", "lng_e7", "bearing_cdeg", "flags", "fix_time_ms", "received_at_ms"]].tolist()
        ):
            courier_id = UUID(bytes=packed[index * POSITION_SIZE : index * POSITION_SIZE + ID_SIZE])
            busy = self._duties.of(courier_id) is not None
            rows.append(
                [
                    str(courier_id),
                    round(lat_e7 / DEGREES_TO_INT, 6),
                    round(lng_e7 / DEGREES_TO_INT, 6),
                    None if bearing_cdeg == UNKNOWN_U16 else round(bearing_cdeg / 100),
                    "busy" if busy else "free" if flags & AVAILABLE else "off",
                    fix_time_ms,
                    received_at_ms,
                ]
            )
        return rows


def _positions(
    tile: Tile, couriers: list[Row], *, left: list[str] | None = None, whole: bool = False
) -> bytes:
    """The event `positions` of one tile."""
    payload: dict[str, object] = {"tile": tile.text, "couriers": couriers, "left": left or []}
    if whole:
        payload["whole"] = True
    return text_frame(encode_frame(VIEWPORT, "positions", payload))
