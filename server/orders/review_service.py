"""Filing, changing and reading reviews and couriers' words on handovers."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import msgspec

from server.accounts.permissions import Permission, Scope, reach, require, require_for_order
from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.errors import NotAllowed
from server.orders.commands import fingerprint, once
from server.orders.lifecycle import ENDED
from server.orders.media import CarriersOf
from server.orders.model import Order
from server.orders.review_store import ReviewStore
from server.orders.reviews import (
    Handover,
    HandoverWish,
    Review,
    ReviewNotFound,
    ReviewTooEarly,
    ReviewWish,
    check_review,
    edited,
    edited_handover,
    filed,
    filed_handover,
)
from server.orders.store import OrderStore
from server.orders.views import Json
from server.storage.database import database_errors
from server.storage.event_log import Event
from server.storage.unit_of_work import Storage, UnitOfWork

REVIEW, HANDOVER = "review", "handover"  # entities of the log
FILED, EDITED = "filed", "edited"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Whose reviews somebody may read: a merchant's, a courier's, everybody's (both None)."""

    merchant_id: UUID | None
    courier_id: UUID | None


class ReviewService:
    """What customers and couriers say when an order is over."""

    def __init__(self, storage: Storage, carriers_of: CarriersOf) -> None:
        self._storage = storage
        self._carriers_of = carriers_of

    async def review(
        self, viewer: Viewer, order_id: UUID, wish: ReviewWish, *, key: str | None = None
    ) -> Json:
        """File the review, or change it within a day; ReviewTooEarly, ReviewTooLate, NothingReviewed."""

        async def act(work: UnitOfWork) -> Json:
            order = await OrderStore(work.connection).lock(order_id)
            require_for_order(viewer, Permission.REVIEW_ORDER, order_id=order.id, **_people(order))
            store = ReviewStore(work.connection)
            before = await store.review(order_id)
            if before is None:
                check_review(order.status, order.ended_at, at=work.now)
                carriers = await self._carriers_of(work.connection, order_id)
                after = filed(
                    wish,
                    order_id=order.id,
                    merchant_id=order.merchant_id,
                    customer_id=order.customer_id,
                    courier_id=carriers[0] if carriers else None,
                    at=work.now,
                )
            else:
                after = edited(before, wish, at=work.now)
            await store.put_review(after)
            await work.append(_review_event(after, actor_id=viewer.account_id))
            return review_json(after)

        require(viewer, Permission.REVIEW_ORDER)
        return await once(self._storage, viewer, key, fingerprint("review", order_id, wish), act)

    async def handover(
        self, viewer: Viewer, order_id: UUID, wish: HandoverWish, *, key: str | None = None
    ) -> Json:
        """File the courier's word on the handovers of an order he had, or change it within a day."""

        async def act(work: UnitOfWork) -> Json:
            order = await OrderStore(work.connection).lock(order_id)
            carriers = await self._carriers_of(work.connection, order_id)
            courier_id = viewer.account_id if viewer.account_id in carriers else None
            require_for_order(viewer, Permission.REVIEW_HANDOVER, courier_id=courier_id, **_people(order))
            store = ReviewStore(work.connection)
            before = await store.handover(order_id, viewer.account_id)
            if before is not None:
                after = edited_handover(before, wish, at=work.now)
            elif order.picked_up_at is None and order.status not in ENDED:
                raise ReviewTooEarly("A handover is rated when there was one")
            else:
                after = filed_handover(
                    wish,
                    order_id=order.id,
                    merchant_id=order.merchant_id,
                    courier_id=viewer.account_id,
                    at=work.now,
                )
            await store.put_handover(after)
            await work.append(_handover_event(after))
            return handover_json(after)

        require(viewer, Permission.REVIEW_HANDOVER)
        return await once(self._storage, viewer, key, fingerprint("handover", order_id, wish), act)

    async def of_order(self, viewer: Viewer, order_id: UUID) -> Json:
        """The customer's review of an order; ReviewNotFound."""
        pool = self._storage.pool
        with database_errors():
            order = await OrderStore(pool).get(order_id)
            carriers = await self._carriers_of(pool, order_id)
            require_for_order(
                viewer,
                Permission.SEE_REVIEWS if viewer.order_id is None else Permission.REVIEW_ORDER,
                courier_id=viewer.account_id if viewer.account_id in carriers[:1] else None,
                order_id=order.id,
                **_people(order),
            )
            review = await ReviewStore(pool).review(order_id)
        if review is None:
            raise ReviewNotFound
        return review_json(review)

    async def reviews(
        self, viewer: Viewer, asked: Reviewed, *, before: UUID | None, limit: int
    ) -> tuple[list[Json], Json]:
        """Reviews of the newest orders first, and their count and means; a merchant and a courier get their own."""
        whose = _reviewed_for(viewer, asked)
        store = ReviewStore(self._storage.pool)
        with database_errors():
            found = await store.reviews(
                merchant_id=whose.merchant_id, courier_id=whose.courier_id, before=before, limit=limit
            )
            summary = await store.summary(merchant_id=whose.merchant_id, courier_id=whose.courier_id)
        return [review_json(review) for review in found], summary

    async def handovers(
        self, viewer: Viewer, asked: Reviewed, *, before: UUID | None, limit: int
    ) -> list[Json]:
        """Couriers' words on handovers, of the newest orders first."""
        whose = _reviewed_for(viewer, asked)
        with database_errors():
            found = await ReviewStore(self._storage.pool).handovers(
                merchant_id=whose.merchant_id, courier_id=whose.courier_id, before=before, limit=limit
            )
        shown = [handover_json(handover) for handover in found]
        if viewer.role is Role.MERCHANT:  # what couriers write of a kitchen is for those who mediate
            shown = [{**handover, "words": ""} for handover in shown]
        return shown


def review_json(review: Review) -> Json:
    """A review as people see it."""
    view: Json = msgspec.to_builtins(review)
    del view["customer_id"]
    return view


def handover_json(handover: Handover) -> Json:
    """A courier's word as people see it."""
    view: Json = msgspec.to_builtins(handover)
    return view


def _reviewed_for(viewer: Viewer, asked: Reviewed) -> Reviewed:
    """What of `asked` the viewer may read: all, or what is said of themselves."""
    require(viewer, Permission.SEE_REVIEWS)
    if reach(viewer, Permission.SEE_REVIEWS) is Scope.ALL:
        return asked
    match viewer.role:
        case Role.MERCHANT if viewer.merchant_id is not None:
            return Reviewed(viewer.merchant_id, asked.courier_id)
        case Role.COURIER:
            return Reviewed(asked.merchant_id, viewer.account_id)
    raise NotAllowed(
        permission=Permission.SEE_REVIEWS.value
    )  # a customer reads the own one only, by its order


def _people(order: Order) -> dict[str, UUID]:
    people = order.people()
    return {"customer_id": people["customer_id"], "merchant_id": people["merchant_id"]}


def _review_event(review: Review, *, actor_id: UUID) -> Event:
    """The stars only: words may name people, and the log is for ever."""
    stars: dict[str, Any] = {
        "merchant_stars": review.merchant_stars,
        "courier_stars": review.courier_stars,
        "delivery_stars": review.delivery_stars,
        "merchant_id": str(review.merchant_id),
    }
    to_courier = () if review.courier_id is None else (f"courier:{review.courier_id}",)
    return Event(
        entity=REVIEW,
        entity_id=review.order_id,
        version=review.version,
        name=FILED if review.edited_at is None else EDITED,
        topics=(f"order:{review.order_id}", f"merchant:{review.merchant_id}", *to_courier),
        fields={"order_id": str(review.order_id), **stars},
        actor_id=actor_id,
        occurred_at=review.edited_at or review.filed_at,
    )


def _handover_event(handover: Handover) -> Event:
    return Event(
        entity=HANDOVER,
        # An order has a handover for each courier who had it: the log's entity is the pair, named by its own id.
        entity_id=handover_id(handover.order_id, handover.courier_id),
        version=handover.version,
        name=FILED if handover.edited_at is None else EDITED,
        topics=(f"courier:{handover.courier_id}", "dispatch:all"),
        fields={
            "order_id": str(handover.order_id),
            "merchant_id": str(handover.merchant_id),
            "courier_id": str(handover.courier_id),
            "pickup_stars": handover.pickup_stars,
            "dropoff_stars": handover.dropoff_stars,
            "hindrances": [hindrance.value for hindrance in handover.hindrances],
        },
        actor_id=handover.courier_id,
        occurred_at=handover.edited_at or handover.filed_at,
    )


def handover_id(order_id: UUID, courier_id: UUID) -> UUID:
    """One id for what one courier says of one order (RFC 9562 §5.5, by name)."""
    return uuid5(order_id, courier_id.hex)
