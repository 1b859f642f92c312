"""When a webhook is tried again, and what an answer means for it and for its endpoint.  Pure.

The steps are Standard Webhooks' own, as far as a day reaches; chance comes in as a number from 0 to 1.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus

_MINUTE_S, _HOUR_S = 60, 3600
# Seconds from a failed try to the next one: eight tries within a day.
STEPS_S = (5, 5 * _MINUTE_S, 30 * _MINUTE_S, 2 * _HOUR_S, 5 * _HOUR_S, 8 * _HOUR_S, 8 * _HOUR_S)
MOST_TRIES = len(STEPS_S) + 1
# All that failed together would come back together: spread it.
JITTER = 0.1
LONGEST_WISH_S = 12.0 * _HOUR_S  # a receiver may ask for more patience than ours, up to here
# An endpoint that has answered nothing but failures for so long is switched off.
FAILING_FOR = timedelta(days=1)


class Outcome(StrEnum):
    """How one try ended; the label of the counter and the word on the page."""

    UNDER_WAY = "under_way"
    LOST = "lost"  # the process that tried it died
    DELIVERED = "delivered"
    GONE = "gone"  # 410: never again
    REDIRECTED = "redirected"  # never followed: where to is not what was agreed
    REFUSED = "refused"  # any other status
    TIMED_OUT = "timed_out"
    NAME_UNKNOWN = "name_unknown"
    PRIVATE_ADDRESS = "private_address"  # not one of the open internet: never connected to
    NOT_CONNECTED = "not_connected"
    BAD_CERTIFICATE = "bad_certificate"
    BROKEN_ANSWER = "broken_answer"  # that was no HTTP


class Why(StrEnum):
    """Why an endpoint is switched off."""

    BY_HAND = "by_hand"
    GONE = "gone"
    FAILING = "failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one try."""

    outcome: Outcome
    status: int | None = None
    text: str = ""  # the beginning of what the receiver said
    retry_after: str | None = None  # its header, as it came


def outcome_of(status: int) -> Outcome:
    """What an HTTP status means."""
    if 200 <= status < 300:
        return Outcome.DELIVERED
    if status == HTTPStatus.GONE:
        return Outcome.GONE
    return Outcome.REDIRECTED if 300 <= status < 400 else Outcome.REFUSED


def next_try_s(tries: int, chance: float, wished_s: float = 0.0) -> float | None:
    """Seconds until the next try after `tries` failed ones; None when that was the last."""
    if tries >= MOST_TRIES:
        return None
    step_s = STEPS_S[tries - 1] * (1.0 + JITTER * chance)
    return max(step_s, min(wished_s, LONGEST_WISH_S))


def wished_s(retry_after: str | None, at: datetime) -> float:
    """The wait a Retry-After header asks for: seconds or a date; 0 when it says nothing one can read."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), LONGEST_WISH_S)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        return 0.0
    return min(max((moment - at).total_seconds(), 0.0), LONGEST_WISH_S)


def why_to_stop(outcome: Outcome, failing_since: datetime | None, at: datetime) -> Why | None:
    """Whether this outcome switches its endpoint off; `failing_since` is the first failure after the last success."""
    if outcome is Outcome.GONE:
        return Why.GONE
    if outcome is Outcome.DELIVERED or failing_since is None:
        return None
    return Why.FAILING if at - failing_since >= FAILING_FOR else None
