"""What a server's settings do to its pages: another city's tiles, and how soon a silent courier looks stale."""

import re
import struct
import threading
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.async_api import Page

from tests.browser.conftest import PASSWORD, Pages, browsing, reads, until
from tests.browser.phones import riding
from tests.browser.test_customer_page import a_kitchen, courier_on_screen, place_order
from tests.started import StartedServer, started_server

LAT, LNG = 60.170, 24.94
AGEING_AFTER_S = 2.0


def one_pixel_png(red: int, green: int, blue: int) -> bytes:
    """The smallest picture of a colour."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes([0, red, green, blue]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@dataclass
class TileServer:
    """Answers every path with the same tile, and keeps which were asked for."""

    asked: list[str] = field(default_factory=list)
    host: str = ""


@pytest.fixture(scope="module")
def tiles() -> Iterator[TileServer]:
    """Another host (by its port) that has raster tiles."""
    known, tile = TileServer(), one_pixel_png(200, 220, 200)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.send_header(
                "Access-Control-Allow-Origin", "*"
            )  # as tile servers do: the map reads the pixels
            self.end_headers()
            self.wfile.write(tile)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the test reads `asked`."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        known.host = f"127.0.0.1:{http.server_port}"
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield known
        http.shutdown()


@pytest.fixture(scope="module")
def set_server(tmp_path_factory: pytest.TempPathFactory, tiles: TileServer) -> Iterator[StartedServer]:
    """A server of a city that is not the demo's, where couriers look stale soon."""
    with started_server(
        tmp_path_factory.mktemp("songda"),
        SONGDA_TILE_URL=f"http://{tiles.host}/{{z}}/{{x}}/{{y}}.png",
        SONGDA_MAP_CENTER=f"{LNG},{LAT}",
        SONGDA_AGEING_AFTER_S=str(AGEING_AFTER_S),
    ) as started:
        yield started


@pytest.fixture
async def set_pages(set_server: StartedServer, tiles: TileServer) -> AsyncIterator[Pages]:
    async with browsing(set_server, tile_host=tiles.host) as opened:
        yield opened


async def test_tiles_come_from_the_host_that_is_set_and_nothing_from_any_other(
    set_server: StartedServer, set_pages: Pages, tiles: TileServer
):
    page = await set_pages.open_as(set_server.person("dispatcher", password=PASSWORD), "/dispatch/")

    async def asked() -> bool:
        return len(tiles.asked) >= 4

    await until(asked, "the map asks for tiles")
    assert all(re.fullmatch(r"/\d+/\d+/\d+\.png", path) for path in tiles.asked)
    await reads(page, ".maplibregl-ctrl-attrib", "OpenStreetMap")
    assert await page.inner_text("#map-note") == ""
    assert set_pages.complaints == []

    assert await refused(page, f"http://{tiles.host}/0/0/0.png") is None
    stranger = "http://127.0.0.2:9/picture.png"
    assert await refused(page, stranger) == stranger
    set_pages.complaints.clear()  # the browser has said so, too


async def refused(page: Page, url: str) -> str | None:
    """The URL that the page's policy refused when it asked for this picture; None when it loaded."""
    answer: str | None = await page.evaluate(
        """url => new Promise((resolve) => {
            document.addEventListener("securitypolicyviolation", (event) => resolve(event.blockedURI), { once: true });
            const picture = new Image();
            picture.onload = () => resolve(null);
            picture.src = url;
        })""",
        url,
    )
    return answer


async def test_a_courier_who_falls_silent_is_last_seen_and_back_with_his_next_fix(
    set_server: StartedServer, set_pages: Pages
):
    kitchen, merchant = a_kitchen(set_server, LAT)
    page = await set_pages.open_as(set_server.person("customer", password=PASSWORD), "/customer/")
    async with riding(set_server, LAT - 0.002, LNG) as phone:
        order_id = await place_order(page, merchant)
        set_server.call("POST", f"/api/v1/orders/{order_id}/accept", by=kitchen, json={"preparation_s": 300})
        await reads(page, "#headline", "is on the way to the restaurant")
        set_server.call("POST", f"/api/v1/orders/{order_id}/pick-up", by=phone.person, json={})
        await reads(page, "#headline", "is bringing your food")
        await phone.ride()
        await reads(page, "#courier-line", "Updated")

        await reads(page, "#courier-line", "Last seen")  # nobody says anything: the page itself notices
        assert await page.locator("#courier.stale").count() == 1
        assert await page.locator(".courier-marker.stale").count() == 1
        assert await courier_on_screen(page) is not None  # where he was last; nobody guesses where he is

        await phone.ride()
        await reads(page, "#courier-line", "Updated")
        assert await page.locator(".stale").count() == 0
