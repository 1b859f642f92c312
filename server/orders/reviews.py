"""What customers say of an order that is over, and couriers of its handovers: once, to be changed for a day.  Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from server.errors import BadInput, NotFound, Refused
from server.orders.lifecycle import Status

EDITABLE_FOR = timedelta(days=1)
REVIEWABLE_FOR = timedelta(days=14)  # who remembers a dinner longer than that?
MAX_WORDS_LENGTH = 2000

Stars = Annotated[int, Meta(ge=1, le=5, description="1 (bad) to 5 (good)")]
Words = Annotated[str, Meta(max_length=MAX_WORDS_LENGTH)]


class ReviewNotFound(NotFound):
    """Nobody has reviewed this order."""

    code = "review_not_found"


class ReviewTooEarly(Refused):
    """An order is reviewed when it is completed."""

    code = "review_too_early"


class ReviewTooLate(Refused):
    """An order can be reviewed for 14 days, and a review changed for one."""

    code = "review_too_late"


class NothingReviewed(BadInput):
    """A review has at least one of the stars, or words."""

    code = "nothing_reviewed"


class ReviewWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stars for the food, for the courier and for the delivery (was it on time, was it warm), and words."""

    merchant_stars: Stars | None = None
    courier_stars: Stars | None = None
    delivery_stars: Stars | None = None
    words: Words = ""


class Hindrance(StrEnum):
    """What kept a courier at a merchant's or a customer's door."""

    FOOD_NOT_READY = "food_not_ready"  # 未出餐
    WRONG_BAG = "wrong_bag"  # 拿错餐
    NO_PARKING = "no_parking"  # 无处停车
    HARD_TO_FIND = "hard_to_find"  # 地址难找
    LONG_STAIRS = "long_stairs"  # 楼层高无电梯
    NO_ENTRY = "no_entry"  # 无法进门
    RUDE = "rude"  # 态度差
    UNSAFE = "unsafe"  # 不安全
    OTHER = "other"  # 其他


class HandoverWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the two handovers went for the courier, and what hindered him."""

    pickup_stars: Stars | None = None
    dropoff_stars: Stars | None = None
    hindrances: Annotated[list[Hindrance], Meta(max_length=len(Hindrance))] = []
    words: Words = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A customer's review at one version; the words stand apart, since they may name people."""

    order_id: UUID
    merchant_id: UUID
    courier_id: UUID | None
    customer_id: UUID
    merchant_stars: int | None
    courier_stars: int | None
    delivery_stars: int | None
    words: str
    version: int
    filed_at: datetime
    edited_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """A courier's word on an order's two handovers, at one version."""

    order_id: UUID
    merchant_id: UUID
    courier_id: UUID
    pickup_stars: int | None
    dropoff_stars: int | None
    hindrances: tuple[Hindrance, ...]
    words: str
    version: int
    filed_at: datetime
    edited_at: datetime | None = None


def check_review(status: Status, ended_at: datetime | None, *, at: datetime) -> None:
    """ReviewTooEarly or ReviewTooLate unless an order like this may be reviewed `at` that moment."""
    if status is not Status.COMPLETED or ended_at is None:
        raise ReviewTooEarly
    if at - ended_at > REVIEWABLE_FOR:
        raise ReviewTooLate


def edited(review: Review, wish: ReviewWish, *, at: datetime) -> Review:
    """The review as its writer now wants it; ReviewTooLate after a day."""
    _check_editable(review.filed_at, at)
    return replace(
        review,
        merchant_stars=wish.merchant_stars,
        courier_stars=wish.courier_stars,
        delivery_stars=wish.delivery_stars,
        words=_something(wish.words, wish.merchant_stars, wish.courier_stars, wish.delivery_stars),
        version=review.version + 1,
        edited_at=at,
    )


def edited_handover(handover: Handover, wish: HandoverWish, *, at: datetime) -> Handover:
    """The handover as the courier now sees it; ReviewTooLate after a day."""
    _check_editable(handover.filed_at, at)
    return replace(
        handover,
        pickup_stars=wish.pickup_stars,
        dropoff_stars=wish.dropoff_stars,
        hindrances=tuple(dict.fromkeys(wish.hindrances)),
        words=_something(wish.words, wish.pickup_stars, wish.dropoff_stars, *wish.hindrances),
        version=handover.version + 1,
        edited_at=at,
    )


def filed(
    wish: ReviewWish,
    *,
    order_id: UUID,
    merchant_id: UUID,
    customer_id: UUID,
    courier_id: UUID | None,
    at: datetime,
) -> Review:
    """A first review; NothingReviewed."""
    return Review(
        order_id=order_id,
        merchant_id=merchant_id,
        courier_id=courier_id,
        customer_id=customer_id,
        merchant_stars=wish.merchant_stars,
        courier_stars=wish.courier_stars,
        delivery_stars=wish.delivery_stars,
        words=_something(wish.words, wish.merchant_stars, wish.courier_stars, wish.delivery_stars),
        version=1,
        filed_at=at,
    )


def filed_handover(
    wish: HandoverWish, *, order_id: UUID, merchant_id: UUID, courier_id: UUID, at: datetime
) -> Handover:
    """A first word on the handovers; NothingReviewed."""
    return Handover(
        order_id=order_id,
        merchant_id=merchant_id,
        courier_id=courier_id,
        pickup_stars=wish.pickup_stars,
        dropoff_stars=wish.dropoff_stars,
        hindrances=tuple(dict.fromkeys(wish.hindrances)),
        words=_something(wish.words, wish.pickup_stars, wish.dropoff_stars, *wish.hindrances),
        version=1,
        filed_at=at,
    )


def _check_editable(filed_at: datetime, at: datetime) -> None:
    if at - filed_at > EDITABLE_FOR:
        raise ReviewTooLate


def _something(words: str, *said: object) -> str:
    """The words, trimmed; NothingReviewed when neither they nor anything else says something."""
    words = words.strip()
    if not words and all(one is None for one in said):
        raise NothingReviewed
    return words
