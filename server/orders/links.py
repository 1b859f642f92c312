"""Tracking links: somebody without an account follows an order, and takes and reviews it.

A link has two scopes with different ends.  Where the courier is, it tells no longer than he is on his way (that is so
for the customer, too: realtime/audiences.py).  Taking and reviewing go on for a week after the order's end, or until
the link is ended by hand.  A cancellation that is undone ends nothing, since the order has then not ended.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from server.accounts.log import session_ended
from server.accounts.permissions import Permission, require, require_for_order
from server.accounts.tokens import LEEWAY_S, Tokens, link_viewer
from server.accounts.viewer import Viewer
from server.clock import Clock, to_ms
from server.errors import NotFound, Refused
from server.ids import new_id
from server.orders.link_store import Link, LinkStore
from server.orders.model import Order
from server.orders.store import OrderStore
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork

AFTER_THE_END = timedelta(days=7)
# A token cannot be lengthened; longer than any order is under way, and a week.  Revocations are kept as long.
LONGEST = timedelta(days=15)
MAX_LINKS = 20  # of one order that are good at the same time

END_LINKS = "end_links"  # the timer
PATH = "/follow/"


class LinkNotFound(NotFound):
    """This order has no such link, or it has ended."""

    code = "link_not_found"


class TooManyLinks(Refused):
    """This order has as many links as it may; end one first."""

    code = "too_many_links"


class LinksOver(Refused):
    """This order ended more than a week ago."""

    code = "links_over"


class LinkService:
    """Making and ending links."""

    def __init__(self, storage: Storage, tokens: Tokens, clock: Clock) -> None:
        self._storage = storage
        self._tokens = tokens
        self._clock = clock

    def register(self, timers: Timers) -> None:
        """Let the clock end links a week after their orders."""
        timers.on(END_LINKS, self._end_when_over)

    async def make(self, viewer: Viewer, order_id: UUID) -> tuple[Link, str]:
        """A new link and its token, told this once."""
        require(viewer, Permission.MAKE_LINK)
        async with self._storage.unit_of_work() as work:
            order = await self._own(work, viewer, order_id)
            store = LinkStore(work.connection)
            if order.ended_at is not None and work.now >= order.ended_at + AFTER_THE_END:
                raise LinksOver
            if len(await store.open_of(order_id, work.now)) >= MAX_LINKS:
                raise TooManyLinks
            link = Link(
                id=new_id(self._clock.now_ms()),
                order_id=order_id,
                made_by=viewer.account_id,
                created_at=work.now,
                expires_at=work.now + LONGEST,
            )
            await store.insert(link)
            await work.set_timer(END_LINKS, order_id, work.now + AFTER_THE_END)
        return link, self._tokens.issue(link_viewer(link.id, order_id, to_ms(link.expires_at)))

    async def of_order(self, viewer: Viewer, order_id: UUID) -> list[Link]:
        """The order's links that are good; nobody is told their tokens again."""
        require(viewer, Permission.MAKE_LINK)
        async with self._storage.unit_of_work() as work:
            await self._own(work, viewer, order_id)
            return await LinkStore(work.connection).open_of(order_id, work.now)

    async def end(self, viewer: Viewer, order_id: UUID, link_id: UUID) -> None:
        """End one, in every process within two seconds; LinkNotFound."""
        require(viewer, Permission.MAKE_LINK)
        async with self._storage.unit_of_work() as work:
            await self._own(work, viewer, order_id)
            if not await end_links(work, order_id, only=link_id, actor_id=viewer.account_id):
                raise LinkNotFound

    async def _own(self, work: UnitOfWork, viewer: Viewer, order_id: UUID) -> Order:
        order = await OrderStore(work.connection).get(order_id)
        require_for_order(viewer, Permission.MAKE_LINK, **order.people())
        return order

    async def _end_when_over(self, work: UnitOfWork, order_id: UUID, payload: Mapping[str, Any]) -> None:
        try:
            order = await OrderStore(work.connection).get(order_id)
        except NotFound:  # archived already
            await end_links(work, order_id)
            return
        over_at = (order.ended_at or work.now) + AFTER_THE_END
        if work.now >= over_at:
            await end_links(work, order_id)
            await LinkStore(work.connection).forget(work.now - LONGEST)
        else:
            await work.set_timer(END_LINKS, order_id, over_at)


async def end_links(
    work: UnitOfWork, order_id: UUID, *, only: UUID | None = None, actor_id: UUID | None = None
) -> list[Link]:
    """End an order's links, or `only` one, as part of something larger: its archiving, the erasing of its customer."""
    ended = await LinkStore(work.connection).end(order_id, work.now, only=only)
    await work.append(
        *(
            session_ended(
                link.id,
                link.id,
                until=link.expires_at + timedelta(seconds=LEEWAY_S),
                actor_id=actor_id,
                at=work.now,
            )
            for link in ended
        )
    )
    return ended
