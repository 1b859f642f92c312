"""Random histories of orders and couriers against the tables: nothing illegal happens, and no version is missing.

What the tables allow, a plain model of the town allows; everything else must be refused and change nothing.
"""

import asyncio
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from server.dispatch.duties import DutyBoard
from server.dispatch.legs import LEGS, State
from server.errors import TrackingError
from server.orders.lifecycle import TRANSITIONS, Event, Status
from server.storage.database import open_database
from server.storage.unit_of_work import Storage
from tests.fakes import ManualClock
from tests.integration.people import Town, a_town

COURIERS = 3
ORDERS = st.integers(min_value=0, max_value=4)
HANDS = st.integers(min_value=0, max_value=COURIERS - 1)


class Histories(RuleBasedStateMachine):
    """One town an example, in a database emptied for it; each command is checked against what the model says of it."""

    database_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.status: dict[UUID, Status] = {}
        self.carrier: dict[UUID, int] = {}  # order -> which of our couriers

    @initialize()
    def begin(self) -> None:
        self.town: Town = self.runner.run(self._begin())

    async def _begin(self) -> Town:
        self.pool = await open_database(self.database_url, pool_size=2)
        await self.pool.execute("TRUNCATE merchants, accounts, event_log, timers CASCADE")
        clock = ManualClock()
        storage = Storage(self.pool, None, clock)
        town = await a_town(storage, clock)
        for number in range(COURIERS):
            await town.courier(metres_north=100.0 * number)
        return town

    def teardown(self) -> None:
        if hasattr(self, "town"):
            self.runner.run(self._check_log())
            self.runner.run(self.pool.close())
        self.runner.close()

    # --- commands ---

    @rule()
    def place(self) -> None:
        order_id = self.runner.run(self.town.placed())
        self.status[order_id] = Status.PENDING_ACCEPTANCE

    @rule()
    def place_and_accept(self) -> None:
        """What usually happens, so that histories get far enough for what seldom does."""
        self.place()
        self.accept(0)

    @precondition(lambda self: self.carrier)
    @rule()
    def do_the_next_thing(self) -> None:
        """The courier who has had an order longest does what is next with it."""
        order_id, hand = next(iter(self.carrier.items()))
        which = list(reversed(self.status)).index(order_id)
        if self.status[order_id] is Status.ACCEPTED:
            self.pick_up(which, hand)
        else:
            self.deliver(which, hand)

    @precondition(lambda self: self.status)
    @rule(which=ORDERS)
    def accept(self, which: int) -> None:
        order_id = self._order(which)
        self._command(order_id, Event.ACCEPT, self.town.orders.accept(self.town.kitchen, order_id, 600))

    @precondition(lambda self: self.status)
    @rule(which=ORDERS)
    def reject(self, which: int) -> None:
        order_id = self._order(which)
        self._command(order_id, Event.REJECT, self.town.orders.reject(self.town.kitchen, order_id, "no fish"))

    @precondition(lambda self: self.status)
    @rule(which=ORDERS)
    def cancel(self, which: int) -> None:
        order_id = self._order(which)
        if self._command(
            order_id, Event.CANCEL, self.town.orders.cancel(self.town.customer, order_id, "changed")
        ):
            self.carrier.pop(order_id, None)

    @precondition(lambda self: self.status)
    @rule(which=ORDERS, hand=HANDS)
    def assign(self, which: int, hand: int) -> None:
        order_id, courier = self._order(which), self.town.couriers[hand]
        free = order_id not in self.carrier and hand not in self.carrier.values()
        legal = self.status[order_id] is Status.ACCEPTED and free
        if self._try(self.town.dispatch.assign(self.town.dispatcher, order_id, courier.account_id), legal):
            self.carrier[order_id] = hand

    @precondition(lambda self: self.status)
    @rule(which=ORDERS, hand=HANDS)
    def pick_up(self, which: int, hand: int) -> None:
        self._report(which, hand, Event.PICK_UP)

    @precondition(lambda self: self.status)
    @rule(which=ORDERS, hand=HANDS)
    def deliver(self, which: int, hand: int) -> None:
        if self._report(which, hand, Event.DELIVER):
            self.carrier.pop(self._order(which))

    @precondition(lambda self: self.status)
    @rule()
    def let_the_clock_assign(self) -> None:
        self.town.clock.turn(self.town.settings.assign_again_s)
        for courier in self.town.couriers:
            self.town.ride(courier)
        self.runner.run(self.town.timers.run_due())
        waiting = [
            order_id
            for order_id, status in self.status.items()
            if status is Status.ACCEPTED and order_id not in self.carrier
        ]
        given = {order_id: self.runner.run(self.town.carrier(order_id)) for order_id in waiting}
        free = COURIERS - len(self.carrier)
        assert sum(carrier is not None for carrier in given.values()) == min(free, len(waiting))
        hands = {courier.account_id: hand for hand, courier in enumerate(self.town.couriers)}
        self.carrier |= {
            order_id: hands[carrier] for order_id, carrier in given.items() if carrier is not None
        }

    @precondition(lambda self: self.status)
    @rule()
    def let_the_merchant_be_silent(self) -> None:
        self.let_the_clock_assign()
        self.town.clock.turn(self.town.settings.accept_within_s)
        self.runner.run(self.town.timers.run_due())  # everybody's fix is too old now: nothing is assigned
        for order_id, status in self.status.items():
            if status is Status.PENDING_ACCEPTANCE:
                self.status[order_id] = Status.EXPIRED

    # --- what must hold after each ---

    @invariant()
    def the_record_is_as_the_model(self) -> None:
        for order_id, status in self.status.items():
            assert self.runner.run(self.town.status(order_id)) == status

    # --- how ---

    def _order(self, which: int) -> UUID:
        """One of the newest orders."""
        orders = list(self.status)
        return orders[-1 - which % len(orders)]

    def _command(self, order_id: UUID, event: Event, command: Any) -> bool:
        after = TRANSITIONS[self.status[order_id]].get(event)
        if self._try(command, legal=after is not None):
            assert after is not None
            self.status[order_id] = after
            return True
        return False

    def _report(self, which: int, hand: int, event: Event) -> bool:
        order_id = self._order(which)
        act = (
            self.town.dispatch.reports.pick_up
            if event is Event.PICK_UP
            else self.town.dispatch.reports.deliver
        )
        report = act(self.town.couriers[hand], order_id)
        if self.carrier.get(order_id) == hand:
            return self._command(order_id, event, report)
        self._try(report, legal=False)
        return False

    def _try(self, command: Any, legal: bool) -> bool:
        try:
            self.runner.run(command)
            happened = True
        except TrackingError:
            happened = False
        assert happened is legal
        return happened

    async def _check_log(self) -> None:
        rows = await self.pool.fetch(
            "SELECT entity, entity_id, array_agg(version ORDER BY transaction_id, position) AS versions,"
            " (array_agg(fields ORDER BY version DESC))[1] AS last FROM event_log GROUP BY entity, entity_id"
        )
        for row in rows:
            assert row["versions"] == list(range(1, len(row["versions"]) + 1))
        orders = {row["entity_id"]: row for row in rows if row["entity"] == "order"}
        for order_id in self.status:
            assert orders[order_id]["last"]["status"] == self.status[order_id]
            assert (
                await self.town.storage.pool.fetchval("SELECT version FROM orders WHERE id = $1", order_id)
                == orders[order_id]["versions"][-1]
            )
        board = DutyBoard()
        await board.load(self.pool)
        for order_id, hand in self.carrier.items():
            courier_id, duty = board.by_order(order_id) or (None, None)
            assert courier_id == self.town.couriers[hand].account_id
            assert duty is not None
            in_state = State.PICKED_UP if self.status[order_id] is Status.DELIVERING else State.ASSIGNED
            assert duty.leg is LEGS[in_state]
        assert sum(board.of(courier.account_id) is not None for courier in self.town.couriers) == len(
            self.carrier
        )


def test_no_history_is_illegal(database_url: str) -> None:
    Histories.database_url = database_url
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=20,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
