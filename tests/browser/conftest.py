"""A started server with a map, and pages of it in a real Chromium that complain loudly.

A page under our Content-Security-Policy cannot be asked with `wait_for_function` (it needs eval): `until` polls.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright

from server.http.pages import base_map_path
from server.simulator.basemap import ensure_base_map
from tests.started import Person, StartedServer, started_server

# Drawing by software: a machine of CI has no graphics card.
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
PATIENCE_S = 20.0
LOOK_EACH_S = 0.05
# A refused call and a lost connection are told to the user by the page; the browser's own line is no fault.
SAID_BY_THE_PAGE = ("Failed to load resource", "WebSocket connection to")
PASSWORD = "a long enough sentence"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedServer]:
    """One server process with Helsinki's map, that gives an order nobody could take at once to nobody later:
    the dispatcher's hand does.
    """
    data_dir = tmp_path_factory.mktemp("songda")
    ensure_base_map(base_map_path(data_dir))
    # A webhook's receiver is one of this machine, too.
    own_network = {"SONGDA_WEBHOOK_ALLOW_HTTP": "yes", "SONGDA_WEBHOOK_ALLOW_PRIVATE": "yes"}
    with started_server(
        data_dir, SONGDA_ASSIGN_AGAIN_S="3600", SONGDA_TRACK_FLUSH_S="0.2", **own_network
    ) as started:
        yield started


@dataclass
class Pages:
    """Opens pages and keeps what went wrong in them; asking a host other than ours or `tile_host` goes wrong."""

    browser: Browser
    server: StartedServer
    tile_host: str = ""
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str, **context: Any) -> Page:
        """A page in a browser context of its own; `context` as Playwright's new_context takes it."""
        options = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **context}
        page = await (await self.browser.new_context(**options)).new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("request", self._see)
        await page.goto(self.server.url + path)
        return page

    async def open_as(self, person: Person, path: str, **context: Any) -> Page:
        """A page with this person signed in, the socket live and the map drawn."""
        page = await self.open(path, **context)
        await sign_in(page, person.login, person.password)
        await page.wait_for_selector('#connection[data-state="live"]')
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(SAID_BY_THE_PAGE):
            self.complaints.append(message.text)

    def _see(self, request: Request) -> None:
        parts = urlsplit(request.url)
        ours = {urlsplit(self.server.url).netloc, self.tile_host}
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc not in ours:
            self.complaints.append(f"asked another host: {request.url}")


@asynccontextmanager
async def browsing(server: StartedServer, *, tile_host: str = "") -> AsyncIterator[Pages]:
    """A browser of our own; at the end no page may have had an error, broken the CSP or asked another host."""
    chromium = shutil.which("chromium")
    assert chromium, "the browser tests need Debian's chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        opened = Pages(browser, server, tile_host)
        yield opened
        await browser.close()
    assert opened.complaints == []


@pytest.fixture
async def pages(server: StartedServer) -> AsyncIterator[Pages]:
    """Pages of the server that most tests share."""
    async with browsing(server) as opened:
        yield opened


async def sign_in(page: Page, login: str, password: str) -> None:
    await page.fill("input[name=login]", login)
    await page.fill("input[name=password]", password)
    await page.click("form.login button")


async def until(ask: Callable[[], Awaitable[Any]], what: str) -> Any:
    """Asks until the answer is true, and returns it."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (answer := await ask()):
                await asyncio.sleep(LOOK_EACH_S)
            return answer
    except TimeoutError as error:
        raise AssertionError(f"in vain waited until {what}") from error


async def reads(page: Page, selector: str, words: str) -> None:
    """Waits until the element holds these words."""

    async def asked() -> bool:
        found = page.locator(selector)
        # text_content: inner_text would give what CSS makes of it, capitals among them.
        return await found.count() > 0 and words in (await found.first.text_content() or "")

    await until(asked, f"{selector} reads {words!r}")
