"""Random histories of orders, kitchens and couriers against the tables: nothing illegal happens, no version is missing.

What somebody says is judged beforehand by the tables, from what the record holds at that moment; what they do not allow
must be refused and change nothing.  After each step order, kitchen, assignment and timers must be in a combination that
the tables know, and at the end the log, read alone, must tell what the record holds.
"""

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
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

from server.accounts.permissions import PERMISSIONS, Permission
from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.dispatch.duties import DutyBoard
from server.dispatch.legs import (
    CARRYING,
    LEGS,
    STEPS,
    TOGETHER,
    TRANSITIONS,
    WITHOUT_COURIER,
    Act,
    Assignment,
)
from server.dispatch.legs import State as Riding
from server.dispatch.store import AssignmentStore
from server.errors import TrackingError
from server.orders.alarms import NOW, WATCHES, Alarm, Patience
from server.orders.kitchen import COOKS_WHILE, Kitchen, KitchenEvent
from server.orders.kitchen import TRANSITIONS as COOKING
from server.orders.lifecycle import ENDED, UNDO_WITHIN, Event, IllegalTransition, Status
from server.orders.lifecycle import TRANSITIONS as MOVES
from server.orders.model import Order
from server.orders.placing import Window
from server.orders.store import OrderStore
from server.orders.trouble import Grievance
from server.orders.views import order_json
from server.storage.database import open_database
from server.storage.unit_of_work import Storage
from tests.builders import a_wish
from tests.fakes import ManualClock
from tests.integration.people import Town, a_town

COURIERS = 3
MOST = 5  # orders an example, so that each has a history
ORDERS = st.integers(min_value=0, max_value=MOST - 1)
HANDS = st.integers(min_value=0, max_value=COURIERS - 1)
PEOPLE = st.sampled_from([Role.CUSTOMER, Role.MERCHANT, Role.DISPATCHER])
UNHEARD = {Status.SCHEDULED, Status.PENDING_ACCEPTANCE, Status.REJECTED, Status.EXPIRED}


class Histories(RuleBasedStateMachine):
    """One town an example, in a database emptied for it."""

    database_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.orders: list[UUID] = []

    @initialize()
    def begin(self) -> None:
        self.town: Town = self.runner.run(self._begin())

    async def _begin(self) -> Town:
        owner = await asyncpg.connect(self.database_url)  # the program itself may empty no table
        await owner.execute("TRUNCATE merchants, accounts, event_log, timers, order_contacts CASCADE")
        await owner.close()
        self.pool = await open_database(self.database_url, pool_size=2)
        clock = ManualClock()
        storage = Storage(self.pool, None, clock)
        town = await a_town(storage, clock)
        self.patience = Patience.of(town.settings)
        for number in range(COURIERS):
            await town.courier(metres_north=100.0 * number)
        return town

    def teardown(self) -> None:
        if hasattr(self, "town"):
            self.runner.run(self._check_log())
            self.runner.run(self.pool.close())
        self.runner.close()

    # --- what people say ---

    @precondition(lambda self: len(self.orders) < MOST)
    @rule()
    def place(self) -> None:
        self.orders.append(self.runner.run(self.town.placed()))

    @precondition(lambda self: len(self.orders) < MOST)
    @rule()
    def place_for_later(self) -> None:
        begins = self.town.clock.now() + timedelta(hours=1)
        window = Window(begins=begins, ends=begins + timedelta(minutes=30))
        wish = a_wish(self.town.merchant.id, *self.town.menu, scheduled_for=window)
        order = self.runner.run(self.town.orders.place(self.town.customer, wish))
        self.orders.append(UUID(order["id"]))

    @precondition(lambda self: self.orders)
    @rule(
        which=ORDERS,
        hands=st.permutations(range(COURIERS)),
        turns=st.lists(st.booleans(), min_size=2, max_size=6),
    )
    def go_on(self, which: int, hands: list[int], turns: list[bool]) -> None:
        """What usually happens next, a few times, so that histories get far enough for what seldom does."""
        for well in turns:
            order, assignment = self._known(self._order(which))
            carrier = None if assignment is None or assignment.ended_at is not None else assignment.courier_id
            couriers = [courier.account_id for courier in self.town.couriers]
            match order.status:
                case Status.SCHEDULED:
                    self.let_time_pass(3600)
                case Status.PENDING_ACCEPTANCE:
                    self.accept(which, 0)
                case Status.ACCEPTED if carrier is None:
                    self.assign(which, hands[0])
                case Status.ACCEPTED:
                    self.report(which, couriers.index(carrier), Act.PICK_UP if well else Act.TAKE, 0)
                case Status.DELIVERING if well:
                    self.report(which, couriers.index(carrier), Act.DELIVER, 0)
                case Status.DELIVERING:
                    self.fail(which, couriers.index(carrier))
                case Status.DELIVERED if well:
                    self.confirm_receipt(which)
                case Status.DELIVERED:
                    self.dispute(which)
                case Status.DELIVERY_EXCEPTION if carrier is not None and not well:
                    self.send_back(which)
                    self.report(which, couriers.index(carrier), Act.HAND_BACK, 0)
                case _:
                    return

    @precondition(lambda self: self.orders)
    @rule(which=ORDERS, behind=st.integers(min_value=0, max_value=1))
    def accept(self, which: int, behind: int) -> None:
        """Sometimes on an older version than there is."""
        order_id = self._order(which)
        order, _ = self._known(order_id)
        command = self.town.orders.accept(self.town.kitchen, order_id, 600, version=order.version - behind)
        self._moves(order_id, Event.ACCEPT, command, allowed=not behind and order.is_with_merchant)

    @precondition(lambda self: self.orders)
    @rule(which=ORDERS)
    def reject(self, which: int) -> None:
        order_id = self._order(which)
        order, _ = self._known(order_id)
        command = self.town.orders.reject(self.town.kitchen, order_id, "no fish")
        self._moves(order_id, Event.REJECT, command, allowed=order.is_with_merchant)

    @precondition(lambda self: self.orders)
    @rule(which=ORDERS, role=PEOPLE)
    def cancel(self, which: int, role: Role) -> None:
        order_id = self._order(which)
        order, _ = self._known(order_id)
        command = self.town.orders.cancel(self._person(role), order_id, "changed")
        self._moves(order_id, Event.CANCEL, command, allowed=self._sees(role, order))

    @precondition(lambda self: self.orders)
    @rule(which=ORDERS, role=PEOPLE)
    def undo(self, which: int, role: Role) -> None:
        order_id = self._order(which)
        order, _ = self._known(order_id)
        in_time = order.ended_at is not None and self.town.clock.now() - order.ended_at <= UNDO_WITHIN
        early = order.status is Status.CANCELLED and not order.is_with_merchant
        command = self.town.orders.undo(self._person(role), order_id)
        self._moves(
            order_id,
            Event.UNDO_EARLY if early else Event.UNDO,
            command,
            allowed=in_time and order.ended_by == role.value and self._sees(role, order),
        )

    @precondition(lambda self: self.orders)
    @rule(which=ORDERS, event=st.sampled_from(KitchenEvent))
    def cook(self, which: int, event: KitchenEvent) -> None:
        order_id = self._order(which)
        order, _ = self._known(order_id)
        legal = order.status in COOKS_WHILE and order.kitchen is not None and event in COOKING[order.kitchen]
        if self._try(self.town.orders.cook(self.town.kitchen, order_id, event), legal):
            after, _ = self._known(order_id)
            assert order.kitchen is not None
            assert (after.status, after.kitchen) == (order.status, COOKING[order.kitchen][event])

    @precondition(lambda self: self.orders)
    @rule(which=ORDERS)
    def postpone(self, which: int) -> None:
        order_id = self._order(which)
        order, _ = self._known(order_id)
        legal = order.status in COOKS_WHILE and order.kitchen is Kitchen.PREPARING
        if self._try(self.town.orders.postpone(self.town.kitchen, order_id, 900, "oven"), legal):
            after, _ = self._known(order_id)
            assert after.first_promised_at == order.first_promised_at

    @precondition(lambda self: self.orders)
    @rule(which=ORDERS)
    def confirm_receipt(self, which: int) -> None:
        order_id = self._order(which)
        command = self.town.orders.confirm_receipt(self.town.customer, order_id)
        self._moves(order_id, Event.CONFIRM_RECEIPT, command)

    @precondition(lambda self: self.orders)
    @rule(which=ORDERS)
    def dispute(self, which: int) -> None:
        order_id = self._order(which)
        command = self.town.orders.dispute(self.town.customer, order_id, Grievance(reason="not_received"))
        self._moves(order_id, Event.DISPUTE, command)

    @precondition(lambda self: self.orders)
    @rule(which=ORDERS, hand=HANDS)
    def assign(self, which: int, hand: int) -> None:
        order_id, courier = self._order(which), self.town.couriers[hand]
        order, assignment = self._known(order_id)
        taken = assignment is not None and assignment.ended_at is None
        free = self.runner.run(AssignmentStore(self.pool).open_of_courier(courier.account_id)) is None
        legal = order.status is Status.ACCEPTED and not taken and free
        self._try(self.town.dispatch.assign(self.town.dispatcher, order_id, courier.account_id), legal)

    # --- what couriers report ---

    @precondition(lambda self: self.orders)
    @rule(
        which=ORDERS,
        hand=HANDS,
        act=st.sampled_from([*STEPS]),
        ago_s=st.sampled_from([0, 30, 600, 7200, -600]),
    )
    def report(self, which: int, hand: int, act: Act, ago_s: int) -> None:
        """Also late, twice, of another's order, and of what is not so."""
        order_id, courier = self._order(which), self.town.couriers[hand]
        order, before = self._known(order_id)
        legal = before is not None and before.courier_id == courier.account_id
        told = None
        if before is not None and legal:
            try:
                told = before.told(act, None, now=self.town.clock.now())
            except IllegalTransition:
                legal = False
        events = {Act.PICK_UP: Event.PICK_UP, Act.DELIVER: Event.DELIVER, Act.HAND_BACK: Event.RETURN}
        goes_on = told is not None and told.late is None and told.assignment is not before
        event = events.get(act) if goes_on else None
        legal = legal and (event is None or event in MOVES[order.status])
        at = self.town.clock.now() - timedelta(seconds=ago_s)
        reports = self.town.dispatch.reports
        if act is Act.PICK_UP:
            saying = reports.pick_up(courier, order_id, at)
        elif act is Act.DELIVER:
            saying = reports.deliver(courier, order_id, at)
        else:
            saying = reports.step(courier, order_id, act, at)
        if self._try(saying, legal):
            assert told is not None
            after_order, after = self._known(order_id)
            assert after is not None
            assert (after.state, after.version) == (told.assignment.state, told.assignment.version)
            assert after_order.status is (order.status if event is None else MOVES[order.status][event])
            moments = [after.moments[state] for state in STEPS.values() if state.value in after.moments]
            assert all(after.created_at <= moment <= self.town.clock.now() for moment in moments)

    @precondition(lambda self: self.orders)
    @rule(which=ORDERS, hand=HANDS)
    def decline(self, which: int, hand: int) -> None:
        order_id, courier = self._order(which), self.town.couriers[hand]
        _, before = self._known(order_id)
        legal = (
            before is not None
            and before.courier_id == courier.account_id
            and Act.DECLINE in TRANSITIONS[before.state]
        )
        self._try(self.town.dispatch.reports.decline(courier, order_id, "flat tyre"), legal)

    @precondition(lambda self: self.orders)
    @rule(which=ORDERS, hand=HANDS)
    def fail(self, which: int, hand: int) -> None:
        order_id, courier = self._order(which), self.town.couriers[hand]
        _, before = self._known(order_id)
        his = before is not None and before.courier_id == courier.account_id
        command = self.town.dispatch.reports.fail(courier, order_id, Grievance(reason="no_answer"))
        self._moves(order_id, Event.FAIL, command, allowed=his)

    # --- what the staff decides ---

    @precondition(lambda self: self.orders)
    @rule(which=ORDERS, what=st.sampled_from([Event.REDELIVER, Event.REMAKE, Event.SETTLE, Event.UPHOLD]))
    def decide(self, which: int, what: Event) -> None:
        order_id = self._order(which)
        order, before = self._known(order_id)
        carried = before is not None and before.state in CARRYING
        allowed = {Event.REDELIVER: carried, Event.UPHOLD: order.delivered_at is not None}.get(what, True)
        words = ["agreed"] if what is Event.SETTLE else []
        self._moves(order_id, what, self.town.decided(order_id, what.value, *words), allowed=allowed)

    @precondition(lambda self: self.orders)
    @rule(which=ORDERS)
    def send_back(self, which: int) -> None:
        order_id = self._order(which)
        order, before = self._known(order_id)
        carried = before is not None and before.state in CARRYING
        legal = order.status is Status.DELIVERY_EXCEPTION and (
            not carried or (before is not None and Act.TURN_BACK in TRANSITIONS[before.state])
        )
        if self._try(self.town.decided(order_id, "send_back"), legal):
            after, assignment = self._known(order_id)
            if carried:
                assert assignment is not None
                assert (after.status, assignment.state) == (order.status, Riding.EN_ROUTE_TO_RETURN)
            else:
                assert after.status is Status.RETURNED

    @precondition(lambda self: self.orders)
    @rule(which=ORDERS)
    def reassign(self, which: int) -> None:
        order_id = self._order(which)
        order, _ = self._known(order_id)
        legal = order.status is Status.ACCEPTED
        if self._try(self.town.decided(order_id, "reassign", "slow"), legal):
            _, after = self._known(order_id)
            assert after is None or after.ended_at is not None

    # --- what the clock does ---

    @precondition(lambda self: self.orders)
    @rule(seconds=st.sampled_from([1, 5, 30, 60, 61, 180, 780, 7300]))
    def let_time_pass(self, seconds: int) -> None:
        self.town.clock.turn(seconds)
        open_ = {courier.account_id: self._open_of(courier) for courier in self.town.couriers}
        for courier in self.town.couriers:
            self.town.ride(courier)
            self.town.nearest.set_busy(courier.account_id, busy=open_[courier.account_id] is not None)
        for _ in range(6):
            if not self.runner.run(self.town.timers.run_due()):
                break
        assert self.town.timers.failures == 0

    # --- what must hold after each ---

    @invariant()
    def all_stands_together(self) -> None:
        for order, assignment, due in self.runner.run(self._all()):
            if assignment is not None:
                assert assignment.state in TOGETHER.get(order.status, frozenset())
            else:
                assert order.status in WITHOUT_COURIER
            assert (order.ended_at is not None) == (order.status in ENDED)
            assert (order.ended_by is not None) == (order.status in (Status.REJECTED, Status.CANCELLED))
            cooked = order.kitchen is not None
            assert cooked == (order.accepted_at is not None) == (order.promised_at is not None)
            assert cooked or order.status in UNHEARD | {Status.CANCELLED}
            assert not (cooked and order.status in UNHEARD)
            self._check_timers(order, assignment, due)

    async def _all(self) -> list[tuple[Order, Assignment | None, dict[str, datetime]]]:
        orders = await OrderStore(self.pool).newest()
        rows = await self.pool.fetch("SELECT kind, entity_id, due_at FROM timers")
        held = await AssignmentStore(self.pool).open_of_orders([order.id for order in orders])
        due: defaultdict[UUID, dict[str, datetime]] = defaultdict(dict)
        for row in rows:
            due[row["entity_id"]][row["kind"]] = row["due_at"]
        return [(order, held.get(order.id), due[order.id]) for order in orders]

    def _check_timers(self, order: Order, assignment: Assignment | None, due: dict[str, datetime]) -> None:
        now = self.town.clock.now()
        for alarm, watch in WATCHES.items():
            anchor = watch.anchor(order)
            if anchor is None:
                assert alarm not in due, alarm
            elif anchor is NOW:
                assert alarm in due or alarm is Alarm.RECEIPT_REMINDER
            else:
                ringing_at = anchor + timedelta(seconds=watch.wait_s(self.patience))
                assert due.get(alarm, now) == ringing_at or (alarm not in due and ringing_at <= now), alarm
        waits = assignment is not None and assignment.state is Riding.ASSIGNED
        assert ("take_by" in due) == waits
        if order.status is Status.ACCEPTED and assignment is None:
            assert "assign" in due  # somebody is being looked for

    # --- how ---

    def _order(self, which: int) -> UUID:
        """One of the newest orders."""
        return self.orders[-1 - which % len(self.orders)]

    def _known(self, order_id: UUID) -> tuple[Order, Assignment | None]:
        """What the record holds."""

        async def read() -> tuple[Order, Assignment | None]:
            order = await OrderStore(self.pool).get(order_id)
            return order, await AssignmentStore(self.pool).newest_of_order(order_id)

        return self.runner.run(read())

    def _open_of(self, courier: Viewer) -> Assignment | None:
        return self.runner.run(AssignmentStore(self.pool).open_of_courier(courier.account_id))

    def _person(self, role: Role) -> Viewer:
        town = self.town
        people = {Role.CUSTOMER: town.customer, Role.MERCHANT: town.kitchen, Role.DISPATCHER: town.dispatcher}
        return people[role]

    def _sees(self, role: Role, order: Order) -> bool:
        return role in PERMISSIONS[Permission.SEE_ORDER] and (
            role is not Role.MERCHANT or order.is_with_merchant
        )

    def _moves(self, order_id: UUID, event: Event, command: Any, *, allowed: bool = True) -> bool:
        order, _ = self._known(order_id)
        status = MOVES[order.status].get(event)
        if not self._try(command, legal=allowed and status is not None):
            return False
        after, _ = self._known(order_id)
        assert after.status is status
        return True

    def _try(self, command: Any, legal: bool) -> bool:
        logged = "SELECT count(*) FROM event_log"
        before = self.runner.run(self.pool.fetchval(logged))
        refusal = None
        try:
            self.runner.run(command)
        except TrackingError as error:
            refusal = error
        assert (refusal is None) is legal, repr(refusal)
        assert (self.runner.run(self.pool.fetchval(logged)) == before) or legal
        return legal

    async def _check_log(self) -> None:
        rows = await self.pool.fetch("SELECT * FROM event_log ORDER BY entity, entity_id, version")
        told: defaultdict[tuple[str, UUID], list[Any]] = defaultdict(list)
        for row in rows:
            told[row["entity"], row["entity_id"]].append(row)
        for events in told.values():
            assert [event["version"] for event in events] == list(range(1, len(events) + 1))
        for order_id in self.orders:
            order = await OrderStore(self.pool).get(order_id)
            events = told["order", order_id]
            assert len(events) == order.version
            heard: dict[str, Any] = {}
            for event in events:  # as a page merges them
                heard |= event["fields"]
            holds = order_json(order)
            assert {name: heard[name] for name in heard if name in holds} == {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in holds.items()
                if name in heard
            }
        await self._nobody_was_asked_twice(told)
        board = DutyBoard()
        await board.load(self.pool)
        for order_id in self.orders:
            assignment = await AssignmentStore(self.pool).newest_of_order(order_id)
            if assignment is not None and assignment.ended_at is None:
                courier_id, duty = board.by_order(order_id) or (None, None)
                assert courier_id == assignment.courier_id
                assert duty is not None
                assert duty.leg is LEGS[assignment.state]

    async def _nobody_was_asked_twice(self, told: dict[tuple[str, UUID], list[Any]]) -> None:
        """By the clock, that is: who declined an order or let it lapse is not offered it again."""
        would_not: set[tuple[str, str]] = set()
        stories = [events for (entity, _), events in told.items() if entity == "assignment"]
        for events in sorted(
            stories, key=lambda events: (events[0]["transaction_id"], events[0]["position"])
        ):
            first = events[0]["fields"]
            pair = first["order_id"], first["courier_id"]
            assert first["by"] != "clock" or pair not in would_not
            if events[-1]["name"] in {"declined", "lapsed"}:
                would_not.add(pair)


def test_no_history_is_illegal(database_url: str) -> None:
    Histories.database_url = database_url
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=25,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
