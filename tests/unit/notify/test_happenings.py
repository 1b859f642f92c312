"""What leaves by webhook: of every change of an order one type, and nothing personal in it."""

import json
import re
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from server.dispatch.legs import State
from server.notify import happenings
from server.notify.happenings import HAPPENINGS, TYPES, Happened, message
from server.notify.model import EndpointChange, UnknownWebhookType, checked_types
from server.orders import kitchen, lifecycle, money_log, moves, refunds, review_service, ticket_log, tickets
from server.orders.lifecycle import Status
from server.orders.store import Named
from tests.fakes import NOON

PAGE = (Path(__file__).resolve().parents[3] / "docs/webhooks.md").read_text()
MERCHANT = UUID(int=7)


def a_happening(**facts) -> Happened:
    ordinary = {
        "entity": "order",
        "entity_id": UUID(int=1),
        "version": 2,
        "name": "accepted",
        "topics": ("order:1", f"merchant:{MERCHANT}", "dispatch:all"),
        "fields": {"status": "accepted", "preparation_s": 600, "by": "merchant", "note": "ring at Aino's"},
        "occurred_at": NOON,
    }
    return Happened(**{**ordinary, **facts})


def test_every_change_of_an_order_has_its_type():
    named = {name for entity, name in HAPPENINGS if entity == "order"}
    assert {lifecycle.PLACED, *lifecycle.HAPPENED.values(), *kitchen.HAPPENED.values()} - named == set()


def test_every_state_of_an_assignment_has_its_type():
    assert {name for entity, name in HAPPENINGS if entity == "assignment"} == {state.value for state in State}


def test_a_message_says_what_happened_to_which_order():
    body = json.loads(message(a_happening(), Named(17, Status.DELIVERING, MERCHANT)))
    assert body == {
        "type": "order.accepted",
        "timestamp": "2026-11-23T12:00:00.000Z",
        "data": {
            "entity": "order",
            "entity_id": str(UUID(int=1)),
            "version": 2,
            "order_id": str(UUID(int=1)),
            "number": 17,
            "status": "accepted",  # of the event, wherever the order is by now
            "merchant_id": str(MERCHANT),
            "by": "merchant",
            "preparation_s": 600,
        },
    }


def test_an_event_of_an_order_that_the_archive_has_taken_is_told_all_the_same():
    assert json.loads(message(a_happening(), None))["data"]["merchant_id"] == str(MERCHANT)


def test_what_is_not_told_on_a_merchants_topic_is_only_the_platforms_business():
    """A scheduled order before its time, what a courier is accused of."""
    happened = a_happening(topics=("order:1", "dispatch:all"), fields={"merchant_id": str(MERCHANT)})
    assert happened.merchant_id is None


def test_the_words_of_tickets_reviews_and_refunds_are_those_of_the_log():
    named = {name for entity, name in HAPPENINGS if entity == ticket_log.NOTICE}
    assert named == {tickets.OPENED, tickets.ACKNOWLEDGED, tickets.DECIDED, *tickets.CLOSED_WORDS}
    named = {name for entity, name in HAPPENINGS if entity == review_service.REVIEW}
    assert named == {review_service.FILED, review_service.EDITED}
    named = {name for entity, name in HAPPENINGS if entity == money_log.REFUND}
    assert named == {refunds.REFUND_HAPPENED[refunds.RefundEvent.CONFIRM]}
    assert ("order", money_log.PAYMENT_CHANGED) in HAPPENINGS
    noted = {name for entity, name in HAPPENINGS if entity == "order" and name in moves.NOTES}
    assert noted == {moves.POSTPONED, moves.RE_PROMISED, moves.READY_LATE, moves.PROMISE_BROKEN}


def test_an_assignment_names_its_order():
    order_id = uuid4()
    happened = a_happening(entity="assignment", name="picked_up", fields={"order_id": str(order_id)})
    body = json.loads(message(happened, Named(17, Status.DELIVERING, MERCHANT)))
    assert (body["type"], body["data"]["order_id"]) == ("assignment.picked_up", str(order_id))
    assert (body["data"]["number"], body["data"]["status"]) == (17, "delivering")


@pytest.mark.parametrize(
    "personal", ["name", "phone", "address", "note", "lat", "lng", "courier_name", "contact"]
)
def test_nothing_personal_leaves(personal):
    assert [told.type for told in HAPPENINGS.values() if personal in told.fields] == []
    assert "Aino" not in message(a_happening(fields={personal: "Aino"}), None)


def test_only_types_that_exist_can_be_asked_for():
    assert checked_types(["order.ready", "order.placed", "order.ready"]) == ("order.ready", "order.placed")
    with pytest.raises(UnknownWebhookType) as refused:
        checked_types(["order.ready", "order.eaten"])
    assert refused.value.details["errors"][0]["pointer"] == "/events/1"


def test_an_endpoint_could_ask_for_every_type_by_name():
    assert len(TYPES) <= 100
    assert EndpointChange(events=list(TYPES)).events == list(TYPES)


def test_the_page_shows_the_table():
    assert happenings.table() in PAGE


def test_the_page_shows_no_type_that_does_not_exist():
    shown = set(re.findall(r"`((?:order|assignment|ticket|refund|review)\.[a-z_]+)`", PAGE))
    assert shown <= set(TYPES)
