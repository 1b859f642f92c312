"""A merchant's page in a real browser: the board of orders, the house and its menu, areas, keys."""

from typing import Any

from playwright.async_api import Page

from tests.browser.conftest import PASSWORD, Pages, reads, until
from tests.browser.phones import riding
from tests.started import Person, StartedServer

# A city of its own: couriers farther than 10 km are never asked.
LAT, LNG = 63.0, 24.94


async def a_kitchen(
    server: StartedServer, pages: Pages, path: str = "/merchant/", **context: Any
) -> tuple[Page, Person, dict[str, Any]]:
    """The page of a new merchant, signed in."""
    merchant = server.merchant(lat=LAT, lng=LNG)
    kitchen = server.person("merchant", merchant_id=merchant["id"], password=PASSWORD)
    return await pages.open_as(kitchen, path, **context), kitchen, merchant


def card(order: dict[str, Any], column: str = "") -> str:
    return f'{f".column.{column} " if column else ""}[data-order="{order["id"]}"]'


def act(key: str) -> str:
    return f'[data-act="kitchen.{key}"]'


async def test_an_order_walks_over_the_board_from_new_to_done(server: StartedServer, pages: Pages):
    page, _kitchen, merchant = await a_kitchen(server, pages)
    await reads(page, ".column.new", "No new orders")
    async with riding(server, LAT - 0.002, LNG) as phone:
        order = server.place_order(server.person("customer"), merchant)
        await reads(page, card(order, "new"), "Salmon soup")
        await reads(page, f"{card(order)} .deadline", "left to answer")
        assert await page.title() == "(1) Songda · kitchen"

        await page.select_option(f"{card(order)} select", "25")
        await page.click(f"{card(order)} {act('accept')}")
        await page.wait_for_selector(card(order, "cooking"))
        assert await page.title() == "Songda · kitchen"
        await reads(page, f"{card(order)} .carrier", "was asked to come")

        await page.click(f"{card(order)} {act('postpone')}")
        await page.click(f"{card(order)} .chips button >> nth=0")
        await page.click(f"{card(order)} button[type=submit]")
        await reads(page, f"{card(order, 'cooking')} {act('mark_ready')}", "Food is ready")
        await page.click(f"{card(order)} {act('mark_ready')}")
        await page.wait_for_selector(card(order, "ready"))
        await page.click(f"{card(order)} {act('unmark_ready')}")
        await page.wait_for_selector(card(order, "cooking"))
        await page.click(f"{card(order)} {act('mark_ready')}")
        code = await page.inner_text(f"{card(order, 'ready')} .pickup-code strong")
        assert len(code) == 4

        for step in ("arrive-at-pickup", "pick-up", "deliver"):
            server.call("POST", f"/api/v1/orders/{order['id']}/{step}", by=phone.person, json={})
        await page.wait_for_selector(card(order, "done"))


async def test_a_rejection_needs_a_reason_and_is_undone_within_a_minute(server: StartedServer, pages: Pages):
    page, kitchen, merchant = await a_kitchen(server, pages)
    order = server.place_order(server.person("customer"), merchant)
    await page.click(f"{card(order, 'new')} {act('reject')}")
    await page.click(f"{card(order)} button[type=submit]")
    await reads(page, f"{card(order)} .problem", "say why")
    await page.click(f"{card(order)} .chips button >> nth=1")
    await page.click(f"{card(order)} button[type=submit]")
    await reads(page, card(order, "done"), "A dish has run out")
    await page.click(f'{card(order)} [data-act="undo.do"]')
    await page.wait_for_selector(card(order, "new"))

    # Cancelled after acceptance, as well.
    await page.click(f"{card(order)} {act('accept')}")
    await page.click(f"{card(order, 'cooking')} {act('cancel')}")
    await page.fill(f"{card(order)} .question input", "The oven is broken")
    await page.click(f"{card(order)} button[type=submit]")
    await reads(page, card(order, "done"), "The oven is broken")
    told = server.call("GET", f"/api/v1/orders/{order['id']}", by=kitchen)
    assert (told["status"], told["ended_by"]) == ("cancelled", "merchant")


async def test_the_question_on_a_card_stays_while_the_order_moves(server: StartedServer, pages: Pages):
    page, _kitchen, merchant = await a_kitchen(server, pages)
    customer = server.person("customer")
    order = server.place_order(customer, merchant)
    await page.click(f"{card(order, 'new')} {act('reject')}")
    await page.fill(f"{card(order)} .question input", "Half a sen")
    other = server.place_order(customer, merchant)
    await page.wait_for_selector(card(other, "new"))
    assert await page.input_value(f"{card(order)} .question input") == "Half a sen"
    assert await page.evaluate("document.activeElement.tagName") == "INPUT"


async def test_a_pause_and_sold_out_dishes_are_switches(server: StartedServer, pages: Pages):
    page, kitchen, merchant = await a_kitchen(server, pages, "/merchant/#/house")
    await page.click(".standing button >> text=30 min")
    await reads(page, ".standing", "Paused until")
    await page.click('[data-act="standing.resume"]')
    await reads(page, ".standing", "Taking orders")

    await page.click('[data-act="menu.sold_out"]')
    await reads(page, ".menu .status", "Sold out today")
    await page.fill("input[name=name]", "Rye bread")
    await page.fill("input[name=price]", "2,50")
    await page.keyboard.press("Enter")
    await reads(page, ".menu", "Rye bread")
    menu = server.call("GET", f"/api/v1/merchants/{merchant['id']}", by=kitchen)["menu"]
    assert {item["name"]: item["orderable"] for item in menu} == {"Salmon soup": False, "Rye bread": True}
    assert {item["price_minor"] for item in menu} == {1290, 250}

    await page.click("fieldset.hours input[type=checkbox]")
    await page.fill("input[name=hours-mon]", "in the morning")
    await page.click("form.form button[type=submit]")
    await reads(page, "fieldset.hours .problem", "marked days")
    await page.fill("input[name=hours-mon]", "11:00-14:00, 17:00-24:00")
    await page.click("form.form button[type=submit]")
    await reads(page, "form.form [role=status]", "Saved")
    hours = server.call("GET", f"/api/v1/merchants/{merchant['id']}", by=kitchen)["hours"]["weekly"]
    assert hours["mon"] == [{"opens": "11:00", "closes": "14:00"}, {"opens": "17:00", "closes": "00:00"}]


async def test_an_area_is_drawn_by_mouse_and_moved_by_keyboard(server: StartedServer, pages: Pages):
    page, kitchen, merchant = await a_kitchen(server, pages, "/merchant/#/areas")
    await page.click('[data-act="area.draw"]:not([disabled])')
    box = await page.locator("#map").bounding_box()
    assert box is not None
    for across, down in ((0.3, 0.3), (0.7, 0.3), (0.6, 0.7)):
        await page.mouse.click(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
        await page.wait_for_timeout(350)  # two clicks in the same moment are a double click: the map zooms
    await reads(page, ".areas-side [role=status]", "3 corners")
    await page.click(".corner.middle >> nth=0")
    await reads(page, ".areas-side [role=status]", "4 corners")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Delete")
    await reads(page, ".areas-side [role=status]", "3 corners")
    await page.fill("input[name=area-name]", "Old town")
    await page.fill("input[name=area-fee]", "1.90")
    await page.click(".areas-side button[type=submit]")
    await reads(page, ".area", "Old town")
    [area] = server.call("GET", f"/api/v1/merchants/{merchant['id']}/areas", by=kitchen)["areas"]
    assert (area["name"], area["delivery_fee_minor"], area["version"]) == ("Old town", 190, 1)
    assert len(area["polygon"]["coordinates"][0]) == 4

    await page.click('[data-act="area.edit"]')
    await page.focus(".corner >> nth=0")
    await page.keyboard.press("ArrowLeft")
    await page.click(".areas-side button[type=submit]")
    await page.wait_for_selector('[data-act="area.edit"]')
    [moved] = server.call("GET", f"/api/v1/merchants/{merchant['id']}/areas", by=kitchen)["areas"]
    assert (moved["version"], moved["polygon"] != area["polygon"]) == (2, True)


async def test_a_key_is_shown_once_works_and_is_ended(server: StartedServer, pages: Pages):
    page, _kitchen, _merchant = await a_kitchen(server, pages, "/merchant/#/keys")
    await page.fill("input[name=label]", "Till")
    await page.click(".new-key button[type=submit]")
    await page.wait_for_selector("#new-key")
    key = await page.inner_text("#new-key")
    asked = {"headers": {"Authorization": f"Bearer {key}"}}
    assert server.request("GET", "/api/v1/orders", **asked).status_code == 200
    await page.click("text=I have kept it")
    assert await page.locator("#new-key").count() == 0
    await page.click(".key .danger")
    await page.click(".key .danger")
    await reads(page, ".page", "There is no key yet")

    async def is_refused() -> bool:
        return server.request("GET", "/api/v1/orders", **asked).status_code == 401

    await until(is_refused, "the key is good no more")


async def test_it_speaks_chinese_and_fits_a_phone_in_the_dark(server: StartedServer, pages: Pages):
    page, _kitchen, merchant = await a_kitchen(
        server, pages, viewport={"width": 360, "height": 740}, color_scheme="dark", locale="zh-CN"
    )
    order = server.place_order(server.person("customer"), merchant)
    await reads(page, card(order, "new"), "接单")
    for section in ("house", "areas", "money", "reviews", "keys"):
        await page.click(f'.tabs a[href="#/{section}"]')
        await page.wait_for_selector(f'.tabs a[href="#/{section}"][aria-current]')
        assert await page.evaluate("document.documentElement.scrollWidth") == 360, section
