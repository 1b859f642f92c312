"""An order after a command: status, version, the facts that changed, and nothing else."""

from datetime import timedelta

import pytest

from server.orders.lifecycle import TERMINAL, IllegalTransition, Status
from server.orders.model import Accept, Cancel, Deliver, Expire, PickUp, Reject
from tests.builders import an_order
from tests.fakes import NOON

LATER = NOON + timedelta(minutes=3)


@pytest.mark.parametrize(
    ("status", "command", "after", "facts"),
    [
        (
            Status.PENDING_ACCEPTANCE,
            Accept(900),
            Status.ACCEPTED,
            {"accepted_at": LATER, "preparation_s": 900},
        ),
        (
            Status.PENDING_ACCEPTANCE,
            Reject("no fish"),
            Status.REJECTED,
            {"reason": "no fish", "ended_at": LATER},
        ),
        (Status.PENDING_ACCEPTANCE, Expire(), Status.EXPIRED, {"ended_at": LATER}),
        (
            Status.ACCEPTED,
            Cancel("not hungry"),
            Status.CANCELLED,
            {"reason": "not hungry", "ended_at": LATER},
        ),
        (Status.ACCEPTED, PickUp(), Status.DELIVERING, {"picked_up_at": LATER}),
        (Status.DELIVERING, Deliver(), Status.DELIVERED, {"delivered_at": LATER, "ended_at": LATER}),
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


def test_what_the_table_forbids_changes_nothing():
    order = an_order(status=Status.DELIVERING)
    with pytest.raises(IllegalTransition):
        order.after(Cancel("too late"), at=LATER)


def test_an_order_has_ended_exactly_when_nothing_can_follow():
    for status, command in ((Status.ACCEPTED, PickUp()), (Status.DELIVERING, Deliver())):
        moved, _ = an_order(status=status).after(command, at=LATER)
        assert (moved.ended_at is not None) == (moved.status in TERMINAL)


def test_nothing_personal_is_said_of_a_new_order():
    fields = an_order().newborn().fields
    assert set(fields) == {
        "status",
        "number",
        "merchant_id",
        "customer_id",
        "total_minor",
        "currency",
        "placed_at",
    }
