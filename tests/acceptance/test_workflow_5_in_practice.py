"""workflow §5, exceptions 异常订单处理: what is "also needed in practice", and that money is given back only once."""

from datetime import timedelta

import pytest

from server.simulator.bank_books import Card
from tests.acceptance.ears import clock, rides
from tests.acceptance.houses import TOTAL_MINOR, House, Platform
from tests.waiting import eventually

STAFF = "dispatcher service"


# Also needed in practice: merchant late or closed …


async def test_merchant_closed_the_order_is_called_off_and_the_money_goes_back_at_the_merchants_cost(
    house: House,
):
    courier, dispatcher = house.courier(), house.platform.dispatcher
    async with house.listening(courier) as they:
        order = house.given(courier, await house.paid())
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        ticket = house.reports(courier, order["id"], "merchant_late", reason="closed_store", words="All dark")
        opened = await they.hear("ticket opened", STAFF)
        assert opened["fields"]["owner_role"] == "dispatcher"
        house.decides(dispatcher, ticket, "acknowledge")
        # Who bears it is for those to say who may give money back; without a word the platform does.
        paying = {"refund_minor": TOTAL_MINOR, "borne_by": "merchant"}
        assert house.refused_decision(dispatcher, ticket, "cancel", **paying) == (403, "not_allowed")
        house.decides(house.platform.service, ticket, "cancel", **paying)
        await they.hear("order cancelled", "customer kitchen courier dispatcher")
        await they.hear("assignment withdrawn", "courier")
        ended = await they.hear("ticket resolved", STAFF)
        assert ended["fields"]["outcome"] == "cancelled"
        await they.hear("refund requested", "customer dispatcher")
        assert house.platform.bank.given_back_minor(order["id"]) == []  # it waits for the minute of an undo
        await house.platform.record.older(order["id"], 62)
        await they.hear("refund confirmed", "customer dispatcher")
    assert house.platform.bank.given_back_minor(order["id"]) == [TOTAL_MINOR]
    assert house.money(order["id"])["refunds"][0]["borne_by"] == "merchant"


# … item missing or damaged …


@pytest.mark.parametrize(("kind", "reason"), [("item_missing", "item_missing"), ("item_damaged", "damaged")])
async def test_item_missing_or_damaged_the_customer_shows_it_and_gets_part_of_the_money(
    house: House, kind: str, reason: str
):
    service = house.platform.service
    async with house.listening() as they:
        order = house.delivered(house.courier(), await house.paid())
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        photo = house.photo(house.customer, order["id"])
        ticket = house.reports(
            house.customer, order["id"], kind, reason=reason, words="Look", media_ids=[photo]
        )
        opened = await they.hear("ticket opened", STAFF)
        assert (opened["fields"]["kind"], opened["fields"]["owner_role"]) == (kind, "customer_service")
        disputed = await they.hear("order disputed", "customer kitchen dispatcher")
        assert disputed["fields"]["status"] == "delivery_exception"
        key = {"Idempotency-Key": f"refund {ticket['id']}"}
        said = {"amount_minor": 500, "borne_by": "courier"}
        path = f"/api/v1/tickets/{ticket['id']}/refund"
        first = house.server.call("POST", path, by=service, json=said, headers=key)
        assert (
            house.server.call("POST", path, by=service, json=said, headers=key) == first
        )  # said twice, given once
        await they.hear("refund confirmed", "customer dispatcher")
        house.decides(service, ticket, "uphold")
        await they.hear("order upheld", "customer kitchen dispatcher")
        house.says(house.customer, order["id"], "confirm-receipt")
    money = house.money(order["id"])
    assert (money["payment_status"], money["refunded_minor"]) == ("partly_refunded", 500)
    assert [one["borne_by"] for one in money["refunds"]] == ["courier"]
    assert house.platform.bank.given_back_minor(order["id"]) == [500]
    assert sum(entry["amount_minor"] for entry in money["entries"]) == 0


# … courier accident or breakdown …


async def test_accident_the_courier_rests_and_another_brings_what_is_made_again(house: House):
    hurt, other = house.courier(), house.courier()
    dispatcher = house.platform.dispatcher
    async with house.listening(hurt) as they:
        await rides(they.courier, hurt, house.lat, house.lng, available=False)
        order = house.fetched(hurt)
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        ticket = house.reports(hurt, order["id"], "accident", reason="accident")
        opened = await they.hear("ticket opened", STAFF)
        assert (opened["fields"]["severity"], opened["fields"]["owner_role"]) == ("critical", "dispatcher")
        until = (clock.now() + timedelta(hours=2)).isoformat()
        house.decides(dispatcher, ticket, "take-offline", until=until)
        house.says(hurt, order["id"], "fail", reason="lost")
        house.decides(dispatcher, ticket, "remake", template="accident")
        await they.hear("order remade", "customer kitchen dispatcher")
        await they.hear("assignment withdrawn", "customer courier")
        await rides(
            they.courier, hurt, house.lat, house.lng, available=True
        )  # he may say so; he is not asked
        house.says(dispatcher, order["id"], "assign", courier_id=other.id)
        given = await they.hear("assignment assigned", "customer")
        while given["fields"]["courier_id"] != other.id:
            given = await they.hear("assignment assigned", "customer")
        house.says(other, order["id"], "pick-up")
        house.says(other, order["id"], "deliver")
        await they.hear("order delivered", "customer kitchen dispatcher")
        await they.hear("ticket resolved", STAFF)


# … payment trouble.


async def test_payment_trouble_a_refund_that_the_bank_refuses_is_paid_out_by_hand_once(house: House):
    service = house.platform.service
    async with house.listening() as they:
        order = await house.paid(Card.REFUND_REFUSED)
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        house.says(house.kitchen, order["id"], "reject", reason="no fish")
        await house.platform.record.older(order["id"], 62)
        opened = await they.hear("ticket opened", STAFF)
        assert (opened["fields"]["kind"], opened["fields"]["reason"]) == ("payment_trouble", "refund_stuck")
        ticket = house.ticket(order["id"], "payment_trouble")
        paid = {"amount_minor": TOTAL_MINOR, "borne_by": "merchant", "words": "Receipt 17"}
        house.decides(service, ticket, "record-payout", **paid)
        ended = await they.hear("ticket resolved", STAFF)
        assert ended["fields"]["outcome"] == "paid_out"
        assert house.refused_decision(service, ticket, "record-payout", **paid)[0] == 409
    money = house.money(order["id"])
    assert (money["payment_status"], money["refunded_minor"]) == ("refunded", TOTAL_MINOR)
    assert sum(entry["amount_minor"] for entry in money["entries"]) == 0
    assert house.platform.bank.given_back_minor(order["id"]) == []


async def test_payment_trouble_another_sum_than_was_asked_for_makes_no_order_and_goes_back(town: Platform):
    house = House(town)
    async with house.listening() as they:
        checkout = house.checkout()
        they.about = checkout["id"]
        town.bank.pay(checkout["id"], Card.WRONG_AMOUNT)
        await they.hear("refund confirmed", "dispatcher")  # all of it goes back at once
        if they.service.has_heard(
            "ticket", "opened", checkout["id"]
        ):  # else it was back before anybody looked
            ended = await they.hear("ticket resolved", STAFF)
            assert ended["fields"]["outcome"] == "refunded"
    assert house.server.call("GET", "/api/v1/orders", by=house.customer)["orders"] == []
    assert town.bank.given_back_minor(checkout["id"]) == [TOTAL_MINOR - 1]


# Money given back is recorded once and only once, with who bears it.


async def test_all_books_hold_together_and_say_what_the_banks_say(town: Platform):
    async def nothing_under_way() -> bool:
        rows = await town.record.rows("SELECT count(*) FROM refunds WHERE status IN ('requested', 'sent')")
        return bool(rows[0][0] == 0)

    await town.record.rows("UPDATE timers SET due_at = now() WHERE entity_id IN (SELECT id FROM refunds)")
    await eventually(nothing_under_way, 20.0)
    query = "SELECT account, sum(amount_minor)::bigint AS sum FROM ledger_entries GROUP BY account"
    rows = await town.record.rows(query)
    sums = {row["account"]: row["sum"] for row in rows}
    assert sum(sums.values()) == 0
    assert -sums.get("provider", 0) == town.bank.balance_minor()
