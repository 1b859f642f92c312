"""The pages: files of static/, MapLibre out of its wheel, the base map, and what the pages must know (/config.json).

A strict Content-Security-Policy: nothing is loaded from any host but ours and, where set, the tiles' own.
"""

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import NotFound
from server.settings import Settings

STATIC_DIR = Path(__file__).resolve().parents[2] / "static"
BASE_MAP = "base.geojson.gz"  # below data_dir/map, made by the simulator from an OSM extract
HELSINKI = (24.941, 60.170)  # [lng, lat], the demo city's railway square
MAPLIBRE_FILES = {"maplibre-gl.js": "text/javascript", "maplibre-gl.css": "text/css"}


def page_routes(settings: Settings) -> list[BaseRoute]:
    """Routes of everything a browser loads that is not the API."""

    async def config(request: Request) -> Response:
        base_map = "" if settings.tile_url or not _base_map(settings).exists() else "/map/base.geojson"
        return JSONResponse(
            {
                "tile_url": settings.tile_url,
                "base_map": base_map,
                "center": list(settings.map_center or HELSINKI),
                "zoom": settings.map_zoom,
                "attribution": settings.map_attribution,
                "ageing_after_s": settings.ageing_after_s,
                "gone_after_s": settings.gone_after_s,
                "take_within_s": settings.take_within_s,
            },
            headers={"Cache-Control": "no-cache"},
        )

    async def base_map(request: Request) -> Response:
        path = _base_map(settings)
        if not path.exists():
            raise NotFound("No base map was built; set SONGDA_TILE_URL, or open the demo city once.")
        return FileResponse(
            path,
            media_type="application/geo+json",
            headers={
                "Content-Encoding": "gzip",
                "Cache-Control": "max-age=3600",
            },
        )

    async def maplibre(request: Request) -> Response:
        name = request.path_params["name"]
        path = _maplibre_file(name)
        if path is None:
            raise NotFound("The map's drawing code is not installed; install songda[demo].")
        return FileResponse(path, media_type=MAPLIBRE_FILES[name], headers={"Cache-Control": "max-age=86400"})

    async def home(request: Request) -> Response:
        return FileResponse(STATIC_DIR / "index.html", headers={"Cache-Control": "no-cache"})

    async def api_page(request: Request) -> Response:
        return FileResponse(STATIC_DIR / "api" / "index.html", headers={"Cache-Control": "no-cache"})

    async def with_slash(request: Request) -> Response:
        return RedirectResponse(request.url.path + "/")

    pages = [
        name
        for name in ("customer", "follow", "merchant", "dispatch", "desk", "courier")
        if (STATIC_DIR / name).is_dir()
    ]
    return [
        Route("/", home),
        Route("/api", with_slash),
        Route("/api/", api_page),
        Route("/config.json", config),
        Route("/map/base.geojson", base_map),
        Route("/vendor/{name}", maplibre),
        *(Route(f"/{name}", with_slash) for name in pages),
        *(Mount(f"/{name}", StaticFiles(directory=STATIC_DIR / name, html=True)) for name in pages),
        Mount("/static", StaticFiles(directory=STATIC_DIR)),
    ]


def content_security_policy(tile_url: str) -> str:
    """What a page of ours may load; the tile host is the only other host, and only if one is set."""
    parts = urlsplit(tile_url)
    tiles = f" {parts.scheme}://{parts.netloc.replace('{s}', '*')}" if parts.netloc else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; worker-src blob:; font-src 'self'; "
        f"img-src 'self' data: blob:{tiles}; connect-src 'self'{tiles}; "
        "manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )


class SecurityHeaders:
    """Adds the headers that keep a page to itself to every HTTP answer."""

    def __init__(self, app: ASGIApp, tile_url: str = "") -> None:
        self.app = app
        self.headers = [
            (b"content-security-policy", content_security_policy(tile_url).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self.headers]
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def base_map_path(data_dir: Path) -> Path:
    """Where the demo puts its base map, and where the pages look for it."""
    return data_dir / "map" / BASE_MAP


def _base_map(settings: Settings) -> Path:
    return base_map_path(settings.data_dir)


def _maplibre_file(name: str) -> Path | None:
    """The file inside the installed `maplibre` wheel, found without importing it (it would bring a whole web kit)."""
    if name not in MAPLIBRE_FILES:
        return None
    try:
        listed = files("maplibre") or []
    except PackageNotFoundError:
        return None
    path = next((file.locate() for file in listed if str(file).endswith(f"srcjs/{name}")), None)
    return Path(str(path)) if path is not None and Path(str(path)).exists() else None
