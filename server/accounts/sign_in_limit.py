"""How often a login may be tried in vain, in this process.  Pure: the moment comes in as an argument."""

from collections import OrderedDict

from server.errors import TooMany

FREE_FAILURES = 5  # a person who mistypes notices nothing
FIRST_WAIT_S = 1.0  # then each failure doubles the wait …
LONGEST_WAIT_S = 60.0  # … up to here: an attacker must not be able to lock a person out for long
FORGOTTEN_AFTER_S = 900.0
MAX_LOGINS = 10_000  # a flood of invented logins must not fill the memory


class TooManySignIns(TooMany):
    """Too many failed attempts to sign in with this login; wait before trying again."""

    code = "too_many_sign_ins"


class SignInLimit:
    """Remembers failures per login, the latest ones of at most MAX_LOGINS logins."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()  # login -> how many, the last at

    def check(self, login: str, now_s: float) -> None:
        """TooManySignIns (with `retry_after_s`) when this login has to wait still."""
        failures, last_s = self._recent(login, now_s)
        wait_s = last_s + wait_after_s(failures) - now_s
        if failures and wait_s > 0:
            raise TooManySignIns(retry_after_s=round(wait_s, 1))

    def failed(self, login: str, now_s: float) -> None:
        """Note a failed attempt."""
        failures, _ = self._recent(login, now_s)
        self._failures[login] = failures + 1, now_s
        self._failures.move_to_end(login)
        while len(self._failures) > MAX_LOGINS:
            self._failures.popitem(last=False)

    def succeeded(self, login: str) -> None:
        """Forget this login's failures."""
        self._failures.pop(login, None)

    def _recent(self, login: str, now_s: float) -> tuple[int, float]:
        failures, last_s = self._failures.get(login, (0, now_s))
        return (0, now_s) if now_s - last_s > FORGOTTEN_AFTER_S else (failures, last_s)


def wait_after_s(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    if failures < FREE_FAILURES:
        return 0.0
    return float(min(FIRST_WAIT_S * 2.0 ** min(failures - FREE_FAILURES, 30), LONGEST_WAIT_S))
