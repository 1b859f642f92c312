"""What happens to people and their proofs, as events of the log.  No I/O.

All of them are told on one topic that nobody can join: every process reads it to know whom to refuse from now on
(revocations.py).  Entity `session` is any proof that ends before its time (a signing-in, a device key, a program's key,
a tracking link) and has one event, `ended`; entity `account` counts what was decided about somebody.
"""

from datetime import datetime
from uuid import UUID

from server.accounts.standing import HAPPENED, Standing, Verdict
from server.clock import to_ms
from server.storage.event_log import Event

TOPIC = "accounts"
SESSION, ACCOUNT = "session", "account"
ENDED = "ended"


def session_ended(
    session_id: UUID, account_id: UUID, *, until: datetime, actor_id: UUID | None, at: datetime
) -> Event:
    """A proof is none any more; the last token made with it would have been good `until`."""
    return Event(
        entity=SESSION,
        entity_id=session_id,
        version=1,
        name=ENDED,
        topics=(TOPIC,),
        fields={"account_id": str(account_id), "until_ms": to_ms(until)},
        actor_id=actor_id,
        occurred_at=at,
    )


def account_judged(
    account_id: UUID,
    version: int,
    verdict: Verdict,
    standing: Standing,
    *,
    until: datetime,
    actor_id: UUID | None,
    at: datetime,
) -> Event:
    """Somebody was suspended, reinstated or dismissed; tokens they had were good `until`."""
    return Event(
        entity=ACCOUNT,
        entity_id=account_id,
        version=version,
        name=HAPPENED[verdict],
        topics=(TOPIC,),
        fields={"status": standing.value, "until_ms": to_ms(until)},
        actor_id=actor_id,
        occurred_at=at,
    )
