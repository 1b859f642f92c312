"""What follows an order: moved promises, slips undone, receipts, disputes, reviews, and those who follow by a link."""

from itertools import count
from typing import Any

from playwright.async_api import Page

from tests.browser.conftest import PASSWORD, Pages, reads, until
from tests.browser.phones import riding
from tests.started import Person, StartedServer

LAT, LNG = 64.0, 24.94
CITIES = count(1)
PHONE_WIDE = {"viewport": {"width": 390, "height": 844}}


class Scene:
    """A customer on the page of an order just placed, and a kitchen."""

    def __init__(self, server: StartedServer) -> None:
        self.server = server
        # Each in a city of its own: couriers farther than 10 km are never asked.
        self.lat = LAT + 0.2 * next(CITIES)
        self.merchant = server.merchant(lat=self.lat, lng=LNG)
        self.kitchen = server.person("merchant", merchant_id=self.merchant["id"])
        self.customer = server.person("customer", password=PASSWORD)
        self.order = server.place_order(self.customer, self.merchant)

    async def page(self, pages: Pages) -> Page:
        page = await pages.open_as(self.customer, f"/customer/#/o/{self.order['id']}", **PHONE_WIDE)
        await reads(page, "#headline", "The restaurant has your order")
        return page

    def say(self, who: Person, command: str, **body: Any) -> None:
        self.server.call("POST", f"/api/v1/orders/{self.order['id']}/{command}", by=who, json=body)

    def deliver(self, courier: Person) -> None:
        """All the way to the door."""
        self.say(courier, "pick-up")
        self.say(courier, "deliver")


async def test_a_cancellation_is_taken_back_within_a_minute(server: StartedServer, pages: Pages):
    scene = Scene(server)
    page = await scene.page(pages)
    await page.click("#cancel")
    await page.fill(".question input", "Too hungry to wait")
    await page.click(".question button[type=submit]")
    await reads(page, "#headline", "cancelled")
    await reads(page, ".undo", "left to take it back")
    await page.click("#undo")
    await reads(page, "#headline", "The restaurant has your order")


async def test_a_moved_promise_says_so_and_why_and_the_code_is_shown(server: StartedServer, pages: Pages):
    scene = Scene(server)
    page = await scene.page(pages)
    scene.say(scene.kitchen, "accept", preparation_s=600)
    await reads(page, "#promise", "At your door by")
    assert len(await page.inner_text("#dropoff-code")) == 4
    scene.say(scene.kitchen, "postpone", preparation_s=1800, reason="The oven is slow today")
    await reads(page, "#promise", "first promised")
    await reads(page, "#promise-why", "The oven is slow today")
    scene.say(scene.kitchen, "mark-ready")
    await reads(page, ".step.current", "已出餐")


async def test_what_came_wrong_is_disputed_and_its_ticket_answered(server: StartedServer, pages: Pages):
    scene = Scene(server)
    page = await scene.page(pages)
    async with riding(server, scene.lat - 0.002, LNG) as phone:
        scene.say(scene.kitchen, "accept", preparation_s=300)
        await reads(page, "#headline", "way to the restaurant")
        scene.deliver(phone.person)
        await page.click("#dispute")
        await page.click("input[value=item_missing]")
        await page.fill(".question textarea", "No bread in the bag")
        await page.click(".question button[type=submit]")
        await reads(page, "#headline", "we are on it")
        await reads(page, ".ticket", "No bread in the bag")
        await page.fill(".reply input", "Only the soup was there")
        await page.click(".reply button")
        await reads(page, ".said", "Only the soup was there")


async def test_a_received_order_is_reviewed_and_the_review_changed(server: StartedServer, pages: Pages):
    scene = Scene(server)
    page = await scene.page(pages)
    async with riding(server, scene.lat - 0.002, LNG) as phone:
        scene.say(scene.kitchen, "accept", preparation_s=300)
        await reads(page, "#headline", "way to the restaurant")
        scene.deliver(phone.person)
        await page.click("#confirm")
        await page.wait_for_selector("#review form")
    await page.click("#review button[type=submit]")
    await reads(page, "#review .problem", "at least one")
    await page.click("label[for=merchant-4]")
    await page.fill("#review textarea", "Warm and quick")
    await page.click("#review button[type=submit]")
    await reads(page, "#review-words", "Warm and quick")
    await page.click("#review button >> text=Change")
    await page.focus("#merchant-4")
    await page.keyboard.press("ArrowLeft")  # stars are radio buttons: the keyboard moves among them
    await page.click("#review button[type=submit]")

    async def has_changed() -> bool:
        told = server.call("GET", f"/api/v1/orders/{scene.order['id']}/review", by=scene.customer)
        return bool(
            told["version"] == 2 and told["merchant_stars"] != 4 and told["words"] == "Warm and quick"
        )

    await until(has_changed, "the review has changed")


async def test_somebody_with_a_link_follows_confirms_and_reviews(server: StartedServer, pages: Pages):
    scene = Scene(server)
    page = await scene.page(pages)
    await page.click("#make-link")
    await page.wait_for_selector("#link-url")
    url = await page.input_value("#link-url")
    guest = await pages.open(url.removeprefix(server.url), **PHONE_WIDE)
    await reads(guest, "#headline", "The restaurant has your order")
    assert guest.url == f"{server.url}/follow/"  # the token stands in no address bar and no history
    assert "Katajanokka" not in await guest.inner_text("#panel")
    async with riding(server, scene.lat - 0.002, LNG) as phone:
        scene.say(scene.kitchen, "accept", preparation_s=300)
        await reads(guest, "#promise", "At your door by")
        await reads(guest, "#headline", "way to the restaurant")
        scene.say(phone.person, "pick-up")
        await reads(guest, "#headline", "is bringing your food")
        await phone.ride()
        await guest.wait_for_selector(".courier-marker")
        scene.say(phone.person, "deliver")
    await guest.click("#confirm")
    await guest.click("label[for=delivery-5]")
    await guest.click("#review button[type=submit]")
    await reads(guest, "#review", "★★★★★")
    await guest.reload()
    await reads(guest, "#headline", "Thank you")

    await page.click("#share .danger")
    await reads(guest, "#headline", "good no more")
    other = await pages.open("/follow/")
    await reads(other, "#headline", "missing from this link")
