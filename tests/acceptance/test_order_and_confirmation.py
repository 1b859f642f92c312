"""workflow §1, order and confirmation 订单生成与确认.

"The customer submits an order.  The system checks by itself: address, contact, payment status, basket.  What fails is
refused with the field and the reason; nothing half-made stays.  Status pending acceptance 待接单; the merchant is
notified at once."
"""

import pytest

from tests.started import Person, StartedServer
from tests.visits import visiting

LAT, LNG = 60.2094, 24.9384  # a district of its own
DOOR = {
    "name": "Aino Virtanen", "phone": "040 123 4567", "address": "Mäkelänkatu 45 A 3", "lat": LAT + 0.005, "lng": LNG,
}  # fmt: skip
NEVER: dict[str, object] = {"weekly": {}}


def area(reach_deg: float = 0.01, **facts: object) -> dict:
    """A square around the kitchen, drawn as GeoJSON has it: lng before lat."""
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
    ring = [[LNG + east * reach_deg, LAT + north * reach_deg] for east, north in corners]
    return {"name": "Vallila", "polygon": {"type": "Polygon", "coordinates": [ring]}, **facts}


class House:
    """A merchant with its people, and a customer who orders there."""

    def __init__(self, server: StartedServer) -> None:
        self.server = server
        self.merchant = server.merchant(lat=LAT, lng=LNG)
        self.path = f"/api/v1/merchants/{self.merchant['id']}"
        self.kitchen: Person = server.person("merchant", merchant_id=self.merchant["id"])
        self.customer: Person = server.person("customer")

    def says(self, **changes: object) -> dict:
        """The merchant's people change something about their house."""
        return self.server.call("PATCH", self.path, by=self.kitchen, json=changes)

    def wish(self, quantity: int = 1, **changed: object) -> dict:
        items = [{"item_id": self.merchant["menu"][0]["id"], "quantity": quantity}]
        return {"merchant_id": self.merchant["id"], "items": items, "contact": DOOR, **changed}

    def order(self, **changed: object) -> dict:
        return self.server.call("POST", "/api/v1/orders", by=self.customer, json=self.wish(**changed))

    def refused(self, language: str = "en", **changed: object) -> dict[str, tuple[str, str]]:
        """By field: the word and the sentence why the order is refused."""
        response = self.server.request(
            "POST", "/api/v1/orders", by=self.customer, json=self.wish(**changed),
            headers={"Accept-Language": language},
        )  # fmt: skip
        assert response.status_code == 422, response.text
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["content-language"] == language
        return {fault["pointer"]: (fault["code"], fault["detail"]) for fault in response.json()["errors"]}


@pytest.fixture(scope="module")
def house(server: StartedServer) -> House:
    """Its delivery area is drawn by the merchant itself."""
    house = House(server)
    server.call("POST", f"{house.path}/areas", by=house.kitchen, json=area(delivery_fee_minor=290))
    return house


async def test_what_is_right_waits_for_acceptance_and_the_merchant_knows_at_once(house: House):
    async with visiting(house.server.socket_url, house.kitchen.token) as kitchen:
        topic = f"merchant:{house.merchant['id']}"
        await kitchen.join(topic)
        order = house.order(quantity=2, total_minor=2870, delivery_fee_minor=290)
        told = await kitchen.event("changed")
        assert (told["payload"]["id"], told["payload"]["name"]) == (order["id"], "placed")
    assert order["status"] == "pending_acceptance"
    assert (order["items_minor"], order["delivery_fee_minor"], order["total_minor"]) == (2580, 290, 2870)
    seen = house.server.call("GET", f"/api/v1/orders/{order['id']}", by=house.customer)
    assert seen["contact"] == {**DOOR, "phone": "+358401234567", "note": ""}


def test_what_fails_is_refused_with_the_field_and_the_reason_and_nothing_half_made_stays(house: House):
    before = house.server.call("GET", "/api/v1/orders", by=house.customer)["orders"]
    wrong = {"name": "", "phone": "040", "address": "Mäkelänkatu", "lat": LAT + 0.02, "lng": LNG}
    told = house.refused(contact=wrong, total_minor=1)
    assert {field: code for field, (code, _) in told.items()} == {
        "/contact/name": "missing",
        "/contact/phone": "phone_too_short",
        "/contact/address": "outside_delivery_area",
    }
    basket = house.refused(contact={**DOOR, "address": "Mäkelänkatu"}, quantity=0, payment={"method": "card"})
    assert {field: code for field, (code, _) in basket.items()} == {
        "/contact/address": "address_incomplete",
        "/items/0/quantity": "bad_quantity",
        "/payment/method": "card_needs_checkout",
    }
    assert house.refused(total_minor=1290)["/total_minor"] == ("wrong_total", "The total is 1580 today")
    assert house.refused("zh", total_minor=1290)["/total_minor"] == ("wrong_total", "现在的总价是 1580")
    assert house.server.call("GET", "/api/v1/orders", by=house.customer)["orders"] == before


async def test_a_closed_kitchen_takes_no_order_and_its_open_page_sees_that_it_closed(house: House):
    async with visiting(house.server.socket_url, house.kitchen.token) as kitchen:
        await kitchen.join(f"merchant:{house.merchant['id']}")
        for closing in ({"open": False}, {"hours": NEVER}, {"paused_until": "2999-01-01T00:00:00Z"}):
            merchant = house.says(**closing)
            change = (await kitchen.event("changed"))["payload"]
            assert (change["entity"], change["version"]) == ("merchant", merchant["version"])
            assert not merchant["open_now"]
            assert house.refused()["/merchant_id"][0] in {"merchant_closed", "merchant_paused"}
            house.says(open=True, hours=None, paused_until=None)
            await kitchen.event("changed")
    house.order()


def test_an_area_may_sleep_and_an_operator_may_draw_one_too(server: StartedServer):
    house = House(server)
    areas = f"{house.path}/areas"
    drawn = server.call("POST", areas, by=house.kitchen, json=area(hours=NEVER))
    assert house.refused() == {
        "/contact/address": ("delivery_area_closed", "The merchant does not deliver there at that time")
    }
    dispatcher = server.person("dispatcher")
    server.call("POST", areas, by=dispatcher, json=area(delivery_fee_minor=0))
    house.order()
    # Somebody who still sees the first version is told so, with what is there now.
    awake = server.call("PUT", f"{areas}/{drawn['id']}", by=house.kitchen, json={**area(), "version": 1})
    late = server.request("PUT", f"{areas}/{drawn['id']}", by=dispatcher, json={**area(), "version": 1})
    assert (late.status_code, late.json()["code"]) == (409, "area_changed")
    assert late.json()["area"]["version"] == awake["version"] == 2


def test_a_dish_that_is_sold_out_or_off_the_menu_is_not_ordered(server: StartedServer):
    house = House(server)
    dish = f"{house.path}/menu/{house.merchant['menu'][0]['id']}"
    server.call("PATCH", dish, by=house.kitchen, json={"sold_out_today": True})
    assert house.refused()["/items/0/item_id"][0] == "item_unavailable"
    server.call("PATCH", dish, by=house.kitchen, json={"sold_out_today": False})
    house.order()
    server.call("DELETE", dish, by=house.kitchen)
    assert house.refused()["/items/0/item_id"][0] == "unknown_item"
    assert [
        order["items"][0]["name"]
        for order in server.call("GET", "/api/v1/orders", by=house.customer)["orders"]
    ] == ["Salmon soup"]
