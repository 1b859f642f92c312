"""An order after a command: status, version, the facts that changed, and nothing else."""

from datetime import timedelta

import pytest

from server.orders.kitchen import Kitchen, KitchenEvent
from server.orders.lifecycle import ENDED, UNDO_WITHIN, Event, IllegalTransition, Status
from server.orders.model import NOBODY, PaymentStatus, Proof, ProofKind
from server.orders.moves import (
    Accept,
    Cancel,
    ConfirmReceipt,
    Deliver,
    Dispute,
    Expire,
    Fail,
    NotYoursToUndo,
    PickUp,
    Redeliver,
    Reject,
    Release,
    Remake,
    Return,
    Settle,
    TooLateToUndo,
    Undo,
    UndoEarly,
    Uphold,
    undoing,
)
from tests.builders import an_order
from tests.fakes import NOON

LATER = NOON + timedelta(minutes=3)
# 15 minutes in the kitchen, 2 to fetch, 10 to ride, 3 to hand over
PROMISE = LATER + timedelta(minutes=30)
PROOF = Proof(kind=ProofKind.CODE)


@pytest.mark.parametrize(
    ("status", "command", "after", "facts"),
    [
        (Status.SCHEDULED, Release(PROMISE), Status.PENDING_ACCEPTANCE, {"accept_by": PROMISE}),
        (
            Status.PENDING_ACCEPTANCE,
            Accept(900, 600),
            Status.ACCEPTED,
            {
                "accepted_at": LATER,
                "preparation_s": 900,
                "kitchen": Kitchen.PREPARING,
                "first_promised_at": PROMISE,
                "promised_at": PROMISE,
            },
        ),
        (
            Status.PENDING_ACCEPTANCE,
            Reject("no fish", "merchant"),
            Status.REJECTED,
            {"reason": "no fish", "ended_by": "merchant", "ended_at": LATER},
        ),
        (Status.PENDING_ACCEPTANCE, Expire(), Status.EXPIRED, {"ended_at": LATER}),
        (
            Status.ACCEPTED,
            Cancel("not hungry", "customer"),
            Status.CANCELLED,
            {"reason": "not hungry", "ended_by": "customer", "ended_at": LATER},
        ),
        (Status.ACCEPTED, PickUp(), Status.DELIVERING, {"picked_up_at": LATER, "kitchen": Kitchen.READY}),
        (
            Status.DELIVERING,
            Deliver(PROOF),
            Status.DELIVERED,
            {"delivered_at": LATER, "proof": PROOF, "payment_status": PaymentStatus.PAID},
        ),
        (Status.DELIVERING, Fail("no_answer"), Status.DELIVERY_EXCEPTION, {"reason": "no_answer"}),
        (
            Status.DELIVERY_EXCEPTION,
            Redeliver(),
            Status.DELIVERING,
            {"reason": None, "delivered_at": None, "proof": None},
        ),
        (Status.DELIVERY_EXCEPTION, Return(), Status.RETURNED, {"ended_at": LATER}),
        (
            Status.DELIVERY_EXCEPTION,
            Settle("agreed"),
            Status.CLOSED,
            {"reason": "agreed", "ended_at": LATER},
        ),
        (Status.DELIVERED, ConfirmReceipt(), Status.COMPLETED, {"ended_at": LATER}),
        (Status.DELIVERED, Dispute("not_received"), Status.DELIVERY_EXCEPTION, {"reason": "not_received"}),
    ],
)
def test_a_command_moves_an_order_and_says_what_changed(status, command, after, facts):
    order = an_order(status=status, version=4)
    moved, happening = order.after(command, at=LATER)
    assert moved == an_order(
        **{
            "id": order.id,
            "merchant_id": order.merchant_id,
            "customer_id": order.customer_id,
            "lines": order.lines,
            "status": after,
            "version": 5,
            **facts,
        }
    )
    assert happening.fields == {"status": after, **facts}
    assert happening.at == LATER
    assert (moved.ended_at is not None) == (moved.status in ENDED)


def test_what_the_table_forbids_changes_nothing():
    order = an_order(status=Status.DELIVERING)
    with pytest.raises(IllegalTransition):
        order.after(Cancel("too late", "customer"), at=LATER)


def test_nobody_promises_a_scheduled_order_before_its_window_ends():
    window_ends = NOON + timedelta(hours=5)
    order = an_order(scheduled_from=NOON + timedelta(hours=4), scheduled_to=window_ends)
    moved, _ = order.after(Accept(900, 600), at=LATER)
    assert moved.promised_at == moved.first_promised_at == window_ends


def test_what_is_made_again_has_a_new_promise_and_keeps_the_first():
    accepted, _ = an_order().after(Accept(900, 600), at=LATER)
    fetched, _ = accepted.after(PickUp(), at=LATER + timedelta(minutes=15))
    failed, _ = fetched.after(Fail("lost"), at=LATER + timedelta(minutes=20))
    remade, _ = failed.after(Remake(600, 600), at=LATER + timedelta(minutes=30))
    assert (remade.status, remade.kitchen, remade.picked_up_at, remade.reason) == (
        Status.ACCEPTED,
        Kitchen.PREPARING,
        None,
        None,
    )
    assert remade.ready_by == LATER + timedelta(minutes=40)
    assert remade.first_promised_at == PROMISE
    assert remade.promised_at == LATER + timedelta(minutes=55)


def test_only_what_was_delivered_can_have_been_delivered_rightly():
    with pytest.raises(IllegalTransition):
        an_order(status=Status.DELIVERY_EXCEPTION).after(Uphold(), at=LATER)
    disputed = an_order(status=Status.DELIVERY_EXCEPTION, delivered_at=NOON, reason="not_received")
    upheld, _ = disputed.after(Uphold(), at=LATER)
    assert (upheld.status, upheld.delivered_at, upheld.reason) == (Status.DELIVERED, NOON, None)


# A slip


def test_a_slip_leads_back_to_the_merchants_answer_as_if_the_order_had_just_come():
    accepted, _ = an_order().after(Accept(900, 600), at=NOON)
    cancelled, _ = accepted.after(Cancel("oops", "customer"), at=LATER)
    back, happening = cancelled.after(undoing(cancelled, "customer", at=LATER, accept_by=PROMISE), at=LATER)
    assert back == an_order(
        **{
            "id": back.id,
            "merchant_id": back.merchant_id,
            "customer_id": back.customer_id,
            "lines": back.lines,
            "version": 4,
            "accept_by": PROMISE,
        }
    )
    assert happening.fields["promised_at"] is None


def test_a_slip_before_its_time_leaves_the_merchant_out():
    scheduled = an_order(status=Status.SCHEDULED, accept_by=None)
    cancelled, _ = scheduled.after(Cancel("oops", "customer"), at=NOON)
    assert cancelled.people()["merchant_id"] == NOBODY
    back = undoing(cancelled, "customer", at=NOON, accept_by=PROMISE)
    assert isinstance(back, UndoEarly)
    assert cancelled.after(back, at=NOON)[0].status is Status.SCHEDULED


@pytest.mark.parametrize("role", ["merchant", "dispatcher"])
def test_a_slip_is_its_makers_to_undo(role):
    cancelled, _ = an_order().after(Cancel("oops", "customer"), at=NOON)
    with pytest.raises(NotYoursToUndo):
        undoing(cancelled, role, at=NOON, accept_by=PROMISE)


def test_a_slip_is_undone_within_a_minute_or_not_at_all():
    cancelled, _ = an_order().after(Cancel("oops", "customer"), at=NOON)
    assert isinstance(undoing(cancelled, "customer", at=NOON + UNDO_WITHIN, accept_by=PROMISE), Undo)
    with pytest.raises(TooLateToUndo):
        undoing(cancelled, "customer", at=NOON + UNDO_WITHIN + timedelta(seconds=1), accept_by=PROMISE)


def test_there_is_nothing_to_undo_in_an_order_under_way():
    with pytest.raises(IllegalTransition):
        undoing(an_order(status=Status.ACCEPTED), "customer", at=NOON, accept_by=PROMISE)


# The kitchen


@pytest.mark.parametrize(
    ("kitchen", "event", "after"),
    [
        (Kitchen.PREPARING, KitchenEvent.MARK_READY, ("ready", {"kitchen": Kitchen.READY, "ready_at": NOON})),
        (
            Kitchen.READY,
            KitchenEvent.UNMARK_READY,
            ("not_ready", {"kitchen": Kitchen.PREPARING, "ready_at": None}),
        ),
    ],
)
def test_the_kitchen_says_how_far_it_is(kitchen, event, after):
    assert an_order(status=Status.ACCEPTED, kitchen=kitchen).cooked(event, at=NOON) == after


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ACCEPTED])
@pytest.mark.parametrize("event", KitchenEvent)
def test_nothing_is_cooked_before_it_is_accepted_or_after_it_has_left(status, event):
    for kitchen in (None, *Kitchen):
        with pytest.raises(IllegalTransition):
            an_order(status=status, kitchen=kitchen).cooked(event, at=NOON)


def test_only_what_is_being_made_can_take_longer():
    an_order(status=Status.ACCEPTED, kitchen=Kitchen.PREPARING).require_cooking("postpone")
    for order in (an_order(), an_order(status=Status.ACCEPTED, kitchen=Kitchen.READY)):
        with pytest.raises(IllegalTransition):
            order.require_cooking("postpone")


def test_nothing_personal_is_said_of_a_new_order():
    assert set(an_order().newborn().fields) == {
        "status",
        "number",
        "merchant_id",
        "customer_id",
        "total_minor",
        "currency",
        "placed_at",
        "payment_method",
        "payment_status",
        "scheduled_from",
        "scheduled_to",
        "accept_by",
    }


def test_every_event_of_the_table_has_its_command():
    commands = {
        Release(NOON), Accept(0, 0), Reject("", ""), Expire(), Cancel("", ""), Undo(NOON), UndoEarly(), PickUp(),
        Deliver(), Fail(""), Redeliver(), Remake(0, 0), Return(), Settle(""), Uphold(), ConfirmReceipt(),
        Dispute(""),
    }  # fmt: skip
    assert {command.event for command in commands} == set(Event)
