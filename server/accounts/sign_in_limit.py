"""How often signing in may be tried in vain: by one login, and from one network address.  Pure.

The counts stand in the database (session_store.py), so that they hold across all processes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from server.errors import TooMany

FREE_FAILURES = 5  # a person who mistypes notices nothing
FIRST_WAIT_S = 1.0  # then each failure doubles the wait …
LONGEST_WAIT_S = 60.0  # … up to here: an attacker must not be able to lock a person out for long
WINDOW = timedelta(minutes=15)
FORGOTTEN_AFTER_S = WINDOW.total_seconds()
# A whole office may sit behind one address; a list of stolen passwords is longer.
FAILURES_OF_AN_ADDRESS = 100


class TooManySignIns(TooMany):
    """Too many failed attempts to sign in with this login or from this address; wait before trying again."""

    code = "too_many_sign_ins"


@dataclass(frozen=True, slots=True)
class Failures:
    """How often somebody failed, from the first to the last time."""

    count: int
    first_at: datetime
    last_at: datetime


NONE_YET = Failures(0, datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))

Rule = Callable[[Failures, datetime], Failures]


def attempt_of_login(failures: Failures, now: datetime) -> Failures:
    """What one more attempt makes of these, until it is known to be good; TooManySignIns when it must wait."""
    if not failures.count or now - failures.last_at > WINDOW:
        return Failures(1, now, now)
    # A clock that was set back must not make the wait longer than it can be.
    waited_s = max((now - failures.last_at).total_seconds(), 0.0)
    _refuse_for(wait_after_s(failures.count) - waited_s)
    return Failures(failures.count + 1, failures.first_at, now)


def attempt_of_address(failures: Failures, now: datetime) -> Failures:
    """The same for an address: so many failures in a quarter of an hour, whatever the logins were."""
    age = now - failures.first_at
    if not failures.count or not timedelta() <= age <= WINDOW:
        return Failures(1, now, now)
    if failures.count >= FAILURES_OF_AN_ADDRESS:
        _refuse_for((WINDOW - age).total_seconds())
    return Failures(failures.count + 1, failures.first_at, now)


def wait_after_s(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    if failures < FREE_FAILURES:
        return 0.0
    return float(min(FIRST_WAIT_S * 2.0 ** min(failures - FREE_FAILURES, 30), LONGEST_WAIT_S))


def _refuse_for(wait_s: float) -> None:
    if wait_s > 0:
        raise TooManySignIns(retry_after_s=round(wait_s, 1))
