"""Packed messages between processes: what goes in comes out, and foreign bytes come to nothing."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from server.geo.position import POSITION_SIZE, Position, unpack
from server.geo.position_messages import (
    PARTITIONS,
    Claim,
    Kind,
    channel_name,
    pack_batch,
    pack_claim,
    pack_ids,
    pack_message,
    partition_of,
    read_batch,
    read_claim,
    read_ids,
    read_message,
)

uuids = st.uuids()


def a_position(courier_id, at_s=0):
    return Position(
        courier_id=courier_id,
        lat=60.1699,
        lng=24.9384,
        fix_time_ms=1_000 * at_s,
        received_at_ms=1_000 * at_s + 1,
        cell=0x891126D33A7FFFF,
        owner=7,
    )


@given(st.lists(uuids, max_size=20))
def test_a_batch_comes_back(courier_ids):
    positions = [a_position(courier_id, place) for place, courier_id in enumerate(courier_ids)]
    message = read_message(pack_message(Kind.POSITIONS, pack_batch(positions), now_ms=5))
    assert (message.kind, message.published_at_ms) == (Kind.POSITIONS, 5)
    rows = read_batch(message.body)
    assert [unpack(row.tobytes()) for row in rows] == positions


@given(st.lists(uuids, max_size=20), uuids, st.integers(0, 2**53))
def test_ids_and_claims_come_back(courier_ids, courier_id, owner):
    assert read_ids(pack_ids(courier_ids)) == courier_ids
    assert read_claim(pack_claim(Claim(courier_id, owner))) == Claim(courier_id, owner)


def test_positions_of_another_release_are_left_out():
    known, other = a_position(UUID(int=1)).pack(), bytearray(a_position(UUID(int=2)).pack())
    other[63] = 9
    assert len(read_batch(known + bytes(other) + known)) == 2


@given(st.binary(max_size=3 * POSITION_SIZE))
def test_foreign_bytes_are_nothing_rather_than_an_error(data):
    message = read_message(data)
    if message is not None:
        read_batch(message.body)
        read_ids(message.body)
        read_claim(message.body)


def test_couriers_spread_over_all_partitions():
    partitions = {partition_of(UUID(int=number)) for number in range(1_000)}
    assert partitions == set(range(PARTITIONS))
    assert channel_name(17) == "{p:17}:positions"
