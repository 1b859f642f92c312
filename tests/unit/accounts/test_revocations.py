"""The board of those who are refused although their token is good."""

from datetime import timedelta
from uuid import uuid4

import pytest

from server.accounts.log import account_judged, session_ended
from server.accounts.revocations import Revocations, SignedOut
from server.accounts.standing import Dismissed, Standing, Suspended, Verdict
from tests.builders import a_viewer
from tests.fakes import NOON, ManualClock

LI, SESSION = uuid4(), uuid4()
SOON = NOON + timedelta(minutes=15)


def ended(**facts):
    return session_ended(SESSION, LI, **{"until": SOON, "actor_id": LI, "at": NOON, **facts})


def judged(version, verdict, standing, until=SOON):
    return account_judged(LI, version, verdict, standing, until=until, actor_id=None, at=NOON)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def board(clock):
    return Revocations(clock)


def test_an_ended_session_is_refused_and_no_other(board):
    board.apply([ended()])
    with pytest.raises(SignedOut):
        board.check(a_viewer(account_id=LI, session_id=SESSION))
    board.check(a_viewer(account_id=LI, session_id=uuid4()))
    board.check(a_viewer(account_id=LI))


def test_a_suspended_account_is_refused_until_it_is_reinstated(board):
    li = a_viewer(account_id=LI, session_id=SESSION)
    board.apply([judged(1, Verdict.SUSPEND, Standing.SUSPENDED)])
    with pytest.raises(Suspended):
        board.check(li)
    board.apply([judged(2, Verdict.REINSTATE, Standing.ACTIVE)])
    board.check(li)
    board.apply([judged(3, Verdict.DISMISS, Standing.DISMISSED)])
    with pytest.raises(Dismissed):
        board.check(li)


def test_nothing_is_remembered_beyond_the_token_that_it_is_about(board, clock):
    board.apply([ended(), judged(1, Verdict.SUSPEND, Standing.SUSPENDED, until=SOON + timedelta(minutes=5))])
    assert len(board) == 2
    clock.turn(15 * 60)
    board.apply([ended(until=NOON)])
    assert len(board) == 1
    clock.turn(5 * 60)
    board.apply([ended(until=NOON)])
    assert len(board) == 0


def test_a_suspension_renewed_meanwhile_is_not_forgotten_with_the_first(board, clock):
    board.apply([judged(1, Verdict.SUSPEND, Standing.SUSPENDED)])
    clock.turn(60)
    later = SOON + timedelta(minutes=10)
    board.apply(
        [
            judged(2, Verdict.REINSTATE, Standing.ACTIVE),
            judged(3, Verdict.SUSPEND, Standing.SUSPENDED, until=later),
        ]
    )
    clock.turn(15 * 60)
    board.apply([ended()])
    with pytest.raises(Suspended):
        board.check(a_viewer(account_id=LI))


def test_sockets_hear_of_it_once(board):
    told = []
    board.on_change.append(lambda account_id, session_id: told.append((account_id, session_id)))
    board.apply([ended(), ended(), judged(1, Verdict.SUSPEND, Standing.SUSPENDED)])
    assert told == [(LI, SESSION), (LI, None)]
