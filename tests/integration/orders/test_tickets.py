"""Every kind of trouble walked through its process, on a real database with a clock that is turned."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from server.accounts.permissions import OrderNotFound
from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.dispatch.order_moves import TooFarAway
from server.dispatch.rests import RestStore
from server.dispatch.ticket_story import ticket_story
from server.errors import NotAllowed
from server.orders.kitchen import KitchenEvent
from server.orders.lifecycle import IllegalTransition
from server.orders.model import PaymentMethod
from server.orders.payment_store import PaymentStore
from server.orders.payments import Money, Payment, RefundState, ToldRefund
from server.orders.refunds import TooMuch
from server.orders.ticket_commands import TICKET_COMMANDS
from server.orders.ticket_decisions import DecisionNotPossible
from server.orders.ticket_kinds import Kind
from server.orders.ticket_service import (
    NotInTrouble,
    ReportCourier,
    ReportTrouble,
    TicketChanged,
)
from server.orders.ticket_store import TABLES_WITH_WORDS, TicketAlreadyOpen, TicketStore, Wanted
from server.orders.tickets import Bearer, Ticket, TicketNotFound
from server.orders.trouble import Grievance, UnknownReason
from server.storage.idempotency import KeyReused
from server.storage.timers import Timers
from tests.builders import a_viewer
from tests.integration.people import Town, a_town

SECRET_WORDS = "she lives behind the blue door"


@pytest.fixture
async def town(storage, clock):
    return await a_town(storage, clock)


async def say(town: Town, viewer: Viewer, ticket: UUID | Ticket, command: str, **said: Any) -> dict[str, Any]:
    """One command to a ticket, as REST or a socket would bring it."""
    key = said.pop("key", None)
    ticket_id = ticket.id if isinstance(ticket, Ticket) else ticket
    body = msgspec.convert(msgspec.to_builtins(said), TICKET_COMMANDS[command].body)
    return await town.tickets.say(viewer, ticket_id, command, body, key=key)


async def report(town: Town, viewer: Viewer, order_id: UUID, kind: Kind, **said: Any) -> dict[str, Any]:
    return await town.tickets.report(viewer, order_id, ReportTrouble(kind=kind, **said))


async def ticket_of(town: Town, order_id: UUID, kind: Kind) -> Ticket:
    """The one ticket of this kind that the order has."""
    [ticket] = await TicketStore(town.storage.pool).newest(Wanted(order_id=order_id, kind=kind))
    return ticket


async def names_of(town: Town, ticket: Ticket) -> list[str]:
    rows = await town.storage.pool.fetch(
        "SELECT name, version FROM event_log WHERE entity = 'ticket' AND entity_id = $1 ORDER BY version",
        ticket.id,
    )
    assert [row["version"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["name"] for row in rows]


async def turn(town: Town, seconds: float) -> None:
    town.clock.turn(seconds)
    await town.timers.run_due()


async def carried(town: Town) -> tuple[Viewer, UUID]:
    """A courier with the bag of an order."""
    courier = await town.courier()
    order_id = await town.assigned(courier)
    await town.dispatch.reports.pick_up(courier, order_id)
    return courier, order_id


async def delivered(town: Town) -> tuple[Viewer, UUID]:
    courier, order_id = await carried(town)
    await town.dispatch.reports.deliver(courier, order_id)
    return courier, order_id


async def failed(town: Town, reason: str, **said: Any) -> tuple[Viewer, UUID]:
    courier, order_id = await carried(town)
    await town.dispatch.reports.fail(courier, order_id, Grievance(reason=reason, **said))
    return courier, order_id


def in_minutes(town: Town, minutes: float) -> Any:
    return town.clock.now() + timedelta(minutes=minutes)


# Kinds


async def test_merchant_late_is_noticed_by_the_clock_and_ends_when_the_food_is_ready(town):
    order_id = await town.accepted()
    await turn(town, 600 + town.settings.ready_grace_s)
    ticket = await ticket_of(town, order_id, Kind.MERCHANT_LATE)
    assert (ticket.state, ticket.opened_by, ticket.owner_role) == ("open", None, Role.DISPATCHER)
    await say(town, town.dispatcher, ticket, "log_contact", whom="merchant", how="phone", result="reached")
    await town.orders.cook(town.kitchen, order_id, KitchenEvent.MARK_READY)
    ended = await ticket_of(town, order_id, Kind.MERCHANT_LATE)
    assert (ended.state, ended.outcome) == ("resolved", "ready")
    assert await names_of(town, ended) == ["opened", "contact_tried", "resolved"]


async def test_a_closed_merchants_order_is_cancelled_and_that_ends_the_ticket(town):
    order_id = await town.accepted()
    told = await report(town, town.dispatcher, order_id, Kind.MERCHANT_LATE, reason="closed_store")
    ended = await say(town, town.service, UUID(told["id"]), "cancel")
    assert (ended["state"], ended["outcome"], ended["decision"]) == ("resolved", "cancelled", "cancel")
    assert await town.status(order_id) == "cancelled"


async def test_a_delay_is_blamed_on_its_segment_re_promised_and_told_to_the_customer(town):
    courier, order_id = await carried(town)
    promised_at = await town.storage.pool.fetchval("SELECT promised_at FROM orders WHERE id = $1", order_id)
    await turn(town, (promised_at - town.clock.now()).total_seconds() + 1)
    ticket = await ticket_of(town, order_id, Kind.DELAY)
    assert (ticket.segment, ticket.reason, ticket.courier_id) == ("ride", "slow_ride", courier.account_id)

    later = in_minutes(town, 20)
    await say(town, town.dispatcher, ticket, "re_route", words="take the bridge")
    await say(town, town.dispatcher, ticket, "re_promise", promised_at=later, template="traffic")
    row = await town.storage.pool.fetchrow(
        "SELECT promised_at, first_promised_at FROM orders WHERE id = $1", order_id
    )
    assert (row["promised_at"], row["first_promised_at"]) == (later, promised_at)
    seen = await town.tickets.one(town.storage.pool, town.customer, ticket.id)
    assert [said["template"] for said in seen["said"]] == ["traffic"]
    assert "notes" not in seen

    await town.dispatch.reports.deliver(courier, order_id)
    ended = await ticket_of(town, order_id, Kind.DELAY)
    assert (ended.outcome, ended.decision) == ("delivered_late", "re_promise")


async def test_a_late_pickup_is_given_to_another_courier(town):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    await town.orders.cook(town.kitchen, order_id, KitchenEvent.MARK_READY)
    await turn(town, town.settings.pickup_within_s)
    [ticket] = await TicketStore(town.storage.pool).newest(Wanted(order_id=order_id, kind=Kind.DELAY))
    other = await town.courier(metres_north=150)
    town.ride(courier)
    await say(town, town.dispatcher, ticket, "reassign")
    await town.timers.run_due()
    assert await town.carrier(order_id) == other.account_id


async def test_a_refused_delivery_is_agreed_upon_and_brought_back(town):
    courier, order_id = await failed(town, "refused_changed_mind", note=SECRET_WORDS)
    ticket = await ticket_of(town, order_id, Kind.REFUSAL)
    assert (ticket.opened_by_role, ticket.owner_role) == ("courier", Role.CUSTOMER_SERVICE)
    await say(town, town.service, ticket, "acknowledge")
    await say(town, town.service, ticket, "note", words="agreed on the phone", to="customer")
    await say(town, town.service, ticket, "return")
    assert await town.status(order_id) == "delivery_exception"  # until the bag is there
    await town.dispatch.reports.step(courier, order_id, _act("hand_back"))
    ended = await ticket_of(town, order_id, Kind.REFUSAL)
    assert (await town.status(order_id), ended.outcome, ended.decision) == ("returned", "returned", "return")


async def test_a_refused_delivery_is_settled_with_money_back_borne_by_somebody(town):
    _, order_id = await failed(town, "refused_damaged")
    await pay(town, order_id)
    ticket = await ticket_of(town, order_id, Kind.REFUSAL)
    with pytest.raises(TooMuch):
        await say(town, town.service, ticket, "refund", amount_minor=9999, borne_by="courier")
    await say(town, town.service, ticket, "refund", amount_minor=300, borne_by="courier")
    await say(town, town.service, ticket, "settle", refund_minor=200, borne_by="merchant")
    ended = await ticket_of(town, order_id, Kind.REFUSAL)
    assert (ended.outcome, ended.refund_minor, ended.borne_by) == ("settled", 500, "merchant")
    refunds = await PaymentStore(town.storage.pool).refunds(order_id)
    assert {(one.amount_minor, one.borne_by, one.ticket_id) for one in refunds} == {
        (300, Bearer.COURIER, ticket.id),
        (200, Bearer.MERCHANT, ticket.id),
    }


async def test_who_cannot_be_reached_is_called_waited_for_and_brought_the_order_once_more(town):
    courier, order_id = await failed(town, "no_answer")
    ticket = await ticket_of(town, order_id, Kind.UNREACHABLE)
    for result in ("no_answer", "left_word"):
        await say(town, town.service, ticket, "log_contact", whom="customer", how="phone", result=result)
    await say(town, town.service, ticket, "wait", whom="customer", until=in_minutes(town, 10))
    await say(town, town.customer, ticket, "answer", words="I am here now")
    assert (await ticket_of(town, order_id, Kind.UNREACHABLE)).state == "acknowledged"
    await say(town, town.dispatcher, ticket, "redeliver")
    assert await town.status(order_id) == "delivering"
    await town.dispatch.reports.deliver(courier, order_id)
    ended = await ticket_of(town, order_id, Kind.UNREACHABLE)
    assert (ended.outcome, ended.decision) == ("delivered", "redeliver")


async def test_a_wrong_address_is_corrected_within_reach_and_never_written_in_the_ticket(town):
    _, order_id = await failed(town, "wrong_address")
    ticket = await ticket_of(town, order_id, Kind.WRONG_ADDRESS)
    place = {"address": "Siltasaarenkatu 6", "lat": 60.1795, "lng": 24.9503}
    with pytest.raises(TooFarAway):
        await say(town, town.service, ticket, "correct_address", **{**place, "lat": 61.9})
    await say(town, town.service, ticket, "correct_address", **place)
    await say(town, town.service, ticket, "redeliver")
    assert (
        await town.storage.pool.fetchval("SELECT address FROM order_contacts WHERE order_id = $1", order_id)
        == "Siltasaarenkatu 6"
    )
    for table in ("event_log", "tickets", *TABLES_WITH_WORDS, "idempotency_keys"):
        assert "Siltasaarenkatu 6" not in await text_of(town, table)


async def test_after_an_accident_the_courier_rests_and_the_food_is_made_again_for_another(town):
    courier, order_id = await failed(town, "vehicle_breakdown")
    ticket = await ticket_of(town, order_id, Kind.ACCIDENT)
    assert (ticket.severity, ticket.owner_role) == ("critical", Role.DISPATCHER)
    place = await TicketStore(town.storage.pool).evidence(ticket.id)
    assert [thing.kind for thing in place] == ["position"]
    other = await town.courier(metres_north=400)
    await say(town, town.dispatcher, ticket, "take_offline", until=in_minutes(town, 60))
    await say(town, town.dispatcher, ticket, "remake")
    assert await RestStore(town.storage.pool).resting([courier.account_id], town.clock.now())
    await town.timers.run_due()
    assert await town.carrier(order_id) == other.account_id
    await town.dispatch.reports.pick_up(other, order_id)
    await town.dispatch.reports.deliver(other, order_id)
    assert (await ticket_of(town, order_id, Kind.ACCIDENT)).outcome == "delivered"


async def test_what_did_not_arrive_is_disputed_and_the_delivery_upheld(town):
    _, order_id = await delivered(town)
    grievance = Grievance(reason="not_received", note="nobody rang")
    await town.orders.dispute(town.customer, order_id, grievance)
    ticket = await ticket_of(town, order_id, Kind.NOT_RECEIVED)
    assert ticket.opened_by == town.customer.account_id
    await say(town, town.service, ticket, "uphold")
    ended = await ticket_of(town, order_id, Kind.NOT_RECEIVED)
    assert (await town.status(order_id), ended.outcome) == ("delivered", "upheld")


@pytest.mark.parametrize(
    ("kind", "reason"), [(Kind.ITEM_MISSING, "item_missing"), (Kind.ITEM_DAMAGED, "damaged")]
)
async def test_a_reported_fault_in_what_came_disputes_the_order_and_is_paid_back_in_part(town, kind, reason):
    _, order_id = await delivered(town)
    await pay(town, order_id)
    await report(town, town.customer, order_id, kind, reason=reason, words=SECRET_WORDS)
    assert await town.status(order_id) == "delivery_exception"
    ticket = await ticket_of(town, order_id, kind)
    assert ticket.occurrences == 1
    await say(town, town.service, ticket, "refund", amount_minor=120, borne_by="merchant")
    await say(town, town.service, ticket, "settle")
    assert (await ticket_of(town, order_id, kind)).outcome == "settled"


async def test_of_a_completed_order_money_may_still_come_back(town):
    _, order_id = await delivered(town)
    await pay(town, order_id)
    await town.orders.confirm_receipt(town.customer, order_id)
    await report(town, town.customer, order_id, Kind.ITEM_MISSING, reason="too_few")
    ticket = await ticket_of(town, order_id, Kind.ITEM_MISSING)
    await say(town, town.service, ticket, "refund", amount_minor=120, borne_by="platform")
    ended = await say(town, town.service, ticket, "resolve", outcome="refunded")
    assert (ended["state"], ended["outcome"]) == ("resolved", "refunded")


async def test_misconduct_is_heard_before_it_is_judged_and_a_suspension_bars_the_courier(town):
    courier, order_id = await delivered(town)
    await report(town, town.customer, order_id, Kind.MISCONDUCT, reason="rude", words=SECRET_WORDS)
    ticket = await ticket_of(town, order_id, Kind.MISCONDUCT)
    with pytest.raises(NotAllowed):
        await say(town, town.dispatcher, ticket, "acknowledge")
    with pytest.raises(TicketNotFound):  # he does not know yet that it is there
        await town.tickets.one(town.storage.pool, courier, ticket.id)

    await say(town, town.operations, ticket, "note", to="courier", words="what happened at the door?")
    await say(town, town.operations, ticket, "wait", whom="courier", until=in_minutes(town, 600))
    heard = await town.tickets.one(town.storage.pool, courier, ticket.id)
    assert [said["words"] for said in heard["said"]] == ["what happened at the door?"]
    await say(town, courier, ticket, "answer", words="he shouted first")
    await say(town, town.operations, ticket, "suspend", words="three days", until=in_minutes(town, 4320))
    ended = await ticket_of(town, order_id, Kind.MISCONDUCT)
    assert (ended.state, ended.outcome) == ("resolved", "suspended")
    standing = "SELECT status FROM accounts WHERE id = $1"
    assert await town.storage.pool.fetchval(standing, courier.account_id) == "suspended"
    await turn(town, 4320 * 60)
    assert await town.storage.pool.fetchval(standing, courier.account_id) == "active"


async def test_what_a_suspended_courier_was_to_fetch_goes_to_another_and_a_bag_with_him_is_seen_to(town):
    judged = ReportTrouble(kind=Kind.MISCONDUCT, reason="rude")
    courier = await town.courier()
    order_id = await town.assigned(courier)
    told = await town.tickets.report(town.customer, order_id, judged)
    await say(town, town.operations, UUID(told["id"]), "suspend", words="at once")
    other = await town.courier(metres_north=200)
    await town.timers.run_due()
    assert await town.carrier(order_id) == other.account_id

    await town.dispatch.reports.pick_up(other, order_id)
    told = await town.tickets.report(town.customer, order_id, judged)
    await say(town, town.operations, UUID(told["id"]), "suspend", words="at once")
    await town.timers.run_due()
    ticket = await ticket_of(town, order_id, Kind.ACCIDENT)
    assert (ticket.reason, ticket.owner_role) == ("courier_barred", Role.DISPATCHER)


async def test_a_courier_is_warned_the_first_time_and_it_is_remembered(town):
    courier = await town.courier()
    first = await town.tickets.report_courier(
        town.dispatcher, ReportCourier(courier_id=courier.account_id, reason="unsafe_riding")
    )
    again = await town.tickets.report_courier(
        town.service, ReportCourier(courier_id=courier.account_id, reason="unsafe_riding")
    )
    assert (again["id"], again["occurrences"]) == (first["id"], 2)
    warned = await say(town, town.operations, UUID(first["id"]), "warn", words="wear a helmet")
    assert warned["outcome"] == "warned"
    second = await town.tickets.report_courier(
        town.service, ReportCourier(courier_id=courier.account_id, reason="rude")
    )
    earlier = await TicketStore(town.storage.pool).earlier_about(courier.account_id, UUID(second["id"]))
    assert [(ticket.id, ticket.outcome) for ticket in earlier] == [(UUID(first["id"]), "warned")]


async def test_a_refund_that_does_not_go_through_is_a_ticket_until_it_was_paid_by_hand(town):
    _, order_id = await delivered(town)
    await refuse_refund(town, order_id, 500)
    ticket = await ticket_of(town, order_id, Kind.PAYMENT_TROUBLE)
    assert (ticket.reason, ticket.opened_by_role) == ("refund_stuck", "system")
    await say(town, town.service, ticket, "retry_refund")
    paid = await say(
        town, town.service, ticket, "record_payout", amount_minor=100, borne_by="platform", words="receipt 7"
    )
    assert (paid["state"], paid["outcome"]) == ("resolved", "paid_out")


# One trouble, one ticket


async def test_two_reports_at_the_same_moment_join_one_ticket(town):
    _, order_id = await carried(town)
    said = [
        report(town, viewer, order_id, Kind.DELAY, reason="traffic")
        for viewer in (town.dispatcher, town.service, town.operations, town.dispatcher)
    ]
    told = await asyncio.gather(*said)
    assert len({ticket["id"] for ticket in told}) == 1
    assert sorted(ticket["occurrences"] for ticket in told) == [1, 2, 3, 4]


async def test_two_reports_of_a_courier_at_the_same_moment_join_one_ticket(town):
    courier = await town.courier()
    said = [
        town.tickets.report_courier(viewer, ReportCourier(courier_id=courier.account_id, reason="rude"))
        for viewer in (town.dispatcher, town.service, town.operations)
    ]
    told = await asyncio.gather(*said)
    assert sorted(ticket["occurrences"] for ticket in told) == [1, 2, 3]
    assert len({ticket["id"] for ticket in told}) == 1


async def test_a_failed_redelivery_comes_back_to_the_same_ticket(town):
    courier, order_id = await failed(town, "no_answer")
    ticket = await ticket_of(town, order_id, Kind.UNREACHABLE)
    await say(town, town.service, ticket, "redeliver")
    await town.dispatch.reports.fail(courier, order_id, Grievance(reason="not_at_home"))
    again = await ticket_of(town, order_id, Kind.UNREACHABLE)
    assert (again.id, again.occurrences, again.reason) == (ticket.id, 2, "not_at_home")


async def test_what_was_closed_is_opened_again_only_while_no_other_took_its_place(town):
    _, order_id = await carried(town)
    first = await report(town, town.dispatcher, order_id, Kind.DELAY, reason="traffic")
    await say(town, town.dispatcher, UUID(first["id"]), "dismiss", words="it moves")
    second = await report(town, town.dispatcher, order_id, Kind.DELAY, reason="traffic")
    assert second["id"] != first["id"]
    with pytest.raises(TicketAlreadyOpen):
        await say(town, town.dispatcher, UUID(first["id"]), "reopen", words="no, it does not")
    await say(town, town.dispatcher, UUID(second["id"]), "resolve")
    opened = await say(town, town.dispatcher, UUID(first["id"]), "reopen", words="it stands again")
    assert (opened["state"], opened["outcome"]) == ("open", None)


# Clocks


async def test_it_climbs_its_ladder_once_a_rung_whichever_process_fires(town):
    _, order_id = await carried(town)
    await report(town, town.dispatcher, order_id, Kind.DELAY, reason="traffic")
    ticket = await ticket_of(town, order_id, Kind.DELAY)
    others = [a_restarted(town) for _ in range(3)]  # started after the ticket was opened
    owners = []
    for _ in range(4):
        town.clock.turn(120)
        await asyncio.gather(*(timers.run_due() for timers in others))
        owners.append((await ticket_of(town, order_id, Kind.DELAY)).owner_role)
    assert owners == [
        Role.CUSTOMER_SERVICE, Role.OPERATIONS_MANAGER, Role.OPERATIONS_MANAGER, Role.OPERATIONS_MANAGER,
    ]  # fmt: skip
    assert (await names_of(town, ticket)).count("escalated") == 2


async def test_acknowledging_stops_the_climbing_and_not_resolving_it_in_time_does_not(town):
    _, order_id = await carried(town)
    await report(town, town.dispatcher, order_id, Kind.DELAY, reason="traffic")
    ticket = await ticket_of(town, order_id, Kind.DELAY)
    await say(town, town.dispatcher, ticket, "acknowledge")
    await turn(town, 1799)
    assert "escalated" not in await names_of(town, ticket)
    await turn(town, 1)
    late = await ticket_of(town, order_id, Kind.DELAY)
    assert (late.is_overdue, late.severity, late.owner_role) == (True, "high", Role.CUSTOMER_SERVICE)
    overdue = Wanted(overdue_at=town.clock.now())
    assert [one.id for one in await TicketStore(town.storage.pool).newest(overdue)] == [ticket.id]


async def test_a_snoozed_ticket_wakes_by_itself_and_one_that_ended_does_not(town):
    _, order_id = await carried(town)
    await report(town, town.dispatcher, order_id, Kind.DELAY, reason="traffic")
    ticket = await ticket_of(town, order_id, Kind.DELAY)
    await say(town, town.dispatcher, ticket, "snooze", until=in_minutes(town, 10), words="he is nearly there")
    await turn(town, 600)
    assert (await ticket_of(town, order_id, Kind.DELAY)).state == "open"
    await say(town, town.dispatcher, ticket, "resolve", outcome="recovered")
    await turn(town, 7200)
    assert (await names_of(town, ticket))[-1] == "resolved"


# Who may, and how often


async def test_a_command_given_twice_happens_once_and_one_about_another_version_not_at_all(town):
    _, order_id = await carried(town)
    await report(town, town.dispatcher, order_id, Kind.DELAY, reason="traffic")
    ticket = await ticket_of(town, order_id, Kind.DELAY)
    once = await say(town, town.dispatcher, ticket, "acknowledge", version=ticket.version, key="k")
    assert await say(town, town.dispatcher, ticket, "acknowledge", version=ticket.version, key="k") == once
    with pytest.raises(KeyReused):
        await say(town, town.dispatcher, ticket, "acknowledge", version=ticket.version + 1, key="k")
    with pytest.raises(TicketChanged) as refused:
        await say(town, town.dispatcher, ticket, "resolve", version=ticket.version)
    assert refused.value.details["ticket"]["version"] == ticket.version + 1
    with pytest.raises(IllegalTransition):
        await say(town, town.dispatcher, ticket, "acknowledge")


async def test_each_kind_knows_its_own_decisions_reasons_and_moments_only(town):
    _, order_id = await carried(town)
    await report(town, town.dispatcher, order_id, Kind.DELAY, reason="traffic")
    ticket = await ticket_of(town, order_id, Kind.DELAY)
    with pytest.raises(DecisionNotPossible):
        await say(town, town.service, ticket, "settle")
    with pytest.raises(UnknownReason):
        await report(town, town.dispatcher, order_id, Kind.DELAY, reason="rude")
    with pytest.raises(NotInTrouble):
        await report(town, town.dispatcher, order_id, Kind.MERCHANT_LATE)
    with pytest.raises(NotAllowed):
        await report(town, town.customer, order_id, Kind.ACCIDENT)
    assert await names_of(town, ticket) == ["opened", "evidence_added"]  # where the courier was


async def test_a_foreign_order_has_no_trouble_and_a_foreign_ticket_is_none(town):
    _, order_id = await carried(town)
    for stranger in (a_viewer(Role.CUSTOMER), a_viewer(Role.MERCHANT), a_viewer(Role.COURIER)):
        with pytest.raises(OrderNotFound):
            await report(town, stranger, order_id, Kind.DELAY)
    told = await report(town, town.customer, order_id, Kind.DELAY, reason="late")
    for stranger in (a_viewer(Role.CUSTOMER), a_viewer(Role.MERCHANT), a_viewer(Role.COURIER)):
        with pytest.raises(TicketNotFound):
            await town.tickets.one(town.storage.pool, stranger, UUID(told["id"]))
        listed = await town.tickets.several(town.storage.pool, stranger, Wanted(), before=None, limit=9)
        assert listed == []
    for nobody in (Role.DATA_ANALYST, Role.TECHNICAL_SUPPORT, Role.ADMINISTRATOR):
        with pytest.raises(NotAllowed):
            await town.tickets.one(town.storage.pool, a_viewer(nobody), UUID(told["id"]))


async def test_the_orders_people_see_how_it_stands_and_what_was_said_to_them_alone(town):
    courier, order_id = await failed(town, "no_answer", note=SECRET_WORDS)
    ticket = await ticket_of(town, order_id, Kind.UNREACHABLE)
    await say(town, town.service, ticket, "note", words="inner words")
    await say(town, town.service, ticket, "note", to="customer", words="please call back")
    seen = {
        viewer.role: await town.tickets.one(town.storage.pool, viewer, ticket.id)
        for viewer in (town.customer, town.kitchen, courier, town.service)
    }
    assert [said["words"] for said in seen[Role.CUSTOMER]["said"]] == ["please call back"]
    assert [said["words"] for said in seen[Role.COURIER]["said"]] == [SECRET_WORDS]
    assert seen[Role.MERCHANT]["said"] == []
    assert [note["words"] for note in seen[Role.CUSTOMER_SERVICE]["notes"]] == [
        SECRET_WORDS, "inner words", "please call back",
    ]  # fmt: skip
    own = await town.tickets.several(town.storage.pool, town.customer, Wanted(), before=None, limit=9)
    assert [one["id"] for one in own] == [str(ticket.id)]


async def test_notices_have_versions_of_their_own_without_gaps_and_no_words(town):
    _, order_id = await failed(town, "no_answer", note=SECRET_WORDS)
    ticket = await ticket_of(town, order_id, Kind.UNREACHABLE)
    await say(town, town.service, ticket, "acknowledge")
    await say(town, town.service, ticket, "snooze", until=in_minutes(town, 5), words="inner")
    await say(town, town.service, ticket, "note", to="customer", words="please call back")
    await say(town, town.service, ticket, "redeliver")
    rows = await town.storage.pool.fetch(
        "SELECT version, name, topics, actor_id FROM event_log WHERE entity = 'ticket_notice' ORDER BY version"
    )
    assert [(row["version"], row["name"]) for row in rows] == [
        (1, "opened"), (2, "acknowledged"), (3, "noted"), (4, "decided"), (5, "noted"),
    ]  # fmt: skip
    assert all(f"order:{order_id}" in row["topics"] and row["actor_id"] is None for row in rows)
    inner = await town.storage.pool.fetch("SELECT topics FROM event_log WHERE entity = 'ticket'")
    assert {tuple(row["topics"]) for row in inner} == {("tickets:all", "dispatch:all", f"staff:{order_id}")}


# Words and their end


async def test_words_stand_where_they_can_be_erased_and_nowhere_else(town):
    _, order_id = await failed(town, "no_answer", note=SECRET_WORDS)
    ticket = await ticket_of(town, order_id, Kind.UNREACHABLE)
    for key, command, said in (
        ("1", "note", {"words": SECRET_WORDS, "to": "customer"}),
        ("2", "snooze", {"words": SECRET_WORDS, "until": in_minutes(town, 5)}),
        ("3", "resolve", {"words": SECRET_WORDS}),
        ("4", "reopen", {"words": SECRET_WORDS}),
    ):
        await say(town, town.service, ticket, command, key=key, **said)
    await say(town, town.customer, ticket, "answer", words=SECRET_WORDS, key="5")
    tables = await town.storage.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = {row["tablename"] for row in tables if SECRET_WORDS in await text_of(town, row["tablename"])}
    assert found <= set(TABLES_WITH_WORDS)
    assert found


async def test_what_was_written_about_a_courier_is_forgotten_when_its_time_is_over(town):
    courier = await town.courier()
    told = await town.tickets.report_courier(
        town.service, ReportCourier(courier_id=courier.account_id, reason="rude", words=SECRET_WORDS)
    )
    await say(town, town.operations, UUID(told["id"]), "warn", words="be kind")
    await turn(town, town.settings.keep_personal_s)
    assert await TicketStore(town.storage.pool).notes(UUID(told["id"])) == []
    story = await ticket_story(town.storage.pool, town.operations, UUID(told["id"]), language="en")
    assert [line["name"] for line in story["story"]][-1] == "resolved"
    assert all(line["words"] is None for line in story["story"])


# The story


async def test_a_ticket_reads_as_a_story_in_both_languages(town):
    courier, order_id = await failed(town, "no_answer", note="I rang twice")
    ticket = await ticket_of(town, order_id, Kind.UNREACHABLE)
    await say(town, town.service, ticket, "acknowledge")
    await say(town, town.service, ticket, "log_contact", whom="customer", how="phone", result="no_answer")
    await say(town, town.service, ticket, "redeliver")
    await town.dispatch.reports.deliver(courier, order_id)
    english = await ticket_story(town.storage.pool, town.operations, ticket.id, language="en")
    texts = [line["text"] for line in english["story"]]
    for told in (
        "the customer Li placed the order",
        "Li was given the order",
        "the courier Li could not deliver: nobody answers",
        "the courier Li reported: customer cannot be reached, nobody answers; it went to customer service",
        "customer service Li sees to it",
        "customer service Li tried to reach the customer by phone: no answer",
        "customer service Li decided: bring it once more",
        "resolved by the system: delivered",
    ):
        assert told in texts, texts
    assert "I rang twice" in [line["words"] for line in english["story"]]
    assert [line["at"] for line in english["story"]] == sorted(line["at"] for line in english["story"])
    chinese = await ticket_story(town.storage.pool, town.operations, ticket.id, language="zh")
    assert "客服 Li联系客户（电话）：无人应答" in [line["text"] for line in chinese["story"]]

    reduced = await ticket_story(town.storage.pool, town.customer, ticket.id, language="en")
    assert {line["entity"] for line in reduced["story"]} == {"ticket_notice"}
    assert all(line["actor_id"] is None for line in reduced["story"])
    assert "I rang twice" not in str(reduced)


# Small helps


def _act(name: str) -> Any:
    from server.dispatch.legs import Act

    return Act(name)


async def text_of(town: Town, table: str) -> str:
    return "".join(str(row) for row in await town.storage.pool.fetch(f"SELECT t::text FROM {table} t"))


def a_restarted(town: Town) -> Timers:
    """The timers of another process over the same record."""
    timers = Timers(town.storage, town.clock)
    town.tickets.register(timers)
    return timers


async def pay(town: Town, order_id: UUID) -> None:
    """The order's money came in."""
    async with town.storage.unit_of_work() as work:
        row = await work.connection.fetchrow("SELECT * FROM orders WHERE id = $1", order_id)
        await PaymentStore(work.connection).insert(
            Payment(
                order_id=order_id,
                customer_id=row["customer_id"],
                merchant_id=row["merchant_id"],
                method=PaymentMethod.CASH,
                money=Money(row["total_minor"], row["currency"]),
                came_at=work.now,
            )
        )


async def refuse_refund(town: Town, order_id: UUID, amount_minor: int) -> None:
    """A refund was asked for, and the provider will not."""
    async with town.storage.unit_of_work() as work:
        refund = await town.money.refunds.request_refund(
            work,
            order_id,
            amount_minor=amount_minor,
            reason="other",
            borne_by=Bearer.PLATFORM,
            by=None,
            method=PaymentMethod.CARD,
        )
    await town.timers.run_due()
    async with town.storage.unit_of_work() as work:
        told = ToldRefund(
            refund_id=refund.id,
            provider_id=str(uuid4()),
            state=RefundState.REFUSED,
            money=Money(amount_minor, refund.currency),
            reason="account_closed",
        )
        await town.money.refunds.heard(work, order_id, told)
    await town.timers.run_due()
