"""The newest position of every courier, in a real Redis."""

import asyncio
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from redis.asyncio import Redis

from server.geo.cells import cell_of, cell_text, region_tag
from server.geo.courier_index import CourierIndex, LiveStateAway, Placed
from server.geo.position import Position

NOW_MS = 1_795_435_200_000
HELSINKI = (60.1699, 24.9384)
NEXT_STREET = (60.1750, 24.9384)
TALLINN = (59.4370, 24.7536)
ANNA, BEN = UUID(int=0xA << 100 | 1), UUID(int=0xB << 100 | 2)


def a_position(place=HELSINKI, courier_id=ANNA, *, at_s=0, owner=1, **rest):
    lat, lng = place
    fix_time_ms = NOW_MS + 1000 * at_s
    return Position(
        courier_id=courier_id,
        lat=lat,
        lng=lng,
        fix_time_ms=fix_time_ms,
        received_at_ms=fix_time_ms + 200,
        cell=cell_of(lat, lng),
        owner=owner,
        **rest,
    )


@pytest.fixture
def index(redis_client):
    return CourierIndex(redis_client, partitions=4)


async def cells_of(redis: Redis, courier_id: UUID) -> set[str]:
    """The cells in whose sets the courier stands."""
    keys = [key async for key in redis.scan_iter("*:cell:*")]
    return {key.decode().rsplit(":", 1)[1] for key in keys if await redis.sismember(key, courier_id.bytes)}


def cell_at(place) -> str:
    return cell_text(cell_of(*place))


async def loaded(index: CourierIndex) -> dict[bytes, int]:
    """fix_time by courier, newest first seen wins, as an index in a process keeps it."""
    newest: dict[bytes, int] = {}
    async for batch in index.load():
        assert isinstance(batch, np.ndarray)
        for row in batch:
            courier = row["courier_hi"].tobytes() + row["courier_lo"].tobytes()
            newest[courier] = max(newest.get(courier, 0), int(row["fix_time_ms"]))
    return newest


async def test_a_placed_courier_is_found_in_his_cell_and_by_his_id(index, redis_client):
    here = a_position(accuracy_m=5.0, bearing_deg=90.0, duty_mark=3)
    assert await index.place([here]) == [Placed.PLACED]
    assert await index.last(ANNA) == here
    assert await cells_of(redis_client, ANNA) == {cell_at(HELSINKI)}


async def test_an_unknown_courier_has_no_last_position(index):
    assert await index.last(BEN) is None


async def test_moving_leaves_the_old_cell(index, redis_client):
    await index.place([a_position()])
    assert await index.place([a_position(NEXT_STREET, at_s=4)]) == [Placed.PLACED]
    assert await cells_of(redis_client, ANNA) == {cell_at(NEXT_STREET)}


async def test_an_older_fix_changes_nothing(index, redis_client):
    newest = a_position(NEXT_STREET, at_s=4)
    await index.place([newest])
    assert await index.place([a_position(at_s=0)]) == [Placed.OLDER]
    assert await index.last(ANNA) == newest
    assert await cells_of(redis_client, ANNA) == {cell_at(NEXT_STREET)}


async def test_an_older_owner_is_replaced_however_new_his_fix(index):
    await index.place([a_position(owner=8)])
    assert await index.place([a_position(NEXT_STREET, at_s=60, owner=7)]) == [Placed.REPLACED]
    assert (await index.last(ANNA)).owner == 8


async def test_a_phone_without_a_socket_competes_by_time_and_keeps_the_owner(index):
    await index.place([a_position(owner=8)])
    assert await index.place([a_position(NEXT_STREET, at_s=4, owner=0)]) == [Placed.PLACED]
    assert (await index.last(ANNA)).owner == 8
    assert await index.place([a_position(at_s=2, owner=0)]) == [Placed.OLDER]
    assert await index.place([a_position(at_s=5, owner=7)]) == [Placed.REPLACED]


async def test_an_unavailable_courier_stands_in_no_cell(index, redis_client):
    await index.place([a_position(available=False)])
    assert await cells_of(redis_client, ANNA) == set()
    await index.place([a_position(available=True)])
    assert await cells_of(redis_client, ANNA) == {cell_at(HELSINKI)}
    await index.place([a_position(available=False)])
    assert await cells_of(redis_client, ANNA) == set()
    assert (await index.last(ANNA)).available is False


async def test_the_answers_stand_in_the_order_of_the_question(index):
    await index.place([a_position(at_s=9), a_position(TALLINN, BEN, owner=5)])
    assert region_tag(cell_of(*HELSINKI)) != region_tag(cell_of(*TALLINN))
    asked = [
        a_position(TALLINN, BEN, at_s=1, owner=4),
        a_position(at_s=8),
        a_position(courier_id=UUID(int=3)),
    ]
    assert await index.place(asked) == [Placed.REPLACED, Placed.OLDER, Placed.PLACED]


async def test_more_couriers_than_one_script_takes(index):
    crowd = [a_position(courier_id=UUID(int=n + 1)) for n in range(600)]
    assert set(await index.place(crowd)) == {Placed.PLACED}
    assert len(await loaded(index)) == 600


async def test_crossing_into_another_region_leaves_the_first(index, redis_client):
    await index.place([a_position()])
    there = a_position(TALLINN, at_s=7_200)
    assert await index.place([there]) == [Placed.PLACED]
    assert await cells_of(redis_client, ANNA) == {cell_at(TALLINN)}
    assert await index.last(ANNA) == there
    assert await loaded(index) == {ANNA.bytes: there.fix_time_ms}


async def test_an_older_owner_cannot_bring_a_courier_back_over_the_border(index, redis_client):
    await index.place([a_position(owner=7)])
    await index.place([a_position(TALLINN, at_s=7_200, owner=8)])
    assert await index.place([a_position(at_s=7_300, owner=7)]) == [Placed.REPLACED]
    assert await cells_of(redis_client, ANNA) == {cell_at(TALLINN)}


async def test_a_courier_may_come_back_himself(index, redis_client):
    await index.place([a_position()])
    await index.place([a_position(TALLINN, at_s=7_200)])
    home = a_position(at_s=14_400)
    assert await index.place([home]) == [Placed.PLACED]
    assert await index.last(ANNA) == home
    assert await cells_of(redis_client, ANNA) == {cell_at(HELSINKI)}


async def test_each_claim_is_greater_than_all_before(index):
    first, second = await index.claim(ANNA), await index.claim(ANNA)
    assert first < second
    assert await index.owners([ANNA, BEN]) == {ANNA: second}


async def test_claims_grow_even_over_a_redis_that_lost_everything(index, redis_client):
    before = await index.claim(ANNA)
    await redis_client.flushall()
    assert await index.claim(ANNA) > before


async def test_the_silent_are_swept_once(index, redis_client):
    await index.place([a_position(at_s=-200), a_position(TALLINN, BEN)])
    gone_after_ms = 120_000
    assert await index.sweep(NOW_MS, gone_after_ms) == [ANNA]
    assert await index.sweep(NOW_MS, gone_after_ms) == []
    assert await cells_of(redis_client, ANNA) == set()
    assert await index.last(ANNA) is None
    assert (await index.last(BEN)) is not None


async def test_a_sweep_takes_a_crowd_and_the_notes_at_borders_in_silence(index):
    await index.place([a_position(courier_id=UUID(int=n + 1)) for n in range(600)])
    await index.place([a_position(TALLINN, UUID(int=1), at_s=600)])
    gone = await index.sweep(NOW_MS + 700_000, 120_000)
    assert len(gone) == 599
    assert UUID(int=1) not in gone


async def test_a_loss_is_noticed_and_everybody_can_be_put_again(index, redis_client):
    await index.place([a_position()])
    await index.look_for_loss()
    assert index.lost_regions == set()
    await redis_client.flushall()
    await index.look_for_loss()
    assert index.lost_regions == {region_tag(cell_of(*HELSINKI))}
    await index.place([a_position()])
    assert await index.last(ANNA) == a_position()


async def test_a_loss_is_noticed_by_the_next_fix_of_anybody(index, redis_client):
    await index.place([a_position()])
    await redis_client.flushall()
    await index.place([a_position(courier_id=BEN)])
    assert index.lost_regions == {region_tag(cell_of(*HELSINKI))}


async def test_a_server_that_forgot_the_scripts_is_sent_them_again(index, redis_client):
    await index.place([a_position()])
    await redis_client.script_flush()
    assert await index.place([a_position(at_s=1)]) == [Placed.PLACED]


async def test_bytes_of_another_release_are_passed_over(index, redis_client):
    here = a_position()
    await index.place([here])
    key = f"{{{region_tag(here.cell)}}}:pos"
    await redis_client.hset(key, BEN.bytes, b"a longer form, of the release after next".ljust(80))
    assert await loaded(index) == {ANNA.bytes: here.fix_time_ms}
    assert await index.place([replace(here, courier_id=BEN)]) == [Placed.PLACED]


async def test_a_redis_that_went_away_is_our_error(index, valkey, tmp_path):
    nobody = Redis.from_url(f"unix://{tmp_path}/nobody", socket_timeout=1)
    away = CourierIndex(nobody, partitions=4)
    for call in (away.place([a_position()]), away.claim(ANNA), away.last(ANNA), away.sweep(NOW_MS, 1)):
        with pytest.raises(LiveStateAway):
            await call


async def test_only_who_looks_for_loss_waits_for_a_redis_that_hangs(index, redis_client, redis_url):
    async with Redis.from_url(redis_url) as other:
        index.is_away = True
        await redis_client.ping()  # a connection that waits, not one that has yet to be made
        await other.execute_command("CLIENT", "PAUSE", "100", "ALL")
        looking = asyncio.create_task(index.look_for_loss())
        await asyncio.sleep(0)
        with pytest.raises(LiveStateAway):
            await index.place([a_position()])
        assert not looking.done()
        await looking
        assert await index.place([a_position()]) == [Placed.PLACED]
