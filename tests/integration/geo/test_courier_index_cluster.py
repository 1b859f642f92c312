"""The position index on a cluster of three nodes: every script keeps to one node's keys, and all nodes are used."""

import asyncio
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import RedisError

from server.geo.cells import cell_of, region_tag
from server.geo.courier_index import CourierIndex, Placed
from server.geo.position import Position
from server.storage.binaries import find_server_binary
from tests.ports import free_port

NOW_MS = 1_795_435_200_000
SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))
SOON_S = 20


class Node:
    """One server of the cluster."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.port, self.bus_port = free_port(), free_port()
        self.process = subprocess.Popen(
            [
                *(
                    str(find_server_binary("valkey-server").path),
                    "--port",
                    str(self.port),
                    "--bind",
                    "127.0.0.1",
                ),
                *("--cluster-enabled", "yes", "--cluster-port", str(self.bus_port), "--dir", str(directory)),
                *("--save", "", "--appendonly", "no"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.client = Redis(host="127.0.0.1", port=self.port)

    async def says(self, *command) -> bytes:
        return await self.client.execute_command(*command)

    async def is_ready(self) -> bool:
        info = await self.says("CLUSTER", "INFO")
        return b"cluster_state:ok" in info and b"cluster_known_nodes:3" in info

    async def is_up(self) -> bool:
        with suppress(RedisError, OSError):
            return bool(await self.client.ping())
        return False


async def all_of(nodes, holds) -> None:
    async with asyncio.timeout(SOON_S):
        while not all([await holds(node) for node in nodes]):
            await asyncio.sleep(0.02)


@pytest.fixture
async def index(tmp_path):
    nodes = [Node(tmp_path / str(number)) for number in range(3)]
    try:
        await all_of(nodes, Node.is_up)
        for node, (first, last) in zip(nodes, SLOTS, strict=True):
            await node.says("CLUSTER", "ADDSLOTSRANGE", first, last)
        for node in nodes[1:]:
            await nodes[0].says("CLUSTER", "MEET", "127.0.0.1", node.port, node.bus_port)
        await all_of(nodes, Node.is_ready)
        cluster = RedisCluster(host="127.0.0.1", port=nodes[0].port)
        yield CourierIndex(cluster, partitions=8)
        await cluster.aclose()
        for node in nodes:
            await node.client.aclose()
    finally:
        for node in nodes:
            node.process.kill()
            node.process.wait()


def a_position(number, lat):
    lng = 24.9384
    return Position(
        courier_id=UUID(int=number),
        lat=lat,
        lng=lng,
        fix_time_ms=NOW_MS,
        received_at_ms=NOW_MS,
        cell=cell_of(lat, lng),
        owner=1,
    )


async def test_all_that_the_index_does_works_on_a_cluster(index):
    couriers = [a_position(number, 30 + number / 5) for number in range(1, 151)]
    assert len({region_tag(courier.cell) for courier in couriers}) > 50
    assert set(await index.place(couriers)) == {Placed.PLACED}
    assert sum([len(batch) async for batch in index.load()]) == 150

    moved = replace(couriers[0], lat=couriers[9].lat, cell=couriers[9].cell, fix_time_ms=NOW_MS + 1)
    assert await index.place([moved]) == [Placed.PLACED]
    assert await index.last(moved.courier_id) == moved
    assert await index.place([couriers[0]]) == [Placed.OLDER]

    owner = await index.claim(moved.courier_id)
    assert await index.owners([courier.courier_id for courier in couriers]) == {moved.courier_id: owner}
    await index.publish(couriers, now_ms=NOW_MS)
    await index.look_for_loss()
    assert index.lost_regions == set()
    assert len(await index.sweep(NOW_MS + 1_000_000, 120_000)) == 150
