"""The board of duties follows the log, whatever order reading and hearing come in."""

from datetime import datetime
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from server.dispatch.duties import Duty, DutyBoard
from server.dispatch.legs import Act, Assignment, Leg
from server.dispatch.log import log_event
from server.storage.event_log import LogRow
from tests.builders import an_assignment, an_order
from tests.fakes import NOON

ORDER = an_order()
ASSIGNED = an_assignment(order_id=ORDER.id)
PICKED_UP = ASSIGNED.after(Act.PICK_UP, at=NOON)
DELIVERED = PICKED_UP.after(Act.DELIVER, at=NOON)
COURIER = ASSIGNED.courier_id


def a_row(assignment: Assignment, order=ORDER, at: datetime = NOON) -> LogRow:
    event = log_event(assignment, order, by=None, at=at)
    return LogRow(
        entity=event.entity,
        entity_id=event.entity_id,
        version=event.version,
        name=event.name,
        topics=event.topics,
        fields=event.fields,
        actor_id=None,
        occurred_at=at,
        transaction_id=1,
        position=1,
        received_at=at,
    )


def a_board():
    board, heard = DutyBoard(), []
    board.on_change.append(lambda courier_id, duty: heard.append((courier_id, duty)))
    return board, heard


class Open:
    """A pool whose every question is answered with these open assignments, after something has happened."""

    def __init__(self, *assignments, meanwhile=lambda: None):
        self.assignments, self.meanwhile = assignments, meanwhile

    async def fetch(self, statement):
        self.meanwhile()
        return [
            {
                "id": one.id,
                "order_id": one.order_id,
                "courier_id": one.courier_id,
                "display_name": "Li",
                "state": one.state.value,
                "moments": {},
                "reason": None,
                "version": one.version,
                "created_at": NOON,
                "ended_at": None,
                "merchant_id": ORDER.merchant_id,
                "customer_id": ORDER.customer_id,
            }
            for one in self.assignments
        ]


def the_duty(version: int, leg: Leg) -> Duty:
    return Duty(ORDER.id, ORDER.merchant_id, ORDER.customer_id, ASSIGNED.id, version, leg)


def test_a_duty_comes_moves_on_and_ends():
    board, heard = a_board()
    board.apply([a_row(ASSIGNED)])
    assert board.of(COURIER) == the_duty(1, Leg.TO_PICKUP)
    board.apply([a_row(PICKED_UP)])
    assert board.by_order(ORDER.id) == (COURIER, the_duty(2, Leg.TO_DROPOFF))
    board.apply([a_row(DELIVERED)])
    assert (board.of(COURIER), board.by_order(ORDER.id), len(board)) == (None, None, 0)
    assert heard == [
        (COURIER, the_duty(1, Leg.TO_PICKUP)),
        (COURIER, the_duty(2, Leg.TO_DROPOFF)),
        (COURIER, None),
    ]


def test_what_is_heard_twice_or_late_changes_nothing():
    board, heard = a_board()
    board.apply([a_row(ASSIGNED), a_row(PICKED_UP), a_row(ASSIGNED), a_row(PICKED_UP)])
    assert board.of(COURIER) == the_duty(2, Leg.TO_DROPOFF)
    assert len(heard) == 2


def test_the_end_of_an_earlier_duty_does_not_end_the_next():
    board, _ = a_board()
    next_one = an_assignment(order_id=uuid4(), courier_id=COURIER)
    board.apply([a_row(next_one, an_order(id=next_one.order_id)), a_row(DELIVERED)])
    duty = board.of(COURIER)
    assert duty is not None
    assert duty.assignment_id == next_one.id


def test_an_order_given_to_another_courier_is_his():
    board, _ = a_board()
    withdrawn = ASSIGNED.after(Act.WITHDRAW, at=NOON)
    other = an_assignment(order_id=ORDER.id, courier_id=uuid4())
    board.apply([a_row(ASSIGNED), a_row(withdrawn), a_row(other)])
    found = board.by_order(ORDER.id)
    assert found is not None
    assert found[0] == other.courier_id
    assert board.of(COURIER) is None


def test_rows_about_anything_else_are_passed_over():
    board, heard = a_board()
    row = a_row(ASSIGNED)
    board.apply(
        [
            LogRow(
                entity="order",
                entity_id=UUID(int=1),
                version=1,
                name="placed",
                topics=(),
                fields={},
                actor_id=None,
                occurred_at=row.occurred_at,
                transaction_id=1,
                position=1,
                received_at=row.received_at,
            )
        ]
    )
    assert heard == []


async def test_a_new_process_reads_what_is_open():
    board, _ = a_board()
    await board.load(Open(PICKED_UP))
    assert board.of(COURIER) == the_duty(2, Leg.TO_DROPOFF)


async def test_what_ended_while_it_was_read_stays_ended():
    board, _ = a_board()
    await board.load(Open(PICKED_UP, meanwhile=lambda: board.apply([a_row(DELIVERED)])))
    assert board.of(COURIER) is None


async def test_what_moved_on_while_it_was_read_is_not_put_back():
    board, _ = a_board()
    await board.load(Open(ASSIGNED, meanwhile=lambda: board.apply([a_row(PICKED_UP)])))
    assert board.of(COURIER) == the_duty(2, Leg.TO_DROPOFF)


async def test_the_next_duty_heard_while_the_last_was_read_counts():
    board, _ = a_board()
    next_one = an_assignment(order_id=uuid4(), courier_id=COURIER)
    rows = [a_row(DELIVERED), a_row(next_one, an_order(id=next_one.order_id))]
    await board.load(Open(PICKED_UP, meanwhile=lambda: board.apply(rows)))
    duty = board.of(COURIER)
    assert duty is not None
    assert duty.assignment_id == next_one.id


@given(st.uuids(), st.uuids(), st.integers(1, 9), st.integers(1, 9))
def test_only_the_same_version_of_the_same_assignment_has_the_same_mark(one, other, version, other_version):
    def mark(assignment_id: UUID, version: int) -> int:
        return Duty(
            ORDER.id, ORDER.merchant_id, ORDER.customer_id, assignment_id, version, Leg.TO_PICKUP
        ).mark

    assert (mark(one, version) == mark(other, other_version)) is ((one, version) == (other, other_version))
    assert 0 < mark(one, version) < 2**32
