"""The courier's page in a real browser: an order from offer to door, with the network gone on the way."""

from pathlib import Path
from typing import Any

from playwright.async_api import Page, Route

from tests.browser.conftest import Pages, reads, until
from tests.browser.desk_town import DeskTown, a_desk_town, a_picture
from tests.started import StartedServer


async def on_the_phone(pages: Pages, town: DeskTown, **context: Any) -> Page:
    page = await pages.open_as(
        town.courier,
        "/courier/",
        viewport={"width": 390, "height": 800},
        permissions=["geolocation"],
        geolocation={"latitude": town.merchant["lat"], "longitude": town.merchant["lng"], "accuracy": 6},
        **context,
    )
    await page.wait_for_selector("#online")
    return page


async def do(page: Page, step: str) -> None:
    await page.click(f'[data-step="{step}"].primary')


async def cut(page: Page) -> None:
    """No network for whatever is asked from now on; the socket is lost with the next cut of the phone."""

    async def nothing(route: Route) -> None:
        await route.abort("internetdisconnected")

    await page.route("**/api/**", nothing)


async def state_of(server: StartedServer, town: DeskTown, order: dict[str, Any]) -> str:
    seen = server.call("GET", f"/api/v1/orders/{order['id']}?contact=false", by=town.dispatcher)
    return str(seen["assignment"]["state"])


async def test_an_order_is_taken_fetched_and_delivered_by_photo_and_its_rider_is_on_the_map(
    server: StartedServer, pages: Pages, tmp_path: Path
):
    town = a_desk_town(server)
    order = town.assigned()
    page = await on_the_phone(pages, town)
    await reads(page, ".answer-by", "left to take it")
    await page.click("#online")
    await reads(page, "#gps", "position good")

    async def on_the_map() -> bool:
        seen = server.call("GET", f"/api/v1/couriers/{town.courier.id}", by=town.dispatcher)
        return seen["position"] is not None and seen["position"]["available"]

    await until(on_the_map, "the courier is on the map, and free for offers")
    for step in ("take", "confirm_pickup", "set_off", "arrive_at_pickup", "pick_up"):
        await do(page, step)
    await reads(page, ".stop-name", "Aino")
    await reads(page, ".cash", "12.90")
    href = await page.get_attribute("[data-act=navigate]", "href")
    assert href is not None
    assert href.startswith(f"geo:{town.merchant['lat'] + 0.009:.3f}")
    for step in ("leave_pickup", "arrive_at_dropoff", "deliver"):
        await do(page, step)
    await page.click("[data-way=photo]")
    file = tmp_path / "door.jpg"
    file.write_bytes(a_picture())
    await page.set_input_files(".camera", file)
    await page.wait_for_selector(".way img")
    await page.click(".sheet button[type=submit]")
    await reads(page, ".sheet h2", "How were the handovers?")
    seen = server.call("GET", f"/api/v1/orders/{order['id']}", by=town.dispatcher)
    assert (seen["status"], seen["proof"]["kind"]) == ("delivered", "photo")
    await page.check('.rating [value="no_parking"]')
    await page.click(".sheet button[type=submit]")
    await reads(page, "#today", "Market Kitchen")
    [said] = server.call("GET", "/api/v1/handovers", by=town.courier)["handovers"]
    assert said["hindrances"] == ["no_parking"]


async def test_reports_wait_for_the_network_in_their_order_with_the_moment_they_were_made(
    server: StartedServer, pages: Pages
):
    town = a_desk_town(server)
    order = town.assigned()
    page = await on_the_phone(pages, town)
    await do(page, "take")
    await do(page, "confirm_pickup")
    await reads(page, ".ride-head", "pickup confirmed")

    async def heard() -> bool:
        return await state_of(server, town, order) == "pickup_confirmed"

    await until(heard, "both are heard")
    await cut(page)
    for step in ("set_off", "arrive_at_pickup", "pick_up", "leave_pickup", "arrive_at_dropoff"):
        await do(page, step)
    await reads(page, "#waiting", "5 reports wait")
    await do(page, "deliver")
    await page.click("[data-way=signature]")
    pad = await page.locator(".signature").bounding_box()
    assert pad is not None
    await page.mouse.move(pad["x"] + 30, pad["y"] + 30)
    await page.mouse.down()
    await page.mouse.move(pad["x"] + 150, pad["y"] + 90, steps=5)
    await page.mouse.up()
    await page.click(".sheet button[type=submit]")
    await reads(page, "#waiting", "6 reports wait")
    assert await state_of(server, town, order) == "pickup_confirmed"

    await page.unroute_all()
    await page.reload()  # the phone was restarted, too: what it kept is found again
    await reads(page, "#ride", "You are offline")

    async def delivered() -> bool:
        return await state_of(server, town, order) == "delivered"

    await until(delivered, "all reports are heard")
    told = server.call("GET", f"/api/v1/orders/{order['id']}/story", by=town.dispatcher)["story"]
    late = [line for line in told if line["name"] in ("arrived_at_pickup", "arrived_at_dropoff")]
    assert [line["name"] for line in late] == ["arrived_at_pickup", "arrived_at_dropoff"]
    assert all(line["at"] < line["known_at"] for line in late)
    seen = server.call("GET", f"/api/v1/orders/{order['id']}", by=town.dispatcher)
    assert seen["proof"]["kind"] == "signature"


async def test_a_wrong_code_is_shown_and_can_be_said_again(server: StartedServer, pages: Pages):
    town = a_desk_town(server)
    order = town.assigned()
    for step in (
        "take",
        "confirm-pickup",
        "set-off",
        "arrive-at-pickup",
        "pick-up",
        "leave-pickup",
        "arrive-at-dropoff",
    ):
        town.say(town.courier, order, step)
    code = server.call("GET", f"/api/v1/orders/{order['id']}", by=town.customer)["dropoff_code"]
    page = await on_the_phone(pages, town)
    for said in (f"{(int(code) + 1) % 10_000:04d}", code):
        await do(page, "deliver")
        await page.fill("[name=dropoff_code]", "12")
        await page.click(".sheet button[type=submit]")
        await reads(page, ".sheet .problem-box", "four digits")
        await page.fill("[name=dropoff_code]", said)
        await page.click(".sheet button[type=submit]")
        if said != code:
            await reads(page, "#refused", "not the order's code")
            await page.click("#refused button")
    await reads(page, ".sheet h2", "How were the handovers?")


async def test_a_failed_delivery_is_reported_with_its_reason_and_goes_back(
    server: StartedServer, pages: Pages
):
    town = a_desk_town(server)
    order = town.assigned()
    page = await on_the_phone(pages, town, color_scheme="dark", locale="zh-CN")
    for step in ("take", "confirm_pickup", "set_off", "arrive_at_pickup", "pick_up"):
        await do(page, step)
    await page.click("[data-act=fail]")
    await page.click(".sheet button[type=submit]")
    await reads(page, ".sheet .problem-box", "请选择原因")
    await page.select_option(".sheet select", "refusal/refused_late")
    await page.fill(".sheet textarea", "客户说太晚了")
    await page.click(".sheet button[type=submit]")
    await reads(page, ".ride-head", "配送异常")
    await reads(page, "#my-tickets", "客户拒收")
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    service = server.person("customer_service")
    [ticket] = server.call("GET", f"/api/v1/orders/{order['id']}/tickets", by=service)["tickets"]
    server.call("POST", f"/api/v1/tickets/{ticket['id']}/return", by=service, json={})
    await reads(page, ".stop h2", "退回")
    await do(page, "arrive_at_return")
    await do(page, "hand_back")

    async def returned() -> bool:
        return await state_of(server, town, order) == "returned"

    await until(returned, "the bag is back")


async def test_an_order_is_declined_with_a_reason_and_another_device_takes_over(
    server: StartedServer, pages: Pages
):
    town = a_desk_town(server)
    order = town.assigned()
    page = await on_the_phone(pages, town)
    await page.click("[data-act=decline]")
    await page.select_option(".sheet select", "vehicle")
    await page.click(".sheet button[type=submit]")
    await reads(page, "#ride", "You are offline")
    assert await state_of(server, town, order) == "declined"
    other = await on_the_phone(pages, town)
    await reads(page, "#strip", "used on another device")
    await page.click("text=Use it here")
    await reads(other, "#strip", "used on another device")
