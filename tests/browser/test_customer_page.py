"""The customer's page in a real browser: ordering, the status as it changes, the courier as he rides."""

import asyncio
from itertools import pairwise
from typing import Any

import httpx
from playwright.async_api import Page

from tests.browser.conftest import PASSWORD, Pages, reads, sign_in, until
from tests.browser.phones import Phone, riding
from tests.started import Person, StartedServer

# Each test has a city of its own: couriers farther than 10 km are never asked.
LNG = 24.94
RESTAURANT_LAT, QUIET_LAT, BREAK_LAT = 60.170, 61.0, 62.0


async def place_order(page: Page, merchant: dict[str, Any]) -> str:
    """Order one dish on the page; the order's id."""
    await page.click(f'a.row[href="#/m/{merchant["id"]}"]')
    await page.click(".stepper button >> nth=1")
    for name, value in {"name": "Aino", "phone": "+358401234567", "address": "Katajanokka 5"}.items():
        await page.fill(f"input[name={name}]", value)
    await page.click(".pay button")
    await page.wait_for_selector("#headline")
    return page.url.rsplit("/", 1)[1]


def a_kitchen(server: StartedServer, lat: float) -> tuple[Person, dict[str, Any]]:
    merchant = server.merchant(lat=lat, lng=LNG)
    return server.person("merchant", merchant_id=merchant["id"]), merchant


async def courier_on_screen(page: Page) -> tuple[float, float] | None:
    """The middle of the courier's marker in pixels; None while there is none."""
    marker = page.locator(".courier-marker")
    box = await marker.bounding_box() if await marker.count() else None
    return None if box is None else (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


async def test_a_customer_orders_and_sees_the_status_change_and_the_courier_move(
    server: StartedServer, pages: Pages
):
    kitchen, merchant = a_kitchen(server, RESTAURANT_LAT)
    page = await pages.open_as(server.person("customer", password=PASSWORD), "/customer/")
    async with riding(server, RESTAURANT_LAT - 0.002, LNG) as phone:
        order_id = await place_order(page, merchant)
        await reads(page, "#headline", "The restaurant has your order")
        await reads(page, ".step.current", "待接单")  # a status is shown in both languages

        server.call("POST", f"/api/v1/orders/{order_id}/accept", by=kitchen, json={"preparation_s": 300})
        await reads(page, "#headline", "is on the way to the restaurant")
        await phone.tell()
        await reads(page, "#courier-line", "only the area")
        assert await courier_on_screen(page) is None  # coarse: no exact place before his own leg

        server.call("POST", f"/api/v1/orders/{order_id}/pick-up", by=phone.person, json={})
        await reads(page, "#headline", "is bringing your food")
        await phone.ride()
        await until(lambda: courier_on_screen(page), "the courier is on the map")
        seen = await watched(page, phone, seconds=6)

        server.call("POST", f"/api/v1/orders/{order_id}/deliver", by=phone.person, json={})
        await reads(page, "#headline", "Enjoy your meal")
        assert await page.locator(".step.done").count() == 4  # and "delivered" is where it stands
        await reads(page, ".step.current", "已送达")
        assert await courier_on_screen(page) is None  # nothing after the delivery
    northward = [before - after for before, after in pairwise(seen)]
    assert min(northward) >= -0.01, "he jumped back"
    assert sum(northward) > 10, "he did not move"
    assert sum(step > 0 for step in northward) > 2 * 6, "he jumped from fix to fix"


async def watched(page: Page, phone: Phone, *, seconds: int) -> list[float]:
    """The courier's height on the screen, looked at while his phone sends a fix a second."""
    # The map must not lead him back to its middle meanwhile.
    await page.click("#follow")
    assert await page.get_attribute("#follow", "aria-pressed") == "false"
    await until(lambda: at_rest(page), "the map is at rest")
    seen: list[float] = []

    async def look() -> None:
        while True:
            place = await courier_on_screen(page)
            if place is not None:
                seen.append(place[1])
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look())
    for _ in range(seconds):
        await phone.ride()
        count = len(seen)
        # A second by the page's own clock, so that the fixes are a second apart as a phone's are.
        await page.wait_for_timeout(1_000)
        assert len(seen) > count
    looking.cancel()
    return seen


async def at_rest(page: Page) -> bool:
    """Whether the pins stand still from one look to the next."""
    places = []
    for _ in range(3):
        places.append(await page.locator(".pin").first.bounding_box())
        await asyncio.sleep(0.09)
    return places[0] == places[1] == places[2]


async def test_a_wrong_password_and_a_wrong_role_are_sentences(server: StartedServer, pages: Pages):
    dispatcher = server.person("dispatcher", password=PASSWORD)
    page = await pages.open("/customer/")
    await sign_in(page, dispatcher.login, "not the password")
    await reads(page, ".problem", "Login or password is not right.")
    await sign_in(page, dispatcher.login, PASSWORD)
    await reads(page, ".problem", "another role than dispatcher")


async def test_a_field_the_server_refuses_is_marked(server: StartedServer, pages: Pages):
    _kitchen, merchant = a_kitchen(server, QUIET_LAT)
    page = await pages.open_as(
        server.person("customer", password=PASSWORD), f"/customer/#/m/{merchant['id']}"
    )
    await page.click(".stepper button >> nth=1")
    await page.fill("input[name=phone]", "12")
    await page.click(".pay button")
    await reads(page, "#problem-phone", "too short")
    assert await page.get_attribute("input[name=name]", "aria-invalid") == "true"


async def test_after_a_crash_of_the_server_the_page_goes_on_by_itself(server: StartedServer, pages: Pages):
    kitchen, merchant = a_kitchen(server, BREAK_LAT)
    page = await pages.open_as(server.person("customer", password=PASSWORD), "/customer/")
    order_id = await place_order(page, merchant)
    await reads(page, "#headline", "The restaurant has your order")
    server.kill_worker()
    await page.wait_for_selector('#connection[data-state="waiting"]')

    accept = {
        "json": {"preparation_s": 300},
        "headers": {"Idempotency-Key": "the same however often it is sent"},
    }

    async def accepted() -> bool:
        try:
            server.call("POST", f"/api/v1/orders/{order_id}/accept", by=kitchen, **accept)
        except httpx.TransportError:  # no worker listens yet: the supervisor starts one
            return False
        return True

    await until(accepted, "a new worker listens")
    await page.wait_for_selector('#connection[data-state="live"]')
    await reads(page, "#headline", "Your food is being made")


async def test_it_speaks_chinese_and_fits_a_phone(server: StartedServer, pages: Pages):
    phone_wide = {"viewport": {"width": 390, "height": 800}, "locale": "zh-CN", "color_scheme": "dark"}
    page = await pages.open_as(server.person("customer", password=PASSWORD), "/customer/", **phone_wide)
    await reads(page, "h2", "我的订单")
    await reads(page, "#connection", "实时")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.click('[data-language="en"]')
    await reads(page, "h2", "My orders")
