"""Ten thousand times two dispatchers, mostly on two processes, give one order to two couriers in the same moment."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from server.wire.answers import RequestRefused
from server.wire.rest import RestClient
from tests.started import MARKET_SQUARE, Person, StartedServer, started_server

pytestmark = pytest.mark.long

RACES = 10_000
LANES = 4


class Lane:
    """One customer's orders, one after the other, each raced for by the same two couriers."""

    def __init__(self, server: StartedServer, merchant: dict[str, Any], kitchen: Person) -> None:
        self.merchant, self.kitchen = merchant, kitchen
        self.customer, self.dispatcher = server.person("customer"), server.person("dispatcher")
        self.couriers = [server.person("courier") for _ in range(2)]
        # A kept connection each; the kernel gave each to a process of its choice.
        self.rests = [RestClient(server.url, connections=1) for _ in self.couriers]
        self.wins = [0, 0]

    async def race(self) -> None:
        """Exactly one wins; the other is told so; afterwards both are free again."""
        rest = self.rests[0]
        order = await self._post(rest, "/api/v1/orders", self._meal(), self.customer)
        path = f"/api/v1/orders/{order['id']}"
        await self._post(rest, f"{path}/accept", {"preparation_s": 600}, self.kitchen)
        answers = await asyncio.gather(
            *(
                self._post(rest, f"{path}/assign", {"courier_id": courier.id}, self.dispatcher)
                for rest, courier in zip(self.rests, self.couriers, strict=True)
            ),
            return_exceptions=True,
        )
        refusals = [answer for answer in answers if isinstance(answer, BaseException)]
        assert len(refusals) == 1, answers
        assert isinstance(refusals[0], RequestRefused)
        assert refusals[0].code == "order_already_assigned", refusals[0].code
        winner = next(
            number for number, answer in enumerate(answers) if not isinstance(answer, BaseException)
        )
        self.wins[winner] += 1
        seen = await rest.get(path, token=self.dispatcher.token)
        assert seen["assignment"]["courier_id"] == self.couriers[winner].id
        await self._post(rest, f"{path}/cancel", {"reason": "the race is over"}, self.customer)

    async def _post(self, rest: RestClient, path: str, body: Any, by: Person) -> Any:
        return await rest.post(path, body, token=by.token, key=uuid4().hex)

    def _meal(self) -> dict[str, Any]:
        lat, lng = MARKET_SQUARE
        address = {"address": "Katajanokka 5", "lat": lat + 0.009, "lng": lng}
        return {
            "merchant_id": self.merchant["id"],
            "items": [{"item_id": self.merchant["menu"][0]["id"], "quantity": 1}],
            "contact": {"name": "Aino", "phone": "+358401234567", **address},
        }


async def test_of_two_who_are_given_one_order_exactly_one_gets_it(tmp_path: Path, scale: float) -> None:
    with started_server(tmp_path, workers=2) as server:
        merchant = server.merchant()
        kitchen = server.person("merchant", merchant_id=merchant["id"])
        lanes = [Lane(server, merchant, kitchen) for _ in range(LANES)]

        async def run(lane: Lane) -> None:
            for _ in range(round(RACES * scale / LANES)):
                await lane.race()

        async with asyncio.TaskGroup() as tasks:
            for lane in lanes:
                tasks.create_task(run(lane))
        for lane in lanes:
            for rest in lane.rests:
                rest.close()
    print("wins, by courier:", [lane.wins for lane in lanes])
