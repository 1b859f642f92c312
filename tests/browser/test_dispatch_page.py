"""The dispatcher's page in a real browser: couriers on the map, orders, a hand that assigns, a ride again."""

from contextlib import AsyncExitStack

from playwright.async_api import Page

from tests.browser.conftest import PASSWORD, Pages, reads, until
from tests.browser.phones import riding
from tests.started import StartedServer

LAT, LNG = 60.1716, 24.9443  # the middle of the demo city's map
FAR_LAT = 63.0


async def counted(page: Page, kind: str, number: int) -> None:
    await reads(page, f'[data-kind="{kind}"] dd', str(number))


async def test_couriers_in_view_are_counted_and_can_be_picked(server: StartedServer, pages: Pages):
    page = await pages.open_as(server.person("dispatcher", password=PASSWORD), "/dispatch/")
    async with AsyncExitStack() as couriers:
        before = int(await page.inner_text('[data-kind="free"] dd'))
        phones = [
            await couriers.enter_async_context(riding(server, LAT + step / 2000, LNG))
            for step in range(-3, 4)
        ]
        await counted(page, "free", before + 7)
        # The one in the middle of the map stands in the middle of the screen.
        box = await page.locator("#map").bounding_box()
        assert box is not None
        await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await reads(page, "#inspector h1", phones[3].person.login.title())
        await reads(page, "#inspector", "Replay ride")
        for phone in phones[:2]:
            await phone.visit.ask(phone.topic, "availability", {"available": False})
            await phone.ride()
        await counted(page, "off", 2)


async def test_a_waiting_order_is_given_by_hand_and_a_ride_is_seen_again(server: StartedServer, pages: Pages):
    merchant = server.merchant(lat=FAR_LAT, lng=LNG)
    kitchen = server.person("merchant", merchant_id=merchant["id"])
    page = await pages.open_as(server.person("dispatcher", password=PASSWORD), "/dispatch/")
    order = server.place_order(server.person("customer"), merchant)
    row = f'[data-order="{order["id"]}"]'
    await reads(page, row, "Pending acceptance")
    server.call("POST", f"/api/v1/orders/{order['id']}/accept", by=kitchen, json={"preparation_s": 300})
    await reads(page, row, "No courier yet")

    async with riding(server, FAR_LAT + 0.001, LNG) as phone:
        await page.click(row)
        await reads(page, "#inspector", "Market Kitchen")

        async def offered() -> bool:
            if await page.locator(".near-row .primary").count():
                return True
            await page.click(row)  # asks for the nearest again
            return False

        await until(offered, "the courier is among the nearest")
        await reads(page, ".near-row .link", phone.person.login.title())
        await page.click(".near-row .primary")
        await reads(page, row, phone.person.login.title())
        assert "No courier yet" not in await page.inner_text(row)

        for _ in range(3):
            await phone.ride()
        assert await phone.visit.event("stored")
        await page.click("#inspector .facts .link")
        await page.click("#inspector > button")
        await reads(page, "#replay", "fixes")
        assert await page.is_enabled("#replay input[type=range]")
        await page.click('#replay button[aria-label="Play"]')
        await reads(page, "#replay output", ":")

        server.call("POST", f"/api/v1/orders/{order['id']}/pick-up", by=phone.person, json={})
        await reads(page, row, "Delivering")
        server.call("POST", f"/api/v1/orders/{order['id']}/deliver", by=phone.person, json={})

        async def gone() -> bool:
            return await page.locator(row).count() == 0

        await until(gone, "the delivered order has left the list")


async def test_a_click_on_the_map_asks_for_the_nearest_and_escape_closes(server: StartedServer, pages: Pages):
    page = await pages.open_as(server.person("dispatcher", password=PASSWORD), "/dispatch/")
    box = await page.locator("#map").bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + 60, box["y"] + 60)
    await reads(page, "#inspector h1", "This place")
    await page.keyboard.press("Escape")

    async def closed() -> bool:
        return not await page.is_visible("#inspector")

    await until(closed, "the card is closed")


async def test_the_home_page_opens_both_doors(pages: Pages):
    page = await pages.open("/")
    for door in ("/customer/", "/dispatch/"):
        assert await page.locator(f'a[href="{door}"]').count() == 1
    assert await page.title() == "Songda · live food delivery"
