"""Delivery areas as they are kept (table `merchant_areas`): all SQL about them, and each process's parsed ones."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.errors import NotFound, Refused
from server.geo.areas import Area, Drawing, area_of
from server.orders.hours import Hours

# Parsed areas a process keeps: a thousand merchants' worth, at about 20 KB for a detailed one.
MAX_PARSED = 4_000


class AreaNotFound(NotFound):
    """The merchant has no delivery area of this id."""

    code = "area_not_found"


class AreaChanged(Refused):
    """Somebody else has changed the delivery area since you saw it; `area` is what it is now."""

    code = "area_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryArea:
    """Where a merchant delivers to, at which hours (none: all) and for which fee (none: the merchant's)."""

    id: UUID
    merchant_id: UUID
    name: str
    area: Area
    hours: Hours | None = None
    delivery_fee_minor: int | None = None
    drawn_by: UUID
    version: int = 1
    active: bool = True


class ParsedAreas:
    """The geometries a process has parsed, by area and version; the longest unused go first."""

    def __init__(self, most: int = MAX_PARSED) -> None:
        self._most = most
        self._parsed: OrderedDict[tuple[UUID, int], Area] = OrderedDict()

    def get(self, area_id: UUID, version: int) -> Area | None:
        """The area, if it is kept."""
        found = self._parsed.get((area_id, version))
        if found is not None:
            self._parsed.move_to_end((area_id, version))
        return found

    def put(self, area_id: UUID, version: int, area: Area) -> None:
        """Keep the area."""
        self._parsed[area_id, version] = area
        if len(self._parsed) > self._most:
            self._parsed.popitem(last=False)


# One for the process: an area at a version never changes, so no two stores can disagree.  (Who writes an area must not
# read it in the same transaction: rolled back, that version would come again with another polygon.)
_PARSED = ParsedAreas()

_COLUMNS = "id, merchant_id, name, hours, delivery_fee_minor, drawn_by, version, active"
# For the one query by which an order is checked (merchants.py): the active areas of the merchant `m`, without polygons.
ACTIVE_AREAS_OF_M = (
    "(SELECT jsonb_agg(jsonb_build_object('id', a.id, 'merchant_id', a.merchant_id, 'name', a.name, 'hours', a.hours,"
    " 'delivery_fee_minor', a.delivery_fee_minor, 'drawn_by', a.drawn_by, 'version', a.version, 'active', a.active))"
    " FROM merchant_areas a WHERE a.merchant_id = m.id AND a.active)"
)


class AreaStore:
    """Reads and writes delivery areas on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any, parsed: ParsedAreas = _PARSED) -> None:
        self._connection = connection
        self._parsed = parsed

    async def of_merchant(self, merchant_id: UUID) -> list[DeliveryArea]:
        """All areas of the merchant, oldest first; inactive ones too."""
        return await self.with_polygons(
            await self._connection.fetch(
                f"SELECT {_COLUMNS} FROM merchant_areas WHERE merchant_id = $1 ORDER BY id", merchant_id
            )
        )

    async def get(self, merchant_id: UUID, area_id: UUID) -> DeliveryArea:
        """The area; AreaNotFound."""
        rows = await self._connection.fetch(
            f"SELECT {_COLUMNS} FROM merchant_areas WHERE merchant_id = $1 AND id = $2", merchant_id, area_id
        )
        areas = await self.with_polygons(rows)
        if not areas:
            raise AreaNotFound
        return areas[0]

    async def put(self, area: DeliveryArea, now: datetime) -> None:
        """Store the area, new or at its next version; the merchant's row is locked by whoever calls."""
        await self._connection.execute(
            "INSERT INTO merchant_areas"
            " (id, merchant_id, name, polygon, hours, delivery_fee_minor, drawn_by, version, active, updated_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO UPDATE SET"
            " name = excluded.name, polygon = excluded.polygon, hours = excluded.hours,"
            " delivery_fee_minor = excluded.delivery_fee_minor, drawn_by = excluded.drawn_by,"
            " version = excluded.version, active = excluded.active, updated_at = excluded.updated_at",
            area.id,
            area.merchant_id,
            area.name,
            area.area.drawing(),
            None if area.hours is None else msgspec.to_builtins(area.hours),
            area.delivery_fee_minor,
            area.drawn_by,
            area.version,
            area.active,
            now,
        )

    async def delete(self, area_id: UUID) -> None:
        """Forget the area."""
        await self._connection.execute("DELETE FROM merchant_areas WHERE id = $1", area_id)

    async def with_polygons(self, rows: Sequence[Mapping[str, Any]]) -> list[DeliveryArea]:
        """The areas of `rows`; polygons are read only where this process has not parsed them yet."""
        parsed: dict[UUID, Area] = {}
        unknown = []
        for row in rows:
            area_id = _uuid(row["id"])
            known = self._parsed.get(area_id, row["version"])
            if known is None:
                unknown.append(area_id)
            else:
                parsed[area_id] = known
        if unknown:
            for found in await self._connection.fetch(
                "SELECT id, version, polygon FROM merchant_areas WHERE id = ANY($1::uuid[])", unknown
            ):
                area = area_of(msgspec.convert(found["polygon"], Drawing))
                self._parsed.put(found["id"], found["version"], area)
                parsed[found["id"]] = area
        # One that went away between the two readings is no longer there.
        return [_area(row, parsed[_uuid(row["id"])]) for row in rows if _uuid(row["id"]) in parsed]


def _area(row: Mapping[str, Any], parsed: Area) -> DeliveryArea:
    return DeliveryArea(
        id=_uuid(row["id"]),
        merchant_id=_uuid(row["merchant_id"]),
        name=row["name"],
        area=parsed,
        hours=None if row["hours"] is None else msgspec.convert(row["hours"], Hours),
        delivery_fee_minor=row["delivery_fee_minor"],
        drawn_by=_uuid(row["drawn_by"]),
        version=row["version"],
        active=row["active"],
    )


def _uuid(value: Any) -> UUID:
    """An id out of a column, or out of a JSON value."""
    return value if isinstance(value, UUID) else UUID(value)
