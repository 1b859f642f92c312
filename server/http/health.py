"""Whether this process lives, whether it should get traffic, and its figures for Prometheus."""

import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.http.operations import operation
from server.telemetry import metrics_page

# The checks `/readyz` makes: each returns its finding and whether it is good.
Check = Callable[[], Awaitable[tuple[object, bool]]]


class Alive(msgspec.Struct):
    """This process answers."""

    status: str


def health_routes(checks: Mapping[str, Check]) -> list[Route]:
    """`/healthz` (this process answers), `/readyz` (every check is good, else 503) and `/metrics`."""

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(request: Request) -> Response:
        findings, ready = {}, True
        for name, check in checks.items():
            findings[name], good = await check()
            ready = ready and good
        return JSONResponse(
            {"status": "ready" if ready else "not_ready", **findings}, status_code=200 if ready else 503
        )

    async def metrics(request: Request) -> Response:
        shared = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        return Response(
            metrics_page(Path(shared) if shared else None), media_type="text/plain; version=0.0.4"
        )

    return [
        operation(
            "GET", "/healthz", healthz, "Whether this process lives", answer=Alive, tag="health", public=True
        ),
        operation(
            "GET",
            "/readyz",
            readyz,
            "Whether it should get traffic",
            answer=dict[str, Any],
            tag="health",
            public=True,
            details="What each check found; 503 when one of them is not well.",
        ),
        operation(
            "GET",
            "/metrics",
            metrics,
            "Figures for Prometheus",
            answer=str,
            answer_types=("text/plain",),
            tag="health",
            public=True,
        ),
    ]
