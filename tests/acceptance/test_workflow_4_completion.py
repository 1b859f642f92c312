"""workflow §4, completion and review 订单完成与评价, step by step in the words of that page."""

from datetime import timedelta
from uuid import UUID

import pytest

from server.clock import SystemClock
from server.simulator.bank_books import Card
from tests.acceptance.ears import rides
from tests.acceptance.houses import PHONE, TOTAL_MINOR, House, Platform
from tests.started import Person
from tests.waiting import eventually

NOBODY = str(UUID(int=0))  # the archive's clock belongs to no order
REVIEW = {"merchant_stars": 5, "courier_stars": 4, "delivery_stars": 3, "words": "Hot, and he smiled"}


# 1. The customer is reminded to confirm receipt; silence confirms after a set time: completed 已完成.


async def test_the_customer_is_reminded_to_confirm_receipt_and_silence_confirms(hasty: Platform):
    house = House(hasty)
    courier = house.courier()
    async with house.listening() as they:
        order = house.fetched(courier)
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        house.says(courier, order["id"], "deliver")
        reminded = await they.hear("order receipt_reminded", "customer dispatcher")
        completed = await they.hear("order completed", "customer kitchen dispatcher")
        assert (completed["fields"]["status"], completed["fields"]["by"]) == ("completed", "clock")
        assert completed["version"] > reminded["version"]
        # 2. A review request is pushed.
        await they.hear("order review_requested", "customer")
    assert house.seen(order["id"])["ended_at"] is not None


async def test_the_customer_confirms_by_hand_and_only_they(house: House):
    courier = house.courier()
    async with house.listening() as they:
        order = house.fetched(courier)
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        assert house.refused(house.customer, order["id"], "confirm-receipt") == (409, "illegal_transition")
        house.says(courier, order["id"], "deliver")
        for other in (courier, house.kitchen, house.platform.service):
            assert house.refused(other, order["id"], "confirm-receipt")[0] == 403
        await they.customer.says(f"order:{order['id']}", "confirm_receipt")
        completed = await they.hear("order completed", "customer kitchen dispatcher")
        assert completed["fields"]["by"] == "customer"
        await they.hear("order review_requested", "customer kitchen dispatcher")
    left = await house.platform.record.rows(
        # The timer that looks for a courier is cleared by nobody: it fires soon, and finds that he was found.
        "SELECT kind FROM timers WHERE entity_id = $1 AND kind <> 'assign'",
        order["id"],
    )
    assert left == []  # nothing for the clock to do about it


# 2. A review request is pushed; the customer rates merchant, courier and delivery, with words.


def review(house: House, by: Person, order_id: str, **said: object) -> tuple[int, dict]:
    response = house.server.request("PUT", f"/api/v1/orders/{order_id}/review", by=by, json=said)
    return response.status_code, response.json()


async def test_the_customer_rates_merchant_courier_and_delivery_with_words(house: House):
    courier = house.courier()
    order = house.delivered(courier)
    status, said = review(house, house.customer, order["id"], **REVIEW)
    assert (status, said["code"]) == (409, "review_too_early")
    house.says(house.customer, order["id"], "confirm-receipt")
    assert review(house, house.customer, order["id"], merchant_stars=6)[0] == 422
    assert review(house, House(house.platform).customer, order["id"], **REVIEW)[0] == 404
    async with house.listening() as they:
        they.about = order["id"]
        status, filed = review(house, house.customer, order["id"], **REVIEW)
        assert (status, filed["version"], filed["courier_id"]) == (200, 1, courier.id)
        told = await they.hear("review filed", "kitchen")
        assert "smiled" not in str(told)  # words stand in no event
    # Once; but a slip of the pen may be mended for a day.
    status, edited = review(house, house.customer, order["id"], **{**REVIEW, "merchant_stars": 4})
    assert (status, edited["version"], edited["merchant_stars"]) == (200, 2, 4)
    # The courier rates the handover, and says what hindered him.
    handover = {"pickup_stars": 2, "hindrances": ["food_not_ready"], "words": "Twenty minutes at the counter"}
    path = f"/api/v1/orders/{order['id']}/handover"
    assert house.server.call("PUT", path, by=courier, json=handover)["hindrances"] == ["food_not_ready"]
    # 3. Reviews are filed: those whom they are about, and the staff, read them.
    for reader in (house.kitchen, courier, house.platform.service, house.platform.operations):
        whose = f"merchant_id={house.merchant['id']}&courier_id={courier.id}"
        read = house.server.call("GET", f"/api/v1/reviews?{whose}", by=reader)
        assert [one["order_id"] for one in read["reviews"]] == [order["id"]]
        assert read["summary"]["merchant_stars"] == 4.0


# 3. … the order, its events, its track and its tickets are archived and can be looked up later.


async def test_all_of_it_is_archived_and_can_be_looked_up_later(hasty: Platform):
    house = House(hasty)
    courier = house.courier()
    async with house.listening(courier) as they:
        await rides(they.courier, courier, house.lat, house.lng, available=False)
        order = house.given(courier)
        they.about = order["id"]
        house.says(courier, order["id"], "pick-up")
        await they.hear("order picked_up", "courier")
        for step in range(3):  # what is kept of his way leaves both ends out: they are people's doors
            await rides(they.courier, courier, house.lat + 0.0025 * step, house.lng)

        async def stored() -> bool:
            return len(house.track(courier)) == 4

        await eventually(stored)
        ticket = house.reports(courier, order["id"], "delay", reason="weather", words="Hail")
        house.says(courier, order["id"], "deliver")
        house.says(house.customer, order["id"], "confirm-receipt")
        await they.hear("ticket resolved", "service")
    assert review(house, house.customer, order["id"], **REVIEW)[0] == 200
    service = house.platform.service

    def archived(**wanted: str) -> list[str]:
        found = house.server.request("GET", "/api/v1/archive/orders", by=service, params=wanted).json()[
            "orders"
        ]
        return [one["order_id"] for one in found]

    async def away() -> bool:
        await hasty.record.ring("archive_orders", NOBODY)
        return order["id"] in archived(merchant_id=house.merchant["id"])

    await eventually(away, 20.0)
    day = SystemClock().now().date()
    days = [(day - timedelta(days=1)).isoformat(), day.isoformat()]  # in case of midnight
    assert archived(number=str(order["number"])) == [order["id"]]  # the id that people say
    assert order["id"] in archived(phone="040 123 4567")
    assert archived(courier_id=courier.id) == [order["id"]]
    assert archived(customer_id=house.customer.id) == [order["id"]]
    assert any(order["id"] in archived(day=one) for one in days)
    kept = house.server.call("GET", f"/api/v1/archive/orders/{order['id']}", by=service)
    names = [event["name"] for event in kept["events"] if event["entity"] == "order"]
    assert names == ["placed", "accepted", "picked_up", "delivered", "completed", "review_requested"]
    assert [one["id"] for one in kept["tickets"]] == [ticket["id"]]
    assert kept["review"]["merchant_stars"] == 5
    assert [track["courier_id"] for track in kept["tracks"]] == [courier.id]
    assert kept["contact"]["phone"] == PHONE
    assert {"Hail", REVIEW["words"]} <= {text for one in kept["words"] for text in one["said"].values()}
    # The customer's own page is over; an analyst reads facts, no people; others nothing.
    assert house.server.request("GET", f"/api/v1/orders/{order['id']}", by=house.customer).status_code == 404
    path = f"/api/v1/archive/orders/{order['id']}"
    facts = house.server.call("GET", path, by=house.server.person("data_analyst"))
    assert (facts["contact"], facts["words"], facts["tracks"]) == (None, [], None)
    for other in (house.kitchen, courier, house.platform.dispatcher):
        assert house.server.request("GET", path, by=other).status_code == 403


# Undo where a slip is costly (workflow §8): within a minute, by the role that did it; the money waits for that minute.


@pytest.mark.parametrize("command", ["reject", "cancel"])
async def test_a_slip_is_undone_within_the_minute_and_the_money_has_waited(house: House, command: str):
    async with house.listening() as they:
        order = await house.paid()
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        who, other = (
            (house.kitchen, house.customer) if command == "reject" else (house.customer, house.kitchen)
        )
        ended = house.says(who, order["id"], command, reason="a slip of the finger")
        await they.hear(f"order {ended['status']}", "customer kitchen dispatcher")
        assert house.refused(other, order["id"], "undo") == (403, "not_yours_to_undo")
        house.says(who, order["id"], "undo")
        undone = await they.hear("order undone", "customer kitchen dispatcher")
        assert undone["fields"]["status"] == "pending_acceptance"
        assert undone["fields"]["total_minor"] == TOTAL_MINOR  # whoever had struck it off lists it again
        await they.hear("refund withdrawn", "customer dispatcher")
        assert house.refused(who, order["id"], "undo") == (409, "illegal_transition")
        house.accepted(order)
        await they.hear("order accepted", "customer kitchen dispatcher")
    assert house.seen(order["id"])["payment_status"] == "paid"
    assert house.platform.bank.given_back_minor(order["id"]) == []


@pytest.mark.parametrize("command", ["reject", "cancel"])
async def test_after_the_minute_it_cannot_be_undone_and_the_money_goes_back_once(house: House, command: str):
    async with house.listening() as they:
        order = await house.paid(Card.REFUND_FAILS)  # the bank's first answer is an error
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        who = house.kitchen if command == "reject" else house.customer
        house.says(who, order["id"], command, reason="meant")
        await house.platform.record.older(order["id"], 62)
        assert house.refused(who, order["id"], "undo") == (409, "too_late_to_undo")
        await they.hear("refund confirmed", "customer dispatcher")
        assert house.refused(who, order["id"], "undo") == (409, "too_late_to_undo")
    assert house.platform.bank.given_back_minor(order["id"]) == [TOTAL_MINOR]
    assert house.seen(order["id"])["payment_status"] == "refunded"
    assert house.seen(order["id"], house.platform.service)["contact"] is None  # nobody serves it any more


async def test_a_dispute_after_delivery_keeps_it_from_being_completed(house: House):
    courier = house.courier()
    async with house.listening() as they:
        order = house.delivered(courier)
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        house.says(house.customer, order["id"], "dispute", reason="not_received", note="Nobody rang")
        told = await they.hear("order disputed", "customer kitchen dispatcher")
        assert told["fields"]["status"] == "delivery_exception"
        opened = await they.hear("ticket opened", "service")
        assert opened["fields"]["kind"] == "not_received"
        assert house.refused(house.customer, order["id"], "confirm-receipt")[0] == 409
        ticket = house.ticket(order["id"], "not_received")
        house.decides(house.platform.service, ticket, "uphold")
        told = await they.hear("order upheld", "customer kitchen dispatcher")
        assert told["fields"]["status"] == "delivered"
        house.says(house.customer, order["id"], "confirm-receipt")
