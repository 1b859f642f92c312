"""The page of the API in a real browser: found, read, searched and tried, in both languages and on a phone."""

from playwright.async_api import Page

from tests.browser.conftest import PASSWORD, Pages, reads, until

PLACE = "#post_orders"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


async def opened(pages: Pages, path: str = "/api/", **context: object) -> Page:
    page = await pages.open(path, **context)
    await page.wait_for_selector(".operation")
    return page


async def test_the_first_page_leads_there(pages: Pages):
    page = await pages.open("/")
    await page.click('a[href="/api/"]')
    await page.wait_for_selector(PLACE)
    assert await page.title() == "Songda · API"


async def test_every_operation_of_the_description_is_there(pages: Pages):
    page = await opened(pages)
    description = pages.server.call("GET", "/openapi.json")
    described = {one["operationId"] for path in description["paths"].values() for one in path.values()}
    assert set(await page.eval_on_selector_all(".operation", "all => all.map(one => one.id)")) == described


async def test_an_operation_shows_its_forms_examples_and_problems(pages: Pages):
    page = await opened(pages, f"/api/{PLACE}")
    await reads(page, f"{PLACE} .members", "Idempotency-Key")
    await reads(page, f"{PLACE} .content", "merchant_id")
    await page.click(f"{PLACE} summary:has-text('Contact') >> nth=0")
    await reads(page, f"{PLACE} .unfold[open]", "phone")
    await page.click(f"{PLACE} .problems summary:has-text('check_failed')")
    await reads(page, f"{PLACE} .problems [open]", "/contact/phone")


async def test_a_search_finds_by_path_words_and_error_code(pages: Pages):
    page = await opened(pages)
    for words, found in (("check_failed", PLACE), ("nearest courier", "#get_couriers_nearest")):
        await page.fill("#search", words)
        await until(page.locator(found).is_visible, f"{found} is found")
        assert not await page.locator("#get_healthz").is_visible()
    await page.fill("#search", "no such thing")
    await reads(page, "#found", "0 found")


async def test_a_token_is_kept_in_memory_only_and_tries_things(pages: Pages):
    person = pages.server.person("dispatcher", password=PASSWORD)
    page = await opened(pages, "/api/#get_orders")
    await page.click("#token-button")
    await page.fill("#token-card input[name=login]", person.login)
    await page.fill("#token-card input[name=password]", PASSWORD)
    await page.click("#token-card button.primary")
    await reads(page, "#who", "dispatcher")
    await page.click("#get_orders >> text=Try it")
    await page.fill("#get_orders .try input[name=limit]", "2")
    curl = await page.text_content("#get_orders .try pre")
    assert curl is not None
    assert "/api/v1/orders?limit=2" in curl
    assert "Bearer $TOKEN" in curl
    assert person.token not in await page.content()
    await page.click("#get_orders .try button.primary")
    await reads(page, "#get_orders .answer-box", "200")
    await reads(page, "#get_orders .answer-box", "next_before")
    await page.fill("#get_orders .try input[name=limit]", "0")
    await page.click("#get_orders .try button.primary")
    await reads(page, "#get_orders .answer-box", "bad_query")
    stored = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    assert "eyJ" not in await page.evaluate(stored)


async def test_it_speaks_chinese(pages: Pages):
    page = await opened(pages, "/api/#get_orders", locale="zh-CN")
    await reads(page, "#get_orders .try-section button", "试一试")
    await reads(page, "#found", "个接口")


async def test_a_phone_can_read_it(pages: Pages):
    page = await opened(pages, f"/api/{PLACE}", **PHONE)
    await page.click(f"{PLACE} >> text=Try it")
    width = await page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= 390
