"""Which timers run in which state of an order, and from when they count."""

from datetime import timedelta

import pytest

from server.orders.alarms import Alarm, Patience, changes
from server.orders.kitchen import Kitchen
from server.orders.lifecycle import ENDED, Status
from server.orders.moves import Accept, Deliver, PickUp
from server.settings import Settings
from tests.builders import an_order
from tests.fakes import NOON

PATIENCE = Patience.of(Settings())
MINUTE = timedelta(minutes=1)


def set_by(before, after, now=NOON):
    return changes(before, after, now=now, patience=PATIENCE)


def test_a_new_order_waits_for_its_merchant_and_a_scheduled_one_for_its_time():
    order = an_order()
    assert set_by(None, order) == {Alarm.ACCEPT_DEADLINE: order.accept_by}
    scheduled = an_order(status=Status.SCHEDULED, accept_by=None, release_at=NOON + 30 * MINUTE)
    assert set_by(None, scheduled) == {Alarm.RELEASE: NOON + 30 * MINUTE}


def test_accepted_means_that_kitchen_and_promise_are_watched():
    order = an_order()
    accepted, _ = order.after(Accept(600, 600), at=NOON)
    assert set_by(order, accepted) == {
        Alarm.ACCEPT_DEADLINE: None,
        Alarm.READY_LATE: NOON + 10 * MINUTE + timedelta(seconds=PATIENCE.ready_s),
        Alarm.PROMISE_DUE: accepted.promised_at,
    }


def test_ready_means_that_somebody_should_fetch_it():
    accepted, _ = an_order().after(Accept(600, 600), at=NOON)
    ready, _ = accepted.noted("ready", NOON, {"kitchen": Kitchen.READY, "ready_at": NOON})
    pickup_late = NOON + timedelta(seconds=PATIENCE.pickup_s)
    assert set_by(accepted, ready) == {Alarm.READY_LATE: None, Alarm.PICKUP_LATE: pickup_late}
    fetched, _ = ready.after(PickUp(), at=NOON)
    assert set_by(ready, fetched) == {Alarm.PICKUP_LATE: None}


def test_another_promise_is_another_alarm_and_the_same_is_not_set_again():
    accepted, _ = an_order().after(Accept(600, 600), at=NOON)
    later = accepted.promised_at + 10 * MINUTE
    promised, _ = accepted.noted("re_promised", NOON, {"promised_at": later})
    assert set_by(accepted, promised) == {Alarm.PROMISE_DUE: later}
    assert set_by(promised, promised.noted("whatever", NOON, {})[0]) == {}


def test_a_customer_has_their_time_from_when_we_heard_of_the_delivery():
    delivering = an_order(status=Status.DELIVERING, promised_at=NOON)
    delivered, _ = delivering.after(Deliver(), at=NOON - 180 * MINUTE)
    assert set_by(delivering, delivered) == {
        Alarm.PROMISE_DUE: None,
        Alarm.RECEIPT_REMINDER: NOON + timedelta(seconds=PATIENCE.remind_s),
        Alarm.RECEIPT_DUE: NOON + timedelta(seconds=PATIENCE.receipt_s),
    }


@pytest.mark.parametrize("status", sorted(ENDED))
def test_nothing_is_watched_once_nothing_is_under_way(status):
    order = an_order(
        status=status,
        kitchen=Kitchen.READY,
        ready_at=NOON,
        promised_at=NOON,
        release_at=NOON,
        delivered_at=NOON,
    )
    assert set_by(None, order) == {}
