"""Paying by card on the customer's page, with the sandbox bank next door: paid, declined, and not paid in time."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from playwright.async_api import Page

from server.http.pages import base_map_path
from server.simulator.basemap import ensure_base_map
from server.wire.standard_webhooks import write_secret
from tests.browser.conftest import PASSWORD, Pages, browsing, reads
from tests.ports import free_port
from tests.started import ROOT, StartedServer, started_server

LAPSES_AFTER_S = 25


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedServer]:
    """A server that takes cards, and its bank."""
    data_dir = tmp_path_factory.mktemp("paying")
    ensure_base_map(base_map_path(data_dir))
    settings = {
        "SONGDA_PAYMENT_PROVIDER_URL": f"http://127.0.0.1:{free_port()}",
        "SONGDA_PAYMENT_PROVIDER_KEY": "the shop's key",
        "SONGDA_PAYMENT_WEBHOOK_SECRETS": write_secret(b"a secret of thirty-two bytes or so"),
        "SONGDA_CHECKOUT_LAPSES_AFTER_S": str(LAPSES_AFTER_S),
    }
    with started_server(data_dir, **settings) as server:
        port = settings["SONGDA_PAYMENT_PROVIDER_URL"].rpartition(":")[2]
        command = [sys.executable, "-m", "server", "bank", "--port", port]
        with subprocess.Popen(
            command, env=server.environment, cwd=ROOT, stderr=subprocess.PIPE, text=True
        ) as bank:
            assert bank.stderr is not None
            assert "is open at" in bank.stderr.readline()
            yield server
            bank.terminate()


@pytest.fixture
async def pages(shop: StartedServer) -> AsyncIterator[Pages]:
    """Pages of that server; the bank's own page is the one other host they may ask."""
    bank = shop.extra["SONGDA_PAYMENT_PROVIDER_URL"].removeprefix("http://")
    async with browsing(shop, tile_host=bank) as opened:
        yield opened


async def to_the_bank(shop: StartedServer, pages: Pages, **context: Any) -> tuple[Page, Page]:
    """A customer's page that waits for the payment, and the bank's page in its own tab."""
    merchant = shop.merchant()
    customer = shop.person("customer", password=PASSWORD)
    page = await pages.open_as(customer, f"/customer/#/m/{merchant['id']}", **context)
    await page.click(".stepper button >> nth=1")
    for name, value in {"name": "Aino", "phone": "+358401234567", "address": "Katajanokka 5"}.items():
        await page.fill(f"input[name={name}]", value)
    await page.click("input[value=card]")
    async with page.expect_popup() as opening:
        await page.click(".pay button")
    bank_page = await opening.value
    await bank_page.wait_for_selector("button[value=pay]")
    await page.wait_for_selector("#pay-link")
    return page, bank_page


async def test_an_order_begins_when_its_card_is_paid(shop: StartedServer, pages: Pages):
    page, bank_page = await to_the_bank(shop, pages)
    await reads(page, "#headline", "Waiting for your payment")
    await bank_page.click("button[value=pay]")
    await reads(page, "#headline", "The restaurant has your order")
    await reads(page, "#payment", "Paid")

    await page.click("#cancel")
    await page.click(".question button[type=submit]")
    await reads(page, "#payment", "Refund")


async def test_a_card_that_is_declined_orders_nothing(shop: StartedServer, pages: Pages):
    page, bank_page = await to_the_bank(shop, pages)
    await bank_page.click("button[value=decline]")
    await reads(page, "#headline", "did not go through")
    await page.click("text=Order again")
    await page.wait_for_selector(".stepper")


@pytest.mark.long  # half a minute of looking at a clock
async def test_the_time_to_pay_is_seen_to_run_out(shop: StartedServer, pages: Pages):
    page, _bank_page = await to_the_bank(shop, pages, locale="zh-CN", color_scheme="dark")
    await reads(page, "[data-until]", "剩余支付时间 0:")
    await page.wait_for_timeout(LAPSES_AFTER_S * 1000)
    await reads(page, "#headline", "支付已超时")
