"""Whether somebody may come in: the standing of an account, and what can be decided about it.  Pure."""

from enum import StrEnum

from server.errors import NotAllowed, Refused


class Standing(StrEnum):
    """Of an account."""

    ACTIVE = "active"
    SUSPENDED = "suspended"  # 停用: for a while, until somebody says otherwise
    DISMISSED = "dismissed"  # 解除: for good


class Verdict(StrEnum):
    """What is decided about an account."""

    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    DISMISS = "dismiss"


# What the event log calls it.
HAPPENED: dict[Verdict, str] = {
    Verdict.SUSPEND: "suspended",
    Verdict.REINSTATE: "reinstated",
    Verdict.DISMISS: "dismissed",
}

VERDICTS: dict[Standing, dict[Verdict, Standing]] = {
    Standing.ACTIVE: {Verdict.SUSPEND: Standing.SUSPENDED, Verdict.DISMISS: Standing.DISMISSED},
    Standing.SUSPENDED: {Verdict.REINSTATE: Standing.ACTIVE, Verdict.DISMISS: Standing.DISMISSED},
    # Whoever is to come back after this gets a new account.
    Standing.DISMISSED: {},
}


class Suspended(NotAllowed):
    """This account is suspended; speak with the operations department."""

    code = "suspended"


class Dismissed(NotAllowed):
    """This account was closed for good."""

    code = "dismissed"


class BadVerdict(Refused):
    """This cannot be decided about an account as it stands now."""

    code = "bad_verdict"


BARRED: dict[Standing, type[NotAllowed]] = {
    Standing.SUSPENDED: Suspended,
    Standing.DISMISSED: Dismissed,
}


def require_active(standing: Standing) -> None:
    """Suspended or Dismissed for whoever may not come in."""
    barred = BARRED.get(standing)
    if barred is not None:
        raise barred


def after(standing: Standing, verdict: Verdict) -> Standing:
    """The standing after `verdict`; BadVerdict when there is none."""
    try:
        return VERDICTS[standing][verdict]
    except KeyError:
        raise BadVerdict(current=standing.value) from None
