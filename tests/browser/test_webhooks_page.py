"""A merchant's webhooks in a real browser: add one, see the secret once, send a test, mend what failed."""

from playwright.async_api import Page

from tests.browser.conftest import PASSWORD, Pages, reads, sign_in, until
from tests.integration.notify.receiver import OK, Receiver, receiving, says
from tests.started import StartedServer

CARD = "article.endpoint"


async def signed_in(server: StartedServer, pages: Pages, **context) -> Page:
    """The page of a merchant who has no endpoint yet."""
    merchant = server.merchant()
    person = server.person("merchant", merchant_id=merchant["id"], password=PASSWORD)
    page = await pages.open("/merchant/webhooks.html", **context)
    await sign_in(page, person.login, person.password)
    await page.wait_for_selector(".nothing")
    return page


async def add(page: Page, receiver: Receiver) -> str:
    """Add the receiver as an endpoint for all events; its secret."""
    await page.click(".nothing button.primary")
    await page.fill("input[name=url]", receiver.url)
    await page.fill("input[name=description]", "Kitchen screen")
    await page.click("form.form button[type=submit]")
    await page.wait_for_selector("#secret-text")
    return await page.inner_text("#secret-text")


async def test_a_merchant_adds_an_endpoint_keeps_its_secret_and_sends_a_test(
    server: StartedServer, pages: Pages
):
    page = await signed_in(server, pages)
    async with receiving() as receiver:
        secret = await add(page, receiver)
        await page.click(".secret button >> nth=1")
        assert await page.locator("#secret-text").count() == 0
        await page.click(f"{CARD} .actions button >> text=Send a test")
        await reads(page, ".delivery .status", "Arrived")
        await reads(page, f"{CARD} header .status", "On")
        [received] = receiver.received
        received.check(secret)


async def test_what_failed_is_looked_at_and_sent_again_when_the_receiver_is_mended(
    server: StartedServer, pages: Pages
):
    page = await signed_in(server, pages)
    async with receiving() as receiver:
        await add(page, receiver)
        receiver.usual = says(500, b"<b>no disk</b>")
        await page.click(f"{CARD} .actions button >> text=Send a test")
        await reads(page, ".delivery .status", "refused (500)")
        await page.click(".delivery .line")
        await reads(page, ".attempt pre", "<b>no disk</b>")  # shown as text, not as HTML
        await reads(page, f"{CARD} header .status", "Failing since")
        receiver.usual = OK
        await page.click(".whole button")
        await reads(page, ".delivery .status", "Arrived")
        assert len(set(receiver.ids)) == 1

        receiver.usual = says(410)
        await page.click(f"{CARD} .actions button >> text=Send a test")
        await reads(page, f"{CARD} header .status", "Off")
        receiver.usual = OK
        await page.click(f"{CARD} .actions button >> text=Switch on")
        await reads(page, f"{CARD} header .status", "On")
        await page.click(".sent .filters button >> text=Send all failed again")

        async def all_arrived() -> bool:
            return await page.locator('.delivery[data-state="delivered"]').count() == 2

        await until(all_arrived, "all has arrived")
        await page.click(f"{CARD} .actions button >> text=Remove")
        await page.click(f"{CARD} .actions button.danger")
        await page.wait_for_selector(".nothing")


async def test_an_address_that_we_would_not_call_is_refused_in_the_form(server: StartedServer, pages: Pages):
    page = await signed_in(server, pages)
    await page.click(".nothing button.primary")
    await page.fill("input[name=url]", "https://me:secret@shop.example/")
    await page.click("form.form button[type=submit]")
    await reads(page, "form.form .problem", "user name")
    assert await page.locator(CARD).count() == 0


async def test_the_page_speaks_chinese_and_fits_a_phone_in_the_dark(server: StartedServer, pages: Pages):
    page = await signed_in(
        server, pages, viewport={"width": 360, "height": 740}, color_scheme="dark", locale="zh-CN"
    )
    async with receiving() as receiver:
        await add(page, receiver)
        await page.click(f"{CARD} .actions button >> text=发送测试")
        await reads(page, ".delivery .status", "已送达")
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
