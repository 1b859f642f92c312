"""workflow §8, risk 风险控制, sentence by sentence of that page; undo stands with the steps that it undoes (§4)."""

import re
from uuid import uuid4

import pytest

from tests.acceptance.ears import Ear, rides
from tests.acceptance.houses import PHONE, House, Platform
from tests.started import Person
from tests.visits import visiting
from tests.waiting import eventually

ROLES = (
    "customer", "merchant", "courier", "dispatcher", "customer_service", "operations_manager", "data_analyst",
    "technical_support", "administrator",
)  # fmt: skip


# Permissions by role …

# command: what is said, and whose order it may be: "own" or "all"; roles that are not named may not at all
COMMANDS: dict[str, tuple[dict[str, object], dict[str, str]]] = {
    "accept": ({"preparation_s": 600}, {"merchant": "own"}),
    "reject": ({"reason": "no fish"}, {"merchant": "own"}),
    "postpone": ({"preparation_s": 600, "reason": "the oven"}, {"merchant": "own"}),
    "mark-ready": ({}, {"merchant": "own"}),
    "unmark-ready": ({}, {"merchant": "own"}),
    "cancel": (
        {"reason": "not hungry"},
        {"customer": "own", "merchant": "own", "dispatcher": "all", "customer_service": "all"},
    ),
    "undo": ({}, {"customer": "own", "merchant": "own", "dispatcher": "all", "customer_service": "all"}),
    "confirm-receipt": ({}, {"customer": "own"}),
    "dispute": ({"reason": "not_received"}, {"customer": "own"}),
    "assign": ({"courier_id": str(uuid4())}, {"dispatcher": "all"}),
    "override": (
        {"what": "pickup_code", "reason": "he is known"}, {"dispatcher": "all", "customer_service": "all"},
    ),
    "take": ({}, {"courier": "own"}),
    "decline": ({"reason": "a flat tyre"}, {"courier": "own"}),
    "confirm-pickup": ({}, {"courier": "own"}),
    "set-off": ({}, {"courier": "own"}),
    "arrive-at-pickup": ({}, {"courier": "own"}),
    "pick-up": ({}, {"courier": "own"}),
    "leave-pickup": ({}, {"courier": "own"}),
    "arrive-at-dropoff": ({}, {"courier": "own"}),
    "deliver": ({}, {"courier": "own"}),
    "fail": ({"reason": "no_answer"}, {"courier": "own"}),
    "arrive-at-return": ({}, {"courier": "own"}),
    "hand-back": ({}, {"courier": "own"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def strangers(town: Platform) -> dict[str, Person]:
    """Somebody of each role to whom nothing here belongs."""
    other = House(town)
    made = {role: town.server.person(role) for role in ROLES if role != "merchant"}
    return {**made, "merchant": other.kitchen}


@pytest.fixture(scope="module")
def finished(town: Platform) -> str:
    """Somebody's order that is over for good."""
    house = House(town)
    courier = house.courier()
    order = house.delivered(courier)
    house.says(house.customer, order["id"], "confirm-receipt")
    return str(order["id"])


@pytest.mark.parametrize("command", COMMANDS)
async def test_who_may_not_is_refused_over_rest_and_over_the_socket(
    town: Platform, strangers: dict[str, Person], finished: str, command: str
):
    said, may = COMMANDS[command]
    for role, person in strangers.items():
        # Who may never is told so; to whom it does not belong it does not exist; the rest is for its status to refuse.
        expected = {None: {"not_allowed"}, "own": {"order_not_found"}}.get(
            may.get(role),
            {
                "illegal_transition",
                "order_not_assignable",
                "courier_not_found",
                "not_yours_to_undo",
                "too_late_to_undo",
            },
        )
        path = f"/api/v1/orders/{finished}/{command}"
        response = town.server.request("POST", path, by=person, json=said)
        assert response.json()["code"] in expected, (role, response.text)
        async with visiting(town.server.socket_url, person.token) as visit:
            reply = await visit.ask(f"order:{finished}", command.replace("-", "_"), said)
        assert reply["payload"]["error"]["code"] in expected, (role, reply)


TOPICS = {
    "dispatch:all": {"dispatcher", "operations_manager"},
    "tickets:all": {"dispatcher", "customer_service", "operations_manager"},
    "merchant": {"dispatcher", "customer_service", "operations_manager"},
    "courier": {"dispatcher", "operations_manager"},
    "order": {"dispatcher", "customer_service", "operations_manager"},
}


async def test_nobody_listens_to_what_is_not_theirs(
    town: Platform, strangers: dict[str, Person], house: House
):
    courier = house.courier()
    order = house.fetched(courier)
    ids = {"merchant": house.merchant["id"], "courier": courier.id, "order": order["id"]}
    for role, person in strangers.items():
        async with visiting(town.server.socket_url, person.token) as visit:
            for kind, may in TOPICS.items():
                topic = f"{kind}:{ids[kind]}" if kind in ids else kind
                reply = (await visit.join(topic))["payload"]
                assert ("ok" in reply) is (role in may), (role, topic, reply)


# … audit of who did and saw what …


async def test_the_audit_says_who_did_and_who_saw_what(house: House):
    service, operations = house.platform.service, house.platform.operations
    order = house.order()
    house.seen(order["id"], service)
    house.seen(order["id"])  # the customer's own is no look
    path = f"/api/v1/audit?entity=order&entity_id={order['id']}"
    looks = house.server.call("GET", path, by=operations)["entries"]
    assert [(one["what"], one["actor_id"], one["actor_role"]) for one in looks] == [
        ("looked_at_contact", service.id, "customer_service"),
    ]  # fmt: skip
    courier = house.courier()
    suspended = f"/api/v1/accounts/{courier.id}/suspend"
    house.server.call("POST", suspended, by=operations, json={"reason": "misconduct"})
    deeds = house.server.call("GET", f"/api/v1/audit?entity_id={courier.id}", by=house.server.administrator)
    assert (deeds["entries"][0]["actor_id"], deeds["entries"][0]["actor_role"]) == (
        operations.id,
        operations.role,
    )
    for other in (service, house.kitchen, house.customer, house.platform.dispatcher):
        assert house.server.request("GET", "/api/v1/audit", by=other).status_code == 403
    # The program itself cannot change what stands there.
    for change in ("DELETE FROM audit_log", "UPDATE audit_log SET what = 'nothing'"):
        with pytest.raises(Exception, match=r"audit|permission|append"):
            await house.platform.record.rows(change)


# … personal data shown only to whom and as long as needed …


async def test_personal_data_is_shown_only_to_those_who_serve_the_order_while_they_serve_it(house: House):
    platform, courier = house.platform, house.courier()
    order = house.given(courier)

    def contact(by: Person) -> object:
        seen = house.server.request("GET", f"/api/v1/orders/{order['id']}", by=by)
        return seen.json()["contact"] if seen.is_success else seen.status_code

    shown = {**house.door, "note": ""}
    assert contact(courier) == contact(platform.dispatcher) == contact(platform.service) == shown
    for other in (house.kitchen, platform.operations):
        assert contact(other) is None
        seen = house.server.request("GET", f"/api/v1/orders/{order['id']}", by=other).text
        assert PHONE not in seen
        assert str(house.door["address"]) not in seen
    house.says(courier, order["id"], "pick-up")
    house.says(courier, order["id"], "deliver")
    assert contact(courier) == 404  # he has it no longer
    house.says(house.customer, order["id"], "confirm-receipt")
    assert contact(platform.dispatcher) is contact(platform.service) is None
    assert contact(house.customer) == shown
    # Somebody has to see to it once more: then they see it, until that is done.
    ticket = house.reports(house.customer, order["id"], "item_missing", reason="item_missing")
    assert contact(platform.service) == shown
    house.decides(platform.service, ticket, "resolve", outcome="solved")
    assert contact(platform.service) is None


# A customer without account follows an order by a signed link with two scopes.


async def test_a_link_shows_the_order_without_its_people_and_takes_and_reviews_it(house: House):
    courier = house.courier()
    order = house.fetched(courier)
    links = f"/api/v1/orders/{order['id']}/links"
    link = house.server.call("POST", links, by=house.customer)
    neighbour = Person("", "customer", "neighbour", "", "", link["token"])
    assert (
        link["token"] in link["url"].partition("#")[2]
    )  # behind the #: no browser sends it anywhere by itself
    seen = house.seen(order["id"], neighbour)
    assert (seen["status"], seen["contact"], seen["dropoff"]) == ("delivering", None, None)
    for command in ("cancel", "dispute"):
        assert house.refused(neighbour, order["id"], command, reason="not_received")[0] == 403
    other = house.order()
    assert house.server.request("GET", f"/api/v1/orders/{other['id']}", by=neighbour).status_code == 404
    assert house.server.request("POST", "/api/v1/orders", by=neighbour, json=house.wish()).status_code == 403
    async with visiting(house.server.socket_url, neighbour.token) as visit:
        ear = Ear("neighbour", visit)
        snapshot = await ear.joins(f"order:{order['id']}")
        assert snapshot["order"]["dropoff"] is None
        async with visiting(house.server.socket_url, courier.token) as riding:
            await rides(Ear("courier", riding), courier, house.lat + 0.003, house.lng, available=False)
        position = (await visit.event("position"))["payload"]
        assert position["lat"] == pytest.approx(
            house.lat + 0.003, abs=1e-6
        )  # where he is, while he is on his way
        house.says(courier, order["id"], "deliver")
        await ear.hears("order", "delivered", order["id"])
        assert (await ear.joins(f"order:{order['id']}"))["position"] is None  # … and no longer
    house.says(neighbour, order["id"], "confirm-receipt")
    review = f"/api/v1/orders/{order['id']}/review"
    assert house.server.call("PUT", review, by=neighbour, json={"merchant_stars": 5})["version"] == 1
    # Ended by hand, it is over everywhere within two seconds.
    house.server.call("DELETE", f"{links}/{link['id']}", by=house.customer)

    async def over() -> bool:
        return house.server.request("GET", f"/api/v1/orders/{order['id']}", by=neighbour).status_code == 401

    await eventually(over, 4.0)


# Nobody's token, phone or position stands in a log line.


async def test_no_token_phone_or_position_stands_in_any_log_of_this_run(house: House):
    platform, courier = house.platform, house.courier()
    async with house.listening(courier) as they:
        lat, lng = house.lat + 0.00123, house.lng + 0.00321
        await rides(they.courier, courier, lat, lng, available=False)
        order = house.fetched(courier)
        they.about = order["id"]
        house.says(courier, order["id"], "fail", reason="no_answer", note="His name is Aino")
        await they.hear("ticket opened", "service")
    # What goes wrong speaks most: a bad token in the address, a body that is none, a fix that is none.
    house.server.request("GET", f"/api/v1/orders?token={courier.token}", by=courier)
    house.server.request("POST", "/api/v1/orders", by=house.customer, json={"contact": house.door})
    house.server.request("POST", "/api/v1/sessions", json={"login": "chief", "password": "hunter2 hunter2"})
    logged = "".join(platform.server.lines)
    assert "Songda listens on" in logged
    people = (
        house.customer,
        house.kitchen,
        courier,
        platform.dispatcher,
        platform.service,
        platform.operations,
    )
    secrets = [
        *(person.token for person in people), *(person.device_key for person in people), PHONE, PHONE[4:],
        "Aino", "Mäkelänkatu", "hunter2", str(round(lat, 4)), str(round(house.lat + 0.005, 3)),
    ]  # fmt: skip
    for secret in secrets:
        assert secret not in logged, secret
    assert not re.search(r"eyJ[\w-]{10,}\.", logged)  # no token of anybody
    assert not re.search(r"\+358\d{6,}", logged)  # no phone of anybody
    assert "Traceback" not in logged
