"""What the desk asks for: an order without looking at its contact, its story, and who may decide what in a ticket."""

LOOKS = "SELECT count(*) FROM audit_log WHERE what = 'looked_at_contact'"


async def test_an_order_can_be_shown_without_its_contact_and_then_no_look_is_written_down(api):
    town = api.town
    order_id = await town.placed()
    for path in (f"/api/v1/orders/{order_id}", "/api/v1/orders"):
        seen = (await api.ask(town.service, "GET", f"{path}?contact=false")).json()
        [order] = seen.get("orders", [seen])
        assert order["dropoff"] is None
        assert order.get("contact") is None
    assert await town.storage.pool.fetchval(LOOKS) == 0
    seen = (await api.ask(town.service, "GET", f"/api/v1/orders/{order_id}")).json()
    assert seen["contact"]["phone"]
    assert await town.storage.pool.fetchval(LOOKS) == 1


async def test_an_order_can_be_read_as_a_story_by_the_staff_only(api):
    town = api.town
    courier = await town.courier()
    order_id = await town.assigned(courier)
    path = f"/api/v1/orders/{order_id}/story"
    told = (await api.ask(town.service, "GET", path, accept_language="zh")).json()["story"]
    assert [line["name"] for line in told][:2] == ["placed", "accepted"]
    assert "下单" in told[0]["text"]
    assert {line["entity"] for line in told} == {"order", "assignment"}
    for somebody in (town.customer, town.kitchen, courier):
        assert (await api.ask(somebody, "GET", path)).status_code == 403
    nowhere = await api.ask(town.service, "GET", f"/api/v1/orders/{town.merchant.id}/story")
    assert nowhere.json()["code"] == "order_not_found"


async def test_the_catalogue_of_tickets_says_which_roles_decide_what(api):
    kinds = (await api.ask(api.town.dispatcher, "GET", "/api/v1/ticket-kinds")).json()["kinds"]
    roles = {decision["code"]: decision["roles"] for kind in kinds for decision in kind["decisions"]}
    assert roles["suspend"] == ["operations_manager"]
    assert roles["reassign"] == ["dispatcher"]
    assert roles["refund"] == ["customer_service", "operations_manager"]
