"""Couriers who ride: each does what he hears on `courier:<id>`, and sends his fixes over the same socket.

One agenda moves them all; a rider's own task only keeps his socket and waits for answers.  He reports each step as he
takes it; where a bag changes hands he is told a code at the door (doors.py).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Any

from server.errors import TrackingError
from server.simulator.phone import Phone
from server.simulator.plane import Place
from server.simulator.ride import Gps, Ride, cruising_speed_mps
from server.simulator.routes import Route
from server.simulator.world import World
from server.wire.answers import ClosedForGood, RequestRefused, Unreachable
from server.wire.client import Client
from server.wire.server_frames import ServerFrame

# Where there is nothing to do he moves on after a while, to some other corner.
LINGER_S = (20.0, 240.0)
# Until he has looked at his phone.
TAKE_S = (1.0, 10.0)
HAND_OVER_S = (20.0, 75.0)
# About one tunnel, lift or cellar in forty minutes of riding; the phone keeps its fixes and sends them after.
TUNNELS_PER_FIX = 1 / 600
TUNNEL_S = (15.0, 60.0)
# The server said no to a pickup or a delivery: he asks again after a while, if the order is still his.
REPORT_AGAIN_S = 30.0


class Doing(StrEnum):
    """What a rider is doing."""

    WAITING = "waiting"  # for work: strolling, or standing at a corner
    TO_PICKUP = "to_pickup"
    AT_PICKUP = "at_pickup"
    TO_DROPOFF = "to_dropoff"
    AT_DROPOFF = "at_dropoff"
    TO_RETURN = "to_return"  # somebody decided that the bag goes back
    AT_RETURN = "at_return"


# What a rider does at the end of his way, and the word by which he reports it; waiting has no end.
ARRIVED = {
    Doing.TO_PICKUP: (Doing.AT_PICKUP, "arrive-at-pickup"),
    Doing.TO_DROPOFF: (Doing.AT_DROPOFF, "arrive-at-dropoff"),
    Doing.TO_RETURN: (Doing.AT_RETURN, "arrive-at-return"),
}
# On which ride he is, by his assignment's leg, and which of his doings belong to it.
RIDES = {
    "to_pickup": (Doing.TO_PICKUP, Doing.AT_PICKUP),
    "to_dropoff": (Doing.TO_DROPOFF, Doing.AT_DROPOFF),
    "to_return": (Doing.TO_RETURN, Doing.AT_RETURN),
}


class Rider:
    """One courier; `keep_socket` is his task, and from then on the agenda moves him."""

    def __init__(self, phone: Phone, world: World) -> None:
        self.doing = Doing.WAITING
        self._phone = phone
        self._world = world
        self._agenda = world.agenda
        self._random = world.random
        self._gps = Gps(world.random)
        self._cruising_mps = cruising_speed_mps(world.random)
        here = world.city.any_corner(world.random)
        self._ride = Ride(Route([here]), self._cruising_mps, world.random)
        # The city's time of the last fix.
        self._looked_s = 0.0
        self._lingers_until_s = 0.0
        self._client: Client | None = None
        self._order: dict[str, Any] | None = None
        # Something about the work has changed, or may have.
        self._heard = asyncio.Event()

    @property
    def topic(self) -> str:
        """His own topic."""
        return f"courier:{self._phone.account.id}"

    async def keep_socket(self) -> None:
        """Sign in, say that he is available, and look at his work whenever the wire says that it changed.

        Ends when somebody else rides under the same account (4010), or the server will not have him any more.
        """
        async with self._phone.socket(self._on_frame, on_connected=self._heard.set) as client:
            self._client = client
            self._world.tally.couriers += 1
            self._looked_s = self._agenda.now_s()
            self._agenda.after(self._random.uniform(0.0, self._fix_every_s()), self._step)
            self._world.start(self._wake_at_the_end_of(client))
            try:
                while True:
                    await self._heard.wait()
                    self._heard.clear()
                    await self._look_at_work(client)
            except (ClosedForGood, RequestRefused):
                self._world.tally.gone += 1
            finally:
                self._world.tally.couriers -= 1
                self._client = None

    async def _wake_at_the_end_of(self, client: Client) -> None:
        with suppress(TrackingError):  # the next request says why
            await client.ended()
        self._heard.set()

    # What he hears

    def _on_frame(self, frame: ServerFrame) -> None:
        if frame.topic != self.topic:
            return
        if frame.event == "snapshot" or (frame.event == "changed" and self._is_news(frame.payload)):
            self._heard.set()

    def _is_news(self, changed: dict[str, Any]) -> bool:
        """Whether it is not just his own report coming back: another order, another ride, another address."""
        if changed["entity"] == "order":
            return str(changed["name"]) == "address_corrected"
        fields = changed["fields"]
        same_order = self._order is not None and self._order["id"] == fields.get("order_id")
        return not same_order or self.doing not in RIDES.get(fields.get("leg"), ())

    async def _look_at_work(self, client: Client) -> None:
        """Ask what there is to do: the snapshot of his topic says it whole, with pickup and dropoff."""
        try:
            snapshot = await self._phone.listen(client, self.topic)
            if not snapshot["available"]:
                await client.request(self.topic, "availability", {"available": True})
        except Unreachable:
            self._heard.set()  # the connection ended on the way: ask again over the next
            return
        self._take_up(snapshot)

    def _take_up(self, snapshot: dict[str, Any]) -> None:
        assignment, order = snapshot["assignment"], snapshot["order"]
        if assignment is None or order is None:
            if self._order is not None:
                self._order = None
                self.doing = Doing.WAITING
                self._linger()
            return
        is_new = self._order is None or self._order["id"] != order["id"]
        self._order = order
        rides = RIDES[assignment["leg"]]
        if is_new or self.doing not in rides:
            self._ride_to(rides[0], order["dropoff"] if rides[0] is Doing.TO_DROPOFF else order["merchant"])
        if is_new and assignment["state"] == "assigned":
            take_s = self._random.uniform(*TAKE_S)
            for word in ("take", "confirm-pickup", "set-off"):
                self._agenda.after(take_s, self._step_told(word))
                take_s += 1.0

    # What he does

    def _step(self) -> None:
        """Ride on since the last fix, tell the fix, and do what comes at the end of the way."""
        client = self._client
        if client is None:
            return
        now_s = self._agenda.now_s()
        elapsed_s, self._looked_s = now_s - self._looked_s, now_s
        self._ride.advance(elapsed_s)
        place, bearing_deg = self._ride.place()
        # What a phone measures is how fast it moves in our time.
        speed_mps = self._ride.speed_mps * self._agenda.speed
        fix = self._gps.fix(place, bearing_deg, speed_mps, fix_time_ms=self._world.clock.now_ms())
        client.send_fixes(self._phone.account.id, [fix])
        if self._ride.has_arrived:
            self._arrive(now_s)
        elif self._random.random() < TUNNELS_PER_FIX:
            client.go_offline()
            self._agenda.after(self._random.uniform(*TUNNEL_S), client.go_online)
        self._agenda.at(now_s + self._fix_every_s(), self._step)

    def _arrive(self, now_s: float) -> None:
        if self.doing is Doing.WAITING:
            if now_s >= self._lingers_until_s:
                self._ride_to_place(self._world.city.any_corner(self._random))
                self._linger()
            return
        if self.doing not in ARRIVED:
            return
        self.doing, word = ARRIVED[self.doing]
        self._step_told(word)()
        if self.doing is Doing.AT_PICKUP:
            self._agenda.after(self._food_ready_in_s(), self._report("pick-up", self._pickup))
        elif self.doing is Doing.AT_DROPOFF:
            self._agenda.after(self._random.uniform(*HAND_OVER_S), self._report("deliver", self._delivery))
        else:
            self._agenda.after(self._random.uniform(*HAND_OVER_S), self._report("hand-back", _nothing))

    def _step_told(self, word: str) -> Callable[[], None]:
        """An act for the agenda: report a step that nobody waits for; refused, it does not matter any more."""
        order_id = None if self._order is None else self._order["id"]

        def act() -> None:
            if self._order is not None and self._order["id"] == order_id:
                self._world.start(self._tell_step(f"/orders/{order_id}/{word}"))

        return act

    async def _tell_step(self, path: str) -> None:
        with suppress(RequestRefused):
            await self._phone.command(path, {})

    def _report(
        self, word: str, saying: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
    ) -> Callable[[], None]:
        """An act for the agenda: tell the server, unless his work has become another meanwhile."""
        order, while_doing = self._order, self.doing

        def act() -> None:
            same = self._order is not None and order is not None and self._order["id"] == order["id"]
            if same and order is not None and self.doing is while_doing:
                self._world.start(self._tell(order, word, saying, act))

        return act

    async def _tell(
        self,
        order: dict[str, Any],
        word: str,
        saying: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]],
        again: Callable[[], None],
    ) -> None:
        try:
            await self._phone.command(f"/orders/{order['id']}/{word}", await saying(order))
        except RequestRefused:
            self._world.tally.refused += 1
            self._agenda.after(REPORT_AGAIN_S, again)
        self._heard.set()  # also without a frame about it: what is there to do now?

    async def _pickup(self, order: dict[str, Any]) -> dict[str, Any]:
        """What he says at the counter, with the code that is told him there."""
        code = await self._world.doors.ask_at_counter(order["merchant_id"], order["id"])
        return {} if code is None else {"code": code}

    async def _delivery(self, order: dict[str, Any]) -> dict[str, Any]:
        """What he says at the door, with the code that is told him there."""
        code = await self._world.doors.ask_at_home(order["id"])
        return {} if code is None else {"proof": {"code": code}}

    def _food_ready_in_s(self) -> float:
        """Seconds of the city's time until the kitchen's word is up; it speaks of our time."""
        order = self._order or {}
        accepted_at = order.get("accepted_at")
        preparation_s = float(order.get("preparation_s") or 0)
        if accepted_at is None:
            return 0.0
        since_s = (self._world.clock.now() - datetime.fromisoformat(accepted_at)).total_seconds()
        return max(preparation_s - since_s, 0.0) * self._agenda.speed + self._random.uniform(5.0, 20.0)

    def _ride_to(self, doing: Doing, end: dict[str, Any] | None) -> None:
        self.doing = doing
        if end is not None:
            self._ride_to_place(Place(end["lat"], end["lng"]))

    def _ride_to_place(self, there: Place) -> None:
        here, _ = self._ride.place()
        self._ride = Ride(self._world.city.router.route(here, there), self._cruising_mps, self._random)

    def _linger(self) -> None:
        self._lingers_until_s = self._agenda.now_s() + self._random.uniform(*LINGER_S)

    def _fix_every_s(self) -> float:
        """In the city's time: phones do not send more often because the city is in a hurry."""
        return self._world.fix_every_s * self._agenda.speed


async def _nothing(order: dict[str, Any]) -> dict[str, Any]:
    return {}
