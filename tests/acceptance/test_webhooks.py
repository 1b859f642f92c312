"""Webhooks of a started server: each change arrives, whatever is killed, and what came twice has one id."""

import asyncio
import os
import signal
from collections import defaultdict
from pathlib import Path

import orjson

from tests.integration.notify.receiver import Receiver, receiving
from tests.started import StartedServer, started_server

ORDERS = 12
WITHIN_S = 90.0  # a try that was cut off is made again after 20 s
OWN_NETWORK = {"SONGDA_WEBHOOK_ALLOW_HTTP": "yes", "SONGDA_WEBHOOK_ALLOW_PRIVATE": "yes"}


def ids_by_order(receiver: Receiver) -> dict[str, set[str]]:
    """Under which webhook-ids each order was told of as placed."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for one in receiver.received:
        if one.type == "order.placed":
            found[orjson.loads(one.body)["data"]["order_id"]].add(one.id)
    return found


async def test_processes_are_killed_while_orders_come_in_and_each_order_is_told_of(tmp_path: Path):
    with started_server(tmp_path, workers=2, **OWN_NETWORK) as server:
        async with receiving() as receiver:
            placed = await asyncio.to_thread(_a_shop, server, receiver)
            receiver.hold = asyncio.Event()  # so that somebody surely dies while a receiver thinks
            orders = [await asyncio.to_thread(placed)]
            await asyncio.wait_for(receiver.came.wait(), WITHIN_S)
            kill(server.worker_pids())
            receiver.hold.set()
            receiver.hold = None
            for number in range(1, ORDERS):
                orders.append(await asyncio.to_thread(placed))
                if number % 4 == 0:
                    kill(server.worker_pids()[:1])

            async with asyncio.timeout(WITHIN_S):
                while set(orders) - set(ids_by_order(receiver)) or _count(receiver, orders[0]) < 2:
                    await asyncio.sleep(0.1)
    told = ids_by_order(receiver)
    assert set(orders) <= set(told)  # one whose answer was lost with its worker may be there as well
    assert [ids for ids in told.values() if len(ids) != 1] == []


def kill(pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def _count(receiver: Receiver, order_id: str) -> int:
    return sum(order_id in one.body.decode() for one in receiver.received)


def _a_shop(server: StartedServer, receiver: Receiver):
    """A merchant with this receiver; comes back with what places an order there and answers its id."""
    merchant = server.merchant()
    kitchen = server.person("merchant", merchant_id=merchant["id"])
    path = f"/api/v1/merchants/{merchant['id']}/webhooks"
    server.call("POST", path, by=kitchen, json={"url": receiver.url})
    customer = server.person("customer")

    def placed() -> str:
        for _ in range(200):  # a worker that was just killed answers nobody
            try:
                return str(server.place_order(customer, merchant)["id"])
            except Exception as error:
                if not isinstance(error, OSError) and "httpx" not in type(error).__module__:
                    raise
        raise AssertionError("no worker takes an order any more")

    return placed
