"""The API over a town on a real database, asked through ASGI: no socket, everything else as in the running server."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.accounts.api_keys import ApiKeyService
from server.accounts.audit import Audit
from server.accounts.proofs import Proofs
from server.accounts.revocations import Revocations
from server.accounts.service import AccountService
from server.accounts.sessions import SessionService
from server.accounts.viewer import Viewer
from server.archive.service import ArchiveService
from server.dispatch.store import carriers_of
from server.dispatch.tracking import Tracking
from server.geo.courier_index import CourierIndex
from server.geo.track_store import TrackStore
from server.http.parts import HttpParts
from server.http.routes import create_asgi
from server.notify.service import WebhookService
from server.orders.catalogue import Catalogue
from server.orders.links import LinkService
from server.orders.media import MediaService
from server.orders.review_service import ReviewService
from server.storage.media_store import open_media
from tests.builders import SECRET
from tests.conformance import hear
from tests.integration.people import Town, a_town


@dataclass
class Api:
    """A client of the API; `ask` signs in as whoever is named."""

    town: Town
    parts: HttpParts
    client: httpx.AsyncClient

    async def ask(
        self, viewer: Viewer | None, method: str, path: str, body: Any = None, **headers: str
    ) -> httpx.Response:
        """The answer to one request; header names with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if viewer is not None:
            named["Authorization"] = f"Bearer {self.parts.tokens.issue(viewer)}"
        return await self.client.request(method, path, json=body, headers=named)


@pytest.fixture
async def api(storage: Any, redis_client: Any, clock: Any, tmp_path: Path) -> AsyncIterator[Api]:
    """The API of a town with nobody on the road yet."""
    town = await a_town(storage, clock)
    board = Revocations(clock)
    storage.tail.subscribe(board.apply)
    tokens = Proofs(SECRET, 3600.0, clock, board)
    tracks = TrackStore(storage.pool)
    accounts = AccountService(storage, tokens, clock)
    parts = HttpParts(
        storage=storage,
        tokens=tokens,
        accounts=accounts,
        api_keys=ApiKeyService(storage, tokens, clock),
        audit=Audit(storage, clock),
        links=LinkService(storage, tokens, clock),
        sessions=SessionService(storage, tokens, clock, session_ttl_s=86_400.0),
        catalogue=Catalogue(storage, clock),
        media=MediaService(storage, open_media("", tmp_path), clock, carriers_of),
        reviews=ReviewService(storage, carriers_of),
        archive=ArchiveService(
            storage,
            tracks,
            open_media("", tmp_path),
            open_media("", tmp_path, "archive"),
            accounts,
            Audit(storage, clock),
            town.settings,
        ),
        orders=town.orders,
        money=town.money,
        dispatch=town.dispatch,
        tracking=Tracking(
            CourierIndex(redis_client, partitions=4), tracks, town.duties, clock, town.settings
        ),
        nearest=town.nearest,
        tracks=tracks,
        tickets=town.tickets,
        webhooks=WebhookService(storage, clock, town.settings),
        clock=clock,
        settings=town.settings,
    )
    transport = httpx.ASGITransport(create_asgi(parts, {}))

    async def held_to_the_description(response: httpx.Response) -> None:
        await response.aread()
        hear(response)

    hooks = {"response": [held_to_the_description]}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", event_hooks=hooks) as client:
        yield Api(town, parts, client)
