"""workflow §3, delivery 配送执行, step by step in the words of that page."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.acceptance.ears import Ear, phones, rides
from tests.acceptance.houses import House, Platform
from tests.waiting import eventually

EVERYBODY = "customer kitchen courier dispatcher"


# 1. The courier's position is tracked in real time.


async def test_the_courier_is_followed_live_by_those_whom_his_way_concerns_and_stored(house: House):
    courier = house.courier()
    async with house.listening(courier) as they, phones(house.server.socket_url, house.kitchen) as (counter,):
        await rides(they.courier, courier, house.lat, house.lng, available=False)
        order = house.given(courier)
        they.about = order["id"]
        topic = f"order:{order['id']}"
        await they.customer.joins(topic)
        await counter.joins(topic)
        await they.hear("assignment assigned", "kitchen courier dispatcher")
        house.says(courier, order["id"], "take")
        await they.hear("assignment accepted", "customer")
        # On the way to the pickup the customer sees about where he is, the kitchen exactly.
        lat = house.lat + 0.00001
        await rides(they.courier, courier, lat, house.lng)
        seen = await position(they.customer)
        assert seen["coarse"]
        exact = await position(counter)
        while exact["lat"] != pytest.approx(lat, abs=1e-7):
            exact = await position(counter)
        assert not exact.get("coarse")
        house.says(courier, order["id"], "pick-up")
        await they.hear("order picked_up", EVERYBODY)
        # On the way to the door the customer sees exactly where he is; the kitchen, nothing more.
        lat += 0.00001
        await rides(they.courier, courier, lat, house.lng)
        seen = await position(they.customer)
        while seen["lat"] != pytest.approx(lat, abs=1e-7):
            seen = await position(they.customer)
        assert not seen.get("coarse")
        snapshot = await counter.joins(topic)
        assert snapshot["position"] is None
        house.says(courier, order["id"], "deliver")
        await they.hear("order delivered", "customer")
        assert (await they.customer.joins(topic))["position"] is None  # afterwards, nobody

    async def stored() -> bool:
        return len(house.track(courier)) == 3

    await eventually(stored)


async def position(ear: Ear) -> Any:
    """The next position that this one is shown."""
    return (await ear.visit.event("position"))["payload"]


def test_nobody_else_sees_where_couriers_are(house: House):
    courier = house.courier()
    order = house.fetched(courier)
    for stranger in (house.customer, house.kitchen, house.platform.service):
        path = f"/api/v1/couriers/{courier.id}/track?from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00Z"
        assert house.server.request("GET", path, by=stranger).status_code == 403
    other = House(house.platform)
    assert house.server.request("GET", f"/api/v1/orders/{order['id']}", by=other.customer).status_code == 404


# 2. Congestion or an incident: the route is adjusted, the ETA with it.


async def test_congestion_the_route_is_adjusted_and_the_promise_with_it(house: House):
    courier, dispatcher = house.courier(), house.platform.dispatcher
    async with house.listening(courier) as they:
        order = house.fetched(courier)
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        ticket = house.reports(courier, order["id"], "delay", reason="traffic")
        await they.hear("ticket opened", "dispatcher service")
        await they.hear("ticket_notice opened", "customer kitchen courier")
        house.decides(dispatcher, ticket, "re-route", words="Over the bridge, the tunnel is closed")
        await they.hear("ticket_notice noted", "courier")
        told = house.server.call("GET", f"/api/v1/tickets/{ticket['id']}", by=courier)["said"]
        assert told[-1]["words"] == "Over the bridge, the tunnel is closed"
        later = datetime.fromisoformat(order["promised_at"]) + timedelta(minutes=20)
        house.decides(dispatcher, ticket, "re-promise", promised_at=later.isoformat(), template="traffic")
        promised = await they.hear("order re_promised", EVERYBODY)
        assert datetime.fromisoformat(promised["fields"]["promised_at"]) == later
        assert promised["fields"]["why"] == "traffic"
    seen = house.seen(order["id"])
    assert seen["first_promised_at"] == order["promised_at"]
    assert datetime.fromisoformat(seen["promised_at"]) == later


# 3. Customer refuses, address is wrong, nobody answers: the courier reports the exception, with evidence.


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("refused_changed_mind", "refusal"), ("wrong_address", "wrong_address"), ("no_answer", "unreachable")],
)
async def test_the_courier_reports_the_exception_with_evidence(house: House, reason: str, kind: str):
    courier = house.courier()
    async with house.listening(courier) as they:
        await rides(they.courier, courier, house.lat + 0.005, house.lng, available=False)
        order = house.fetched(courier)
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        house.says(courier, order["id"], "arrive-at-dropoff")
        photo = house.photo(courier, order["id"])
        assert house.refused(courier, order["id"], "fail", reason="no such reason")[1] == "unknown_reason"
        nothing = house.merchant["id"]
        assert (
            house.refused(courier, order["id"], "fail", reason=reason, evidence=[nothing])[1]
            == "media_not_found"
        )
        house.says(courier, order["id"], "fail", reason=reason, note="He shook his head", evidence=[photo])
        failed = await they.hear("order failed", EVERYBODY)
        # 4. … or delivery exception 配送异常.
        assert (failed["fields"]["status"], failed["fields"]["reason"]) == ("delivery_exception", reason)
        opened = await they.hear("ticket opened", "dispatcher service")
        assert opened["fields"]["kind"] == kind
        notice = await they.hear("ticket_notice opened", "customer kitchen courier")
        assert notice["fields"]["kind"] == kind
        assert "He shook" not in str([ear.told for ear in they.ears.values()])  # words stand in no event
    ticket = house.ticket(order["id"], kind)
    assert ticket["owner_role"] == "customer_service"
    shown = {thing["kind"]: thing for thing in ticket["evidence"]}
    assert shown["photo"]["media_id"] == photo
    assert shown["position"]["lat"] == pytest.approx(house.lat + 0.005, abs=1e-6)  # where he stood
    picture = house.server.request("GET", f"/api/v1/media/{photo}", by=house.platform.service)
    assert picture.headers["content-type"] == "image/jpeg"
    assert b"AinosPhone" not in picture.content  # what the phone wrote into it is gone
    assert b"Exif" not in picture.content
    stranger = House(house.platform).customer
    assert house.server.request("GET", f"/api/v1/media/{photo}", by=stranger).status_code == 404


# 4. Delivered 已送达 (with proof: code, photo or signature) …


@pytest.fixture
def proving(town: Platform) -> House:
    """A house that wants proof of each delivery."""
    return House(town, dropoff_proof_required=True)


@pytest.mark.parametrize("kind", ["code", "photo", "signature"])
async def test_delivered_with_proof(proving: House, kind: str):
    house, courier = proving, proving.courier()
    async with house.listening(courier) as they:
        order = house.fetched(courier)
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        assert house.refused(courier, order["id"], "deliver") == (409, "proof_needed")
        code = house.seen(order["id"])["dropoff_code"]
        assert "dropoff_code" not in house.seen(order["id"], courier)
        if kind == "code":
            wrong = f"{(int(code) + 1) % 10000:04}"
            assert house.refused(courier, order["id"], "deliver", proof={"code": wrong}) == (
                409,
                "wrong_code",
            )
            proof = {"code": code}
        else:
            proof = {"media_id": house.photo(courier, order["id"], kind)}
        assert house.seen(order["id"])["status"] == "delivering"
        house.says(courier, order["id"], "deliver", proof=proof)
        await they.hear("assignment delivered", EVERYBODY)
        told = await they.hear("order delivered", EVERYBODY)
        assert told["fields"]["status"] == "delivered"
        assert told["fields"]["proof"]["kind"] == kind
        assert code not in str([ear.told for ear in they.ears.values()])
    seen = house.seen(order["id"])
    assert seen["proof"] == {"kind": kind, "media_id": proof.get("media_id")}
    assert seen["payment_status"] == "paid"  # in cash, at the door


async def test_what_was_not_delivered_is_brought_once_more_and_then_delivered(house: House):
    courier = house.courier()
    async with house.listening(courier) as they:
        order = house.fetched(courier)
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        house.says(courier, order["id"], "fail", reason="no_answer")
        await they.hear("order failed", EVERYBODY)
        ticket = house.ticket(order["id"], "unreachable")
        house.decides(house.platform.dispatcher, ticket, "redeliver")
        told = await they.hear("order redelivering", EVERYBODY)
        assert told["fields"]["status"] == "delivering"
        await they.hear("assignment en_route_to_dropoff", EVERYBODY)
        house.says(courier, order["id"], "deliver")
        await they.hear("order delivered", EVERYBODY)
        ended = await they.hear("ticket resolved", "service dispatcher")
        assert ended["fields"]["outcome"] == "delivered"
        await they.hear("ticket_notice resolved", "customer")
