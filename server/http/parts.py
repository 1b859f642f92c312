"""What the routes are given: the services and stores they speak to.  Made by server/app.py."""

from dataclasses import dataclass

from server.accounts.api_keys import ApiKeyService
from server.accounts.audit import Audit
from server.accounts.service import AccountService
from server.accounts.sessions import SessionService
from server.accounts.tokens import Tokens
from server.archive.service import ArchiveService
from server.clock import Clock
from server.dispatch.service import DispatchService
from server.dispatch.tracking import Tracking
from server.geo.nearest import NearestIndex
from server.geo.track_store import TrackStore
from server.notify.service import WebhookService
from server.orders.catalogue import Catalogue
from server.orders.links import LinkService
from server.orders.media import MediaService
from server.orders.money import Money
from server.orders.review_service import ReviewService
from server.orders.service import OrderService
from server.orders.ticket_service import TicketService
from server.settings import Settings
from server.storage.unit_of_work import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpParts:
    """All that any route needs; each takes what is its own."""

    storage: Storage
    tokens: Tokens
    accounts: AccountService
    api_keys: ApiKeyService
    audit: Audit
    sessions: SessionService
    catalogue: Catalogue
    media: MediaService
    reviews: ReviewService
    archive: ArchiveService
    orders: OrderService
    links: LinkService
    money: Money
    dispatch: DispatchService
    tracking: Tracking
    nearest: NearestIndex
    tracks: TrackStore
    tickets: TicketService
    webhooks: WebhookService
    clock: Clock
    settings: Settings
