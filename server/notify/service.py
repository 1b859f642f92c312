"""What people and merchants' programs do about webhooks: endpoints, secrets, tests, looking, sending again."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from server.accounts.permissions import Permission, require_for_all, require_for_merchant
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.errors import Refused
from server.ids import new_id
from server.notify.addresses import checked_url
from server.notify.endpoint_log import log_event
from server.notify.happenings import TEST_TYPE, TYPES, body_of
from server.notify.model import (
    MAX_ENDPOINTS,
    DeliveriesAnswer,
    DeliveryAnswer,
    DeliveryWithAttempts,
    Endpoint,
    EndpointAnswer,
    EndpointChange,
    EndpointsAnswer,
    NewEndpoint,
    ReplayedAnswer,
    SecretAnswer,
    State,
    TooManyWebhooks,
    WebhookOff,
    checked_types,
)
from server.notify.schedule import Why
from server.notify.sending import KIND, switch_off
from server.notify.store import WebhookStore
from server.orders.merchants import MerchantStore
from server.settings import Settings
from server.storage.database import database_errors
from server.storage.unit_of_work import Storage, UnitOfWork
from server.wire.standard_webhooks import SECRET_BYTES, write_secret

# While a receiver's programs are given the new secret, both sign.
OVERLAP = timedelta(hours=24)

Answered = TypeVar("Answered")


class BeingSent(Refused):
    """It is just being sent; look again in a moment."""

    code = "webhook_being_sent"


class WebhookService:
    """`merchant_id` is None for the platform's own endpoints, which hear of every merchant's orders."""

    def __init__(self, storage: Storage, clock: Clock, settings: Settings) -> None:
        self._storage = storage
        self._clock = clock
        self._settings = settings

    async def add(self, viewer: Viewer, merchant_id: UUID | None, new: NewEndpoint) -> SecretAnswer:
        """A new endpoint, on from now, and its secret.  No Idempotency-Key: that would have to store the secret."""
        _require(viewer, merchant_id)
        events, url = checked_types(new.events), self._checked_url(new.url)
        async with self._storage.unit_of_work() as work:
            store = WebhookStore(work.connection)
            if merchant_id is not None:
                await MerchantStore(work.connection).get(merchant_id)
            if await store.count(merchant_id) >= MAX_ENDPOINTS:
                raise TooManyWebhooks
            endpoint = Endpoint(
                id=new_id(self._clock.now_ms()),
                version=1,
                merchant_id=merchant_id,
                url=url,
                description=new.description,
                events=events,
                enabled=True,
                off_why=None,
                secret=secrets.token_bytes(SECRET_BYTES),
                former_secret=None,
                former_until=None,
                failing_since=None,
                last_success_at=None,
                created_at=work.now,
            )
            await store.insert(endpoint)
            await work.append(log_event(endpoint, "added", actor_id=viewer.account_id, at=work.now))
            return SecretAnswer(endpoint.answer(work.now), write_secret(endpoint.secret))

    async def all(self, viewer: Viewer, merchant_id: UUID | None) -> EndpointsAnswer:
        """The merchant's endpoints."""
        _require(viewer, merchant_id)
        with database_errors():
            endpoints = await WebhookStore(self._storage.pool).all(merchant_id)
        now = self._clock.now()
        return EndpointsAnswer([endpoint.answer(now) for endpoint in endpoints], list(TYPES))

    async def one(self, viewer: Viewer, merchant_id: UUID | None, endpoint_id: UUID) -> EndpointAnswer:
        """One endpoint; WebhookNotFound."""
        _require(viewer, merchant_id)
        with database_errors():
            endpoint = await WebhookStore(self._storage.pool).get(endpoint_id, merchant_id)
        return endpoint.answer(self._clock.now())

    async def change(
        self, viewer: Viewer, merchant_id: UUID | None, endpoint_id: UUID, change: EndpointChange
    ) -> EndpointAnswer:
        """Another URL, other events, on or off.  Off: what waits has failed.  On: it hears of what happens from now."""
        named: dict[str, object] = {}
        if not isinstance(change.url, UnsetType):
            named["url"] = self._checked_url(change.url)
        if not isinstance(change.events, UnsetType):
            named["events"] = checked_types(change.events)
        if change.description is not UNSET:
            named["description"] = change.description

        async def act(work: UnitOfWork, endpoint: Endpoint) -> EndpointAnswer:
            changed = replace(endpoint, version=endpoint.version + 1, **named)  # type: ignore[arg-type]
            turned_on = change.enabled is True and not endpoint.enabled
            if change.enabled is False and endpoint.enabled:
                changed = await switch_off(work, replace(changed, version=endpoint.version), Why.BY_HAND)
            else:
                if turned_on:
                    changed = replace(changed.switched_on(), version=endpoint.version + 1)
                await WebhookStore(work.connection).replace(changed, from_now=turned_on)
            await work.append(log_event(changed, "changed", actor_id=viewer.account_id, at=work.now))
            return changed.answer(work.now)

        return await self._with(viewer, merchant_id, endpoint_id, act)

    async def remove(self, viewer: Viewer, merchant_id: UUID | None, endpoint_id: UUID) -> None:
        """Forget the endpoint and what was sent to it."""

        async def act(work: UnitOfWork, endpoint: Endpoint) -> None:
            gone = replace(endpoint, version=endpoint.version + 1, enabled=False, off_why=Why.BY_HAND)
            await WebhookStore(work.connection).remove(endpoint.id)
            await work.clear_timer(KIND, endpoint.id)
            await work.append(log_event(gone, "removed", actor_id=viewer.account_id, at=work.now))

        await self._with(viewer, merchant_id, endpoint_id, act)

    async def rotate(self, viewer: Viewer, merchant_id: UUID | None, endpoint_id: UUID) -> SecretAnswer:
        """A new secret; for a day the one before signs as well."""

        async def act(work: UnitOfWork, endpoint: Endpoint) -> SecretAnswer:
            rotated = replace(
                endpoint,
                version=endpoint.version + 1,
                secret=secrets.token_bytes(SECRET_BYTES),
                former_secret=endpoint.secret,
                former_until=work.now + OVERLAP,
            )
            await WebhookStore(work.connection).replace(rotated)
            await work.append(log_event(rotated, "secret_changed", actor_id=viewer.account_id, at=work.now))
            return SecretAnswer(rotated.answer(work.now), write_secret(rotated.secret))

        return await self._with(viewer, merchant_id, endpoint_id, act)

    async def test(self, viewer: Viewer, merchant_id: UUID | None, endpoint_id: UUID) -> DeliveryAnswer:
        """Send a `webhook.test`, as everything else is sent; WebhookOff."""

        async def act(work: UnitOfWork, endpoint: Endpoint) -> DeliveryAnswer:
            _require_on(endpoint)
            delivery_id = new_id(self._clock.now_ms())
            body = body_of(TEST_TYPE, work.now, {"webhook_id": endpoint.id, "merchant_id": merchant_id})
            store = WebhookStore(work.connection)
            await store.add_delivery(delivery_id, endpoint.id, TEST_TYPE, body, work.now)
            await work.set_timer(KIND, endpoint.id, work.now)
            return (await store.delivery(endpoint.id, delivery_id)).delivery

        return await self._with(viewer, merchant_id, endpoint_id, act)

    async def deliveries(
        self,
        viewer: Viewer,
        merchant_id: UUID | None,
        endpoint_id: UUID,
        *,
        state: State | None,
        before: UUID | None,
        limit: int,
    ) -> DeliveriesAnswer:
        """What was sent there, or waits, or failed; the newest first."""
        _require(viewer, merchant_id)
        store = WebhookStore(self._storage.pool)
        with database_errors():
            await store.get(endpoint_id, merchant_id)
            found = await store.deliveries(endpoint_id, state=state, before=before, limit=limit + 1)
        page = found[:limit]
        return DeliveriesAnswer(page, page[-1].id if len(found) > limit else None)

    async def delivery(
        self, viewer: Viewer, merchant_id: UUID | None, endpoint_id: UUID, delivery_id: UUID
    ) -> DeliveryWithAttempts:
        """One delivery with the very body that is sent, and every attempt; WebhookNotFound."""
        _require(viewer, merchant_id)
        store = WebhookStore(self._storage.pool)
        with database_errors():
            await store.get(endpoint_id, merchant_id)
            return await store.delivery(endpoint_id, delivery_id)

    async def replay(
        self, viewer: Viewer, merchant_id: UUID | None, endpoint_id: UUID, delivery_id: UUID
    ) -> DeliveryAnswer:
        """Send one again, whatever became of it, under the same webhook-id; WebhookOff, BeingSent."""

        async def act(work: UnitOfWork, endpoint: Endpoint) -> DeliveryAnswer:
            _require_on(endpoint)
            store = WebhookStore(work.connection)
            await store.delivery(endpoint.id, delivery_id)
            if not await store.replay(endpoint.id, delivery_id, work.now):
                raise BeingSent
            await work.set_timer(KIND, endpoint.id, work.now)
            return (await store.delivery(endpoint.id, delivery_id)).delivery

        return await self._with(viewer, merchant_id, endpoint_id, act)

    async def replay_failed(
        self, viewer: Viewer, merchant_id: UUID | None, endpoint_id: UUID, since: datetime
    ) -> ReplayedAnswer:
        """Send all again that were made since then and failed; WebhookOff."""

        async def act(work: UnitOfWork, endpoint: Endpoint) -> ReplayedAnswer:
            _require_on(endpoint)
            replayed = await WebhookStore(work.connection).replay_failed(endpoint.id, since, work.now)
            await work.set_timer(KIND, endpoint.id, work.now)
            return ReplayedAnswer(replayed)

        return await self._with(viewer, merchant_id, endpoint_id, act)

    async def _with(
        self,
        viewer: Viewer,
        merchant_id: UUID | None,
        endpoint_id: UUID,
        act: Callable[[UnitOfWork, Endpoint], Awaitable[Answered]],
    ) -> Answered:
        """Do something to an endpoint that nobody else changes meanwhile."""
        _require(viewer, merchant_id)
        async with self._storage.unit_of_work() as work:
            endpoint = await WebhookStore(work.connection).get(endpoint_id, merchant_id, lock=True)
            return await act(work, endpoint)

    def _checked_url(self, url: str) -> str:
        return checked_url(
            url,
            allow_http=self._settings.webhook_allow_http,
            allow_private=self._settings.webhook_allow_private,
        )


def _require(viewer: Viewer, merchant_id: UUID | None) -> None:
    """NotAllowed unless these endpoints are the viewer's business."""
    if merchant_id is None:
        require_for_all(viewer, Permission.MANAGE_WEBHOOKS)
    else:
        require_for_merchant(viewer, Permission.MANAGE_WEBHOOKS, merchant_id)


def _require_on(endpoint: Endpoint) -> None:
    if not endpoint.enabled:
        raise WebhookOff
