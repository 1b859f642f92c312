"""workflow §5, exceptions 异常订单处理: each kind with its process, owner and clock, in the words of that page.

What is "also needed in practice" stands in test_workflow_5_in_practice.py.
"""

from datetime import datetime, timedelta
from typing import Any

from server.simulator.bank_books import Card
from tests.acceptance.ears import Listening, clock, rides
from tests.acceptance.houses import PRICE_MINOR, TOTAL_MINOR, House
from tests.waiting import eventually

STAFF = "dispatcher service"

# kind: whose it is, and to whom it climbs, when nobody acknowledges it in so many seconds
OWNERS = {
    "delay": (["dispatcher", "customer_service", "operations_manager"], 120),
    "refusal": (["customer_service", "operations_manager"], 180),
    "wrong_address": (["customer_service", "dispatcher", "operations_manager"], 120),
    "unreachable": (["customer_service", "dispatcher", "operations_manager"], 120),
    "misconduct": (["operations_manager"], 3600),
    "merchant_late": (["dispatcher", "customer_service", "operations_manager"], 180),
    "item_missing": (["customer_service", "operations_manager"], 600),
    "item_damaged": (["customer_service", "operations_manager"], 600),
    "accident": (["dispatcher", "operations_manager"], 60),
    "payment_trouble": (["customer_service", "operations_manager"], 900),
}


def test_each_kind_has_a_process_an_owner_and_a_clock(house: House):
    told = house.server.call("GET", "/api/v1/ticket-kinds", by=house.platform.operations)["kinds"]
    kinds = {one["kind"]: one for one in told}
    for kind, (ladder, acknowledge_s) in OWNERS.items():
        assert (kinds[kind]["ladder"], kinds[kind]["acknowledge_within_s"]) == (ladder, acknowledge_s), kind
        assert kinds[kind]["questions"], kind
        assert kinds[kind]["decisions"], kind
        assert kinds[kind]["zh"], kind


# Any stage can raise one; each has a process, an owner and a clock.


async def test_nobody_acknowledges_it_climbs_to_the_next_and_is_overdue_in_the_end(house: House):
    async with house.listening() as they:
        order = house.accepted()
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        ticket = house.reports(house.customer, order["id"], "delay", reason="late", words="Where is it?")
        opened = await they.hear("ticket opened", STAFF)
        assert (opened["fields"]["owner_role"], opened["fields"]["severity"]) == ("dispatcher", "medium")
        await they.hear("ticket_notice opened", "customer kitchen")
        for owner in ("customer_service", "operations_manager"):
            await house.platform.record.older_ticket(ticket["id"], 121)
            climbed = await they.hear("ticket escalated", STAFF)
            assert climbed["fields"]["owner_role"] == owner
        # Acknowledged it climbs no more; put off, it comes back by itself.
        operations = house.platform.operations
        house.decides(operations, ticket, "acknowledge")
        await they.hear("ticket acknowledged", STAFF)
        until = (clock.now() + timedelta(minutes=5)).isoformat()
        house.decides(operations, ticket, "snooze", until=until, words="The courier is at the door")
        await they.hear("ticket snoozed", STAFF)
        await house.platform.record.older_ticket(ticket["id"], 301)
        await they.hear("ticket woken", STAFF)
        await house.platform.record.older_ticket(ticket["id"], 1800)
        overdue = await they.hear("ticket overdue", STAFF)
        assert overdue["fields"]["severity"] == "high"
        # The same trouble twice joins this ticket.
        again = house.reports(house.kitchen, order["id"], "delay", reason="weather")
        assert again["id"] == ticket["id"]
        assert (await they.hear("ticket reported", STAFF))["fields"]["occurrences"] == 2


# delay 订单延误: strategy adjusted (re-route, re-assign, new promise), the customer told why | dispatcher


async def test_delay_the_dispatcher_reassigns_and_promises_anew_and_the_customer_is_told_why(house: House):
    slow, quick = house.courier(), house.courier()
    async with house.listening(slow) as they:
        order = house.given(slow)
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        await house.platform.record.ring("promise_due", order["id"])  # the promised time is there
        await they.hear("order promise_broken", "customer kitchen dispatcher")
        opened = await they.hear("ticket opened", STAFF)
        assert (opened["fields"]["kind"], opened["fields"]["opened_by_role"]) == ("delay", "system")
        dispatcher, ticket = house.platform.dispatcher, house.ticket(order["id"], "delay")
        house.decides(dispatcher, ticket, "acknowledge")
        house.decides(dispatcher, ticket, "reassign", template="new_courier")
        await they.hear("assignment withdrawn", "customer kitchen courier dispatcher")
        house.says(dispatcher, order["id"], "assign", courier_id=quick.id)
        given = await they.hear("assignment assigned", "customer")
        assert given["fields"]["courier_id"] == quick.id
        later = datetime.fromisoformat(order["promised_at"]) + timedelta(minutes=15)
        house.decides(
            dispatcher, ticket, "re-promise", promised_at=later.isoformat(), template="no_courier_free"
        )
        promised = await they.hear("order re_promised", "customer kitchen dispatcher")
        assert promised["fields"]["why"] == "no_courier_free"
        said = house.server.call("GET", f"/api/v1/tickets/{ticket['id']}", by=house.customer)["said"]
        assert [one["template"] for one in said] == ["new_courier", "no_courier_free"]
        house.says(quick, order["id"], "pick-up")
        house.says(quick, order["id"], "deliver")
        ended = await they.hear("ticket resolved", STAFF)
    assert ended["fields"]["outcome"] in {"recovered", "delivered_late"}
    # A ticket can always be read as a story, in both languages; whole for the staff, their part for the customer.
    story = house.story(ticket)
    for words in (
        "the promised time passed",
        "Another courier brings your order.",
        "All couriers are on the road",
    ):
        assert words in story, story
    assert "订单延误" in house.story(ticket, lang="zh")
    assert len(house.story(ticket, house.customer).splitlines()) < len(story.splitlines())


# customer refuses 客户拒收: cause investigated, a solution agreed (refund, part refund, redelivery, return)
# | customer service


async def refused_at_the_door(house: House, they: Listening, card: Card = Card.OK) -> tuple[dict, dict, Any]:
    """An order paid by card whose customer refuses it; its ticket, and the courier who stands there."""
    courier = house.courier()
    order = house.fetched(courier, await house.paid(card))
    they.about = order["id"]
    await they.customer.joins(f"order:{order['id']}")
    photo = house.photo(courier, order["id"])
    house.says(
        courier, order["id"], "fail", reason="refused_damaged", note="Soup everywhere", evidence=[photo]
    )
    opened = await they.hear("ticket opened", STAFF)
    assert (opened["fields"]["kind"], opened["fields"]["owner_role"]) == ("refusal", "customer_service")
    return order, house.ticket(order["id"], "refusal"), courier


async def test_refusal_the_cause_is_investigated_and_the_bag_returned_and_the_money_given_back_once(
    house: House,
):
    async with house.listening() as they:
        order, ticket, courier = await refused_at_the_door(house, they)
        service = house.platform.service
        # Investigated: the customer is asked, and answers.
        house.decides(service, ticket, "note", to="customer", words="What was wrong with it?")
        await they.hear("ticket_notice noted", "customer")
        until = (clock.now() + timedelta(minutes=10)).isoformat()
        house.decides(service, ticket, "wait", whom="customer", until=until)
        house.decides(house.customer, ticket, "answer", words="It had run out into the bag")
        await they.hear("ticket resumed", STAFF)
        # Agreed: part of it is refunded, and the courier brings it back.
        refund = {"amount_minor": PRICE_MINOR, "borne_by": "merchant"}
        house.decides(service, ticket, "refund", **refund)
        decided = await they.hear("ticket decided", STAFF)
        assert (decided["fields"]["refund_minor"], decided["fields"]["borne_by"]) == (PRICE_MINOR, "merchant")
        await they.hear("refund confirmed", "customer dispatcher")
        house.decides(service, ticket, "return")
        await they.hear("assignment en_route_to_return", "customer kitchen dispatcher")
        house.says(courier, order["id"], "arrive-at-return")
        house.says(courier, order["id"], "hand-back")
        told = await they.hear("order returned", "customer kitchen dispatcher")
        assert told["fields"]["status"] == "returned"
        ended = await they.hear("ticket resolved", STAFF)
        assert ended["fields"]["outcome"] == "returned"
        # What was decided by people is not given back once more by the rules.
        await house.platform.record.older(order["id"], 62)
        assert house.platform.bank.given_back_minor(order["id"]) == [PRICE_MINOR]
    money = house.money(order["id"])
    assert (money["payment_status"], money["refunded_minor"]) == ("partly_refunded", PRICE_MINOR)
    assert [one["borne_by"] for one in money["refunds"]] == ["merchant"]
    assert sum(entry["amount_minor"] for entry in money["entries"]) == 0
    story = house.story(ticket)
    for words in ("What was wrong with it?", "It had run out into the bag", "Soup everywhere"):
        assert words in story
    mine = house.story(ticket, house.customer)
    assert "Soup everywhere" not in mine  # that was said among others
    assert "It had run out into the bag" in mine


async def test_refusal_may_end_in_a_redelivery_a_remake_or_a_settlement(house: House):
    async with house.listening() as they:
        _, ticket, courier = await refused_at_the_door(house, they)
        service, dispatcher = house.platform.service, house.platform.dispatcher
        order_id = they.about
        house.decides(service, ticket, "redeliver", template="comes_again")
        await they.hear("order redelivering", "customer kitchen dispatcher")
        house.says(courier, order_id, "fail", reason="refused_changed_mind")
        await they.hear("ticket reported", STAFF)  # the same trouble joins the same ticket
        house.decides(service, ticket, "remake")
        remade = await they.hear("order remade", "customer kitchen dispatcher")
        assert (remade["fields"]["status"], remade["fields"]["kitchen"]) == ("accepted", "preparing")
        house.says(dispatcher, order_id, "assign", courier_id=courier.id)
        house.says(courier, order_id, "pick-up")
        house.says(courier, order_id, "fail", reason="refused_changed_mind")
        assert house.refused_decision(dispatcher, ticket, "settle")[0] == 403  # that is not dispatch's to say
        house.decides(service, ticket, "settle", refund_minor=TOTAL_MINOR, borne_by="platform")
        settled = await they.hear("order settled", "customer kitchen dispatcher")
        assert settled["fields"]["status"] == "closed"
        await they.hear("refund confirmed", "customer dispatcher")
        assert house.refused_decision(service, ticket, "refund", amount_minor=1, borne_by="platform")[1] in {
            "ticket_closed", "refund_too_much",
        }  # fmt: skip
    assert house.platform.bank.given_back_minor(order_id) == [TOTAL_MINOR]


# wrong address, or customer unreachable 地址错误/无法联系: customer contacted, address corrected, or redelivery
# arranged | customer service with dispatcher


async def test_wrong_address_the_customer_is_contacted_the_address_corrected_and_it_is_brought_there(
    house: House,
):
    courier, service = house.courier(), house.platform.service
    async with house.listening(courier) as they:
        order = house.fetched(courier)
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        house.says(courier, order["id"], "fail", reason="wrong_address")
        await they.hear("ticket opened", STAFF)
        ticket = house.ticket(order["id"], "wrong_address")
        house.decides(service, ticket, "log-contact", whom="customer", how="phone", result="no_answer")
        house.decides(service, ticket, "log-contact", whom="customer", how="phone", result="reached")
        await they.hear("ticket contact_tried", STAFF)
        right = {"address": "Mäkelänkatu 54 B 7", "lat": house.lat + 0.006, "lng": house.lng}
        far = {**right, "lat": house.lat + 0.2}
        assert house.refused_decision(service, ticket, "correct-address", **far) == (409, "too_far_away")
        assert house.refused_decision(service, ticket, "correct-address", **{**right, "address": "?"})[1] == (
            "bad_address"
        )
        house.decides(service, ticket, "correct-address", **right)
        corrected = await they.hear("order address_corrected", "customer kitchen courier dispatcher")
        assert "Mäkelänkatu" not in str(corrected)  # who may see it reads it anew
        assert house.seen(order["id"], courier)["contact"]["address"] == right["address"]
        house.decides(service, ticket, "redeliver")
        await they.hear("order redelivering", "customer kitchen courier dispatcher")
        house.says(courier, order["id"], "deliver")
        ended = await they.hear("ticket resolved", STAFF)
        assert ended["fields"]["outcome"] == "delivered"
    ticket = house.ticket(order["id"], "wrong_address")
    assert [one["result"] for one in ticket["contacts"]] == ["no_answer", "reached"]


async def test_unreachable_every_attempt_is_logged_and_it_goes_back(house: House):
    courier, service = house.courier(), house.platform.service
    async with house.listening(courier) as they:
        order = house.fetched(courier)
        they.about = order["id"]
        house.says(courier, order["id"], "fail", reason="no_answer")
        await they.hear("ticket opened", STAFF)
        ticket = house.ticket(order["id"], "unreachable")
        for how in ("phone", "message", "door"):
            house.decides(service, ticket, "log-contact", whom="customer", how=how, result="no_answer")
        house.decides(service, ticket, "return", template="cannot_reach_you")
        await they.hear("assignment en_route_to_return", "kitchen courier dispatcher")
        house.says(courier, order["id"], "hand-back")
        await they.hear("order returned", "kitchen courier dispatcher")
        await they.hear("ticket resolved", STAFF)
    assert "no answer" in house.story(ticket)


# courier misconduct 配送员违规: facts verified, then warning, suspension or dismissal of the report
# | operations management


async def test_misconduct_facts_are_verified_the_courier_is_heard_then_warned_or_the_report_dismissed(
    house: House,
):
    courier, operations = house.courier(), house.platform.operations
    for verdict, said in (("warn", {"words": "Not again"}), ("dismiss", {"words": "He was polite"})):
        order = house.delivered(courier)
        async with house.listening(courier) as they:
            they.about = order["id"]
            ticket = house.reports(house.customer, order["id"], "misconduct", reason="rude", words="He swore")
            opened = await they.hear("ticket opened", STAFF)
            assert opened["fields"]["owner_role"] == "operations_manager"
            they.never("ticket_notice opened", "courier")  # until he is asked about it
            for other in (house.platform.dispatcher, house.platform.service):
                assert house.refused_decision(other, ticket, "warn", words="!")[0] == 403
            house.decides(operations, ticket, "note", to="courier", words="What do you say to it?")
            await they.hear("ticket_notice noted", "courier")
            house.decides(courier, ticket, "answer", words="She had no shoes on")
            house.decides(operations, ticket, verdict, **said)
            ended = await they.hear("ticket resolved" if verdict == "warn" else "ticket dismissed", STAFF)
            assert ended["fields"]["outcome"] == ("warned" if verdict == "warn" else "unfounded")
        assert "She had no shoes on" in house.story(ticket, operations)
        house.says(house.customer, order["id"], "confirm-receipt")


async def test_misconduct_a_suspended_courier_gets_no_offers_and_may_not_stream(house: House):
    courier, operations = house.courier(), house.platform.operations
    async with house.listening(courier) as they:
        await rides(they.courier, courier, house.lat, house.lng, available=True)
        said = {"courier_id": courier.id, "reason": "positions_faked"}
        ticket = house.server.call("POST", "/api/v1/tickets", by=house.platform.dispatcher, json=said)
        house.decides(operations, ticket, "suspend", words="Until this is cleared up")
        code, _ = await they.courier.visit.closed()
        assert code == 4503
    order = house.accepted()
    dispatcher = house.platform.dispatcher
    assert house.refused(dispatcher, order["id"], "assign", courier_id=courier.id) == (
        404,
        "courier_not_found",
    )

    async def out() -> bool:
        return house.server.request("GET", "/api/v1/me", by=courier).status_code in (401, 403)

    await eventually(out)
    signing_in = house.server.request("POST", "/api/v1/sessions", json={"device_key": courier.device_key})
    assert (signing_in.status_code, signing_in.json()["code"]) == (403, "suspended")
