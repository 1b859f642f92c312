"""The desk in a real browser: tickets come live, are seen to and decided; contacts are shown on purpose only."""

from playwright.async_api import Page

from tests.browser.conftest import PASSWORD, Pages, reads, until
from tests.browser.desk_town import a_desk_town
from tests.started import StartedServer


async def at_the_desk(server: StartedServer, pages: Pages, role: str, **context) -> Page:
    page = await pages.open_as(server.person(role, password=PASSWORD), "/desk/", **context)
    await page.wait_for_selector('#filters button[aria-pressed="true"]')
    return page


def looks_at_contact(server: StartedServer, order_id: str) -> int:
    told = server.call("GET", f"/api/v1/audit?entity=order&entity_id={order_id}", by=server.administrator)
    return sum(entry["what"] == "looked_at_contact" for entry in told["entries"])


async def open_ticket(page: Page, ticket_id: str) -> None:
    await page.click(f'[data-ticket="{ticket_id}"]')
    await page.wait_for_selector(".story .line")


def ticket_of(server: StartedServer, order_id: str, by) -> dict:
    return server.call("GET", f"/api/v1/orders/{order_id}/tickets", by=by)["tickets"][0]


async def test_a_refusal_arrives_is_seen_to_and_is_decided(server: StartedServer, pages: Pages):
    town = a_desk_town(server)
    page = await at_the_desk(server, pages, "customer_service")
    order = town.refused_at_the_door()
    ticket = ticket_of(server, order["id"], town.dispatcher)
    row = f'[data-ticket="{ticket["id"]}"]'
    await reads(page, row, "acknowledge in")  # it came by itself, with its clock
    assert (await page.title()).startswith("(")

    await open_ticket(page, ticket["id"])
    await reads(page, ".story", "could not deliver")
    await page.wait_for_selector(".evidence .photo img[src^=blob]")
    await page.click("[data-act=acknowledge]")
    await reads(page, row, "in hand")
    assert looks_at_contact(server, order["id"]) == 0
    await page.click("[data-act=show-contact]")
    await reads(page, ".contact", "+358401234567")
    assert looks_at_contact(server, order["id"]) == 1

    await page.click("[data-room=customer]")
    await page.fill(".composer textarea", "We bring you a new one.")
    await page.click(".composer button[type=submit]")
    await reads(page, ".notes .ours", "We bring you a new one.")
    await page.click("text=Log an attempt…")
    for name, value in (("whom", "customer"), ("how", "phone"), ("result", "reached")):
        await page.select_option(f"form.decision [name={name}]", value)
    await page.click("form.decision button[type=submit]")
    await reads(page, ".talk", "customer · by phone · reached")

    await page.click("[data-decision=return]")
    await page.click("form.decision button[type=submit]")  # nothing takes it back: it is asked twice
    await page.click("form.decision button.danger")
    await reads(page, ".head .outcome", "Decided: Have it brought back to the merchant")
    seen = server.call("GET", f"/api/v1/orders/{order['id']}", by=town.dispatcher)
    assert seen["assignment"]["state"] == "en_route_to_return"


async def test_only_what_ones_role_may_decide_is_offered_and_faults_are_told_beside_the_field(
    server: StartedServer, pages: Pages
):
    town = a_desk_town(server)
    order = town.assigned()
    page = await at_the_desk(server, pages, "dispatcher")
    delay = server.call(
        "POST",
        f"/api/v1/orders/{order['id']}/tickets",
        by=town.customer,
        json={"kind": "delay", "reason": "late"},
    )
    await open_ticket(page, delay["id"])
    offered = await page.locator("[data-decision]").evaluate_all(
        "nodes => nodes.map(node => node.dataset.decision)"
    )
    assert offered == ["re_promise", "re_route", "reassign", "cancel"]
    await page.click("[data-decision=re_promise]")
    await page.fill("form.decision [name=promised_at]", "0")
    await page.click("form.decision button[type=submit]")
    await reads(page, "form.decision .field .problem", "greater than nothing")
    await page.fill("form.decision [name=promised_at]", "45")
    await page.select_option("form.decision [name=template]", "traffic")
    await page.click("form.decision button[type=submit]")
    await reads(page, ".head .outcome", "Promise a new time")
    await reads(page, ".story", "Traffic is slow on the way to you.")


async def test_a_courier_is_heard_and_warned_by_operations_only(server: StartedServer, pages: Pages):
    town = a_desk_town(server)
    ticket = server.call(
        "POST",
        "/api/v1/tickets",
        by=town.dispatcher,
        json={"courier_id": town.courier.id, "reason": "rude", "words": "Shouted."},
    )
    page = await at_the_desk(server, pages, "operations_manager")
    await open_ticket(page, ticket["id"])
    await page.click("[data-room=courier]")
    await page.fill(".composer textarea", "What happened?")
    await page.click(".composer button[type=submit]")
    await reads(page, ".notes .ours", "What happened?")

    riding = await pages.open_as(town.courier, "/courier/")
    await reads(riding, "#my-tickets", "What happened?")
    await riding.fill("#my-tickets textarea", "I was called names first.")
    await riding.click("#my-tickets form button")
    await reads(page, ".notes .theirs", "I was called names first.")

    await page.click("[data-decision=warn]")
    await page.fill("form.decision textarea", "Stay polite.")
    await page.click("form.decision button[type=submit]")
    await page.click("form.decision button.danger")
    await reads(page, ".head", "the courier was warned")
    await reads(riding, "#my-tickets", "warn the courier")

    other = await at_the_desk(server, pages, "dispatcher")
    await other.goto(f"{server.url}/desk/#/tickets/{ticket['id']}")
    await reads(other, ".acts", "Only operations")


async def test_an_order_is_found_by_its_number_and_gets_a_ticket_and_an_override(
    server: StartedServer, pages: Pages
):
    town = a_desk_town(server)
    order = town.assigned()
    page = await at_the_desk(server, pages, "customer_service")
    await page.click('#doors a[href="#/orders"]')
    await page.fill("[name=number]", str(order["number"]))
    await page.click(".look-up button")
    await reads(page, ".panel .story", "was given the order")
    await reads(page, ".money", "nothing yet")
    await page.click("[data-act=override]")
    await page.fill("form.decision [name=reason]", "The merchant's screen is broken")
    await page.click("form.decision button[type=submit]")
    await reads(page, ".order", "pickup code")
    await page.click("[data-act=raise]")
    await page.select_option("form.decision [name=kind]", "wrong_address")
    await page.select_option("form.decision [name=reason]", "address_incomplete")
    await page.click("form.decision button[type=submit]")
    await reads(page, ".head h1", "Wrong address")
    assert looks_at_contact(server, order["id"]) == 0

    await page.click("[data-decision=correct_address]")
    await reads(page, "form.decision", "Place (latitude, longitude)")
    assert await page.input_value("form.decision [name=address]") == "Katajanokka 5"
    assert looks_at_contact(server, order["id"]) == 1
    await page.click("text=Show it on the map")
    await page.wait_for_selector(".pick-map canvas")
    before = await page.input_value("form.decision [name=place]")
    box = await page.locator(".pick-map").bounding_box()
    assert box is not None
    await page.wait_for_selector(".pick-map .pin")

    async def moved() -> bool:
        await page.mouse.click(box["x"] + box["width"] / 2 + 40, box["y"] + box["height"] / 2)
        return await page.input_value("form.decision [name=place]") != before

    await until(moved, "the pin has moved")
    await page.fill("form.decision [name=address]", "Katajanokka 7")
    await page.click("form.decision button[type=submit]")
    await reads(page, ".head .outcome", "Correct the address")


async def test_the_desk_speaks_chinese_and_fits_a_phone_in_the_dark(server: StartedServer, pages: Pages):
    town = a_desk_town(server)
    order = town.refused_at_the_door()
    page = await at_the_desk(
        server,
        pages,
        "customer_service",
        viewport={"width": 360, "height": 740},
        color_scheme="dark",
        locale="zh-CN",
    )
    await open_ticket(page, ticket_of(server, order["id"], town.dispatcher)["id"])
    await reads(page, ".head h1", "客户拒收")
    await reads(page, ".story", "无法送达")
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    await page.click(".back")
    assert await page.is_visible("#filters")


async def test_an_administrator_suspends_an_account_and_reads_who_did_so(server: StartedServer, pages: Pages):
    courier = server.person("courier")
    page = await pages.open_as(server.person("administrator", password=PASSWORD), "/desk/")
    await page.fill("[name=account]", courier.id)
    await page.click(".look-up button >> nth=0")
    await page.click("button.danger")
    await page.click("button.danger")
    await reads(page, ".decision", "suspended")
    await page.fill("[name=entity_id]", courier.id)
    await page.click("button >> text=Read")
    await reads(page, ".audit tbody", "suspend")
    await page.click("text=Let in again")
    await reads(page, ".decision .facts", "active")
