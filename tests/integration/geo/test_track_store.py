"""Tracks in a real PostgreSQL."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from server.clock import to_ms
from server.geo.track import pack_fix
from server.geo.track_store import TrackStore
from server.storage.database import DatabaseUnavailable
from server.wire.messages import Fix

ANNA, BEN = UUID(int=1), UUID(int=2)
MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def packed(moment, lat=60.1699):
    fix = Fix(lat, 24.9384, to_ms(moment))
    return pack_fix(fix, bearing_deg=None, speed_mps=None, received_at_ms=to_ms(moment) + 250)


async def moments(store, courier_id, begin, end):
    return [fix.fix_time_ms - to_ms(MIDNIGHT) for fix in await store.read(courier_id, begin, end)]


async def test_a_track_is_read_in_order_over_midnight_and_for_the_time_asked(database):
    store = TrackStore(database)
    around = [packed(MIDNIGHT + timedelta(seconds=s)) for s in (-2, 1, -1, 0)]
    await store.append([(ANNA, around), (BEN, around[:1])], stored_at=MIDNIGHT)
    await store.append([(ANNA, [packed(MIDNIGHT + timedelta(seconds=2))])], stored_at=MIDNIGHT)
    assert await moments(store, ANNA, MIDNIGHT - MINUTE, MIDNIGHT + MINUTE) == [-2000, -1000, 0, 1000, 2000]
    assert await moments(store, ANNA, MIDNIGHT, MIDNIGHT + timedelta(seconds=2)) == [0, 1000]
    assert await moments(store, ANNA, MIDNIGHT - timedelta(seconds=1), MIDNIGHT) == [-1000]
    assert await moments(store, BEN, MIDNIGHT - MINUTE, MIDNIGHT + MINUTE) == [-2000]


async def test_a_time_in_the_middle_of_a_chunk_is_found(database):
    store = TrackStore(database)
    hour = [packed(MIDNIGHT + timedelta(hours=3, seconds=s)) for s in range(3_600)]
    await store.append([(ANNA, hour)], stored_at=MIDNIGHT)
    begin = MIDNIGHT + timedelta(hours=3, minutes=30)
    assert len(await store.read(ANNA, begin, begin + MINUTE)) == 60


async def test_a_day_has_its_own_partition(database):
    store = TrackStore(database)
    for days in (0, 1, 1):
        await store.append([(ANNA, [packed(MIDNIGHT + timedelta(days=days))])], stored_at=MIDNIGHT)
    tables = await database.fetch(
        "SELECT DISTINCT tableoid::regclass::text AS name FROM track_chunks ORDER BY 1"
    )
    assert [row["name"] for row in tables] == ["track_chunks_20261124", "track_chunks_20261125"]
    assert await database.fetchval("SELECT drop_track_days('2026-11-25')") == 1
    await store.append([(ANNA, [packed(MIDNIGHT)])], stored_at=MIDNIGHT)  # a late fix of an archived day


async def test_an_archived_day_is_an_empty_track(database):
    assert await TrackStore(database).read(ANNA, MIDNIGHT, MIDNIGHT + MINUTE) == []


async def test_a_database_that_went_away_is_our_error(database):
    database.terminate()
    with pytest.raises(DatabaseUnavailable):
        await TrackStore(database).append([(ANNA, [packed(MIDNIGHT)])], stored_at=MIDNIGHT)
