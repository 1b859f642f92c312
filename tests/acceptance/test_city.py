"""The demo city on a started server: it lives, it is found again, it stops when asked."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from server.simulator.people import Credentials
from server.simulator.run_city import CityOptions, demo_accounts, run_city
from server.wire.client import Client
from tests.started import ROOT, StartedServer, started_server

WITHIN_S = 60
# An hour of the city in 24 s of ours; the server is told to believe such couriers.
FAST = CityOptions(couriers=4, merchants=3, orders_per_hour=6.0, speed=150.0, fix_every_s=0.2)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedServer]:
    """One process that believes couriers in a hurry."""
    with started_server(tmp_path_factory.mktemp("city"), SONGDA_MAX_SPEED_MPS="3000") as started:
        yield started


@asynccontextmanager
async def a_city(server: StartedServer, data_dir: Path) -> AsyncIterator[list[str]]:
    """The city lives while the block runs; yields what it tells."""
    told: list[str] = []
    ready = asyncio.Event()
    chief = Credentials(server.administrator.login, server.administrator.password)
    living = asyncio.create_task(
        run_city(server.url, FAST, chief, data_dir, tell=told.append, on_ready=ready.set)
    )
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({living, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=WITHIN_S)
    try:
        if living.done():
            await living
        yield told
    finally:
        waiting.cancel()
        living.cancel()
        with suppress(asyncio.CancelledError):
            await living


async def token_of(server: StartedServer, account) -> str:
    body = {"login": account.login, "password": account.password}
    said = await asyncio.to_thread(server.call, "POST", "/api/v1/sessions", json=body)
    return said["token"]


async def test_in_the_city_orders_are_placed_carried_and_delivered_and_everybody_sees_it(server, tmp_path):
    async with asyncio.timeout(WITHIN_S), a_city(server, tmp_path):
        demo = demo_accounts(tmp_path)
        assert set(demo) == {"customer", "merchant", "courier", "dispatcher", "service", "operations"}
        dispatcher, customer = (
            await token_of(server, demo["dispatcher"]),
            await token_of(server, demo["customer"]),
        )
        async with Client(server.url, dispatcher) as dispatching, Client(server.url, customer) as eating:
            await dispatching.join("dispatch:all")
            order_id = await the_open_order(server, customer)
            await eating.join(f"order:{order_id}")
            seen = await asyncio.gather(history_of(order_id, dispatching), courier_on_the_way(eating))
    names, positions = seen
    assert names[-1] == "delivered"
    assert names.index("picked_up") < names.index("delivered")
    assert set(names) <= {
        "accepted", "assigned", "pickup_confirmed", "en_route_to_pickup", "arrived_at_pickup", "ready", "ready_late",
        "not_ready", "pickup_late", "picked_up", "en_route_to_dropoff", "arrived_at_dropoff", "promise_broken",
        "delivered",
    }  # fmt: skip
    moments = [position["fix_time"] for position in positions]
    assert moments == sorted(moments)
    assert any("coarse" not in position for position in positions)


async def test_a_second_start_finds_its_people_again(server, tmp_path):
    async with asyncio.timeout(WITHIN_S), a_city(server, tmp_path) as first:
        book = (tmp_path / "simulator.json").read_bytes()
    async with asyncio.timeout(WITHIN_S), a_city(server, tmp_path) as second:
        pass
    assert any("accounts" in sentence for sentence in first)
    assert not any("made" in sentence for sentence in second)
    assert (tmp_path / "simulator.json").read_bytes() == book
    assert (tmp_path / "simulator.json").stat().st_mode & 0o077 == 0


async def test_ctrl_c_ends_it_without_a_traceback(server, tmp_path):
    environment = {
        **os.environ, "SONGDA_DATA": str(tmp_path),
        "SONGDA_ADMINISTRATOR_PASSWORD": server.administrator.password,
    }  # fmt: skip
    reads, writes = os.pipe()
    city = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "sim", "--url", server.url, "--administrator", server.administrator.login,
        "--couriers", "2", "--merchants", "1", "--orders-per-hour", "5", "--ready-fd", str(writes),
        cwd=ROOT, env=environment, pass_fds=[writes], stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    os.close(writes)
    async with asyncio.timeout(WITHIN_S):
        ready = await asyncio.to_thread(os.read, reads, 16)
        os.close(reads)
        city.send_signal(signal.SIGINT)
        said, _ = await city.communicate()
    assert ready == b"ready\n", said.decode()
    assert city.returncode == 130
    assert "Traceback" not in said.decode()


async def the_open_order(server: StartedServer, token: str) -> str:
    """The demo customer's order under way."""
    while True:
        answer = await asyncio.to_thread(
            server.call, "GET", "/api/v1/orders", headers={"Authorization": f"Bearer {token}"}
        )
        for order in answer["orders"]:
            if order["status"] == "pending_acceptance" or order["status"] == "accepted":
                return order["id"]
        await asyncio.sleep(0.05)


async def history_of(order_id: str, client: Client) -> list[str]:
    """What a dispatcher hears of the order until it is delivered."""
    names: list[str] = []
    async for frame in client.frames():
        if frame.event == "changed":
            about = (
                frame.payload["id"]
                if frame.payload["entity"] == "order"
                else frame.payload["fields"]["order_id"]
            )
            if about == order_id:
                names.append(frame.payload["name"])
                if frame.payload["entity"] == "order" and frame.payload["name"] == "delivered":
                    return names
    raise AssertionError("the socket ended before the order did")


async def courier_on_the_way(client: Client) -> list[dict]:
    """The positions a customer is shown until the order is delivered."""
    positions: list[dict] = []
    async for frame in client.frames():
        if frame.event == "position":
            positions.append(frame.payload)
        elif frame.event == "changed" and frame.payload["fields"].get("status") == "delivered":
            return positions
    raise AssertionError("the socket ended before the order did")
