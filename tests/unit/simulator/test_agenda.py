"""One heap moves everybody, in the city's time."""

from server.simulator.agenda import Agenda
from tests.fakes import ManualClock


def test_what_is_due_is_done_in_order_and_what_is_not_waits():
    clock = ManualClock()
    agenda = Agenda(clock)
    done: list[str] = []
    agenda.after(2.0, lambda: done.append("second"))
    agenda.after(1.0, lambda: done.append("first"))
    agenda.after(9.0, lambda: done.append("later"))
    clock.turn(3.0)
    assert agenda.run_due() == 2
    assert done == ["first", "second"]


def test_the_citys_time_may_be_faster_than_ours():
    clock = ManualClock()
    agenda = Agenda(clock, speed=10.0)
    done: list[int] = []
    agenda.at(25.0, lambda: done.append(1))
    clock.turn(2.0)
    agenda.run_due()
    assert done == []
    clock.turn(0.5)
    agenda.run_due()
    assert (done, agenda.now_s()) == ([1], 25.0)


def test_what_puts_itself_on_again_does_not_keep_the_tick_from_ending():
    clock = ManualClock()
    agenda = Agenda(clock)
    done: list[float] = []

    def again() -> None:
        done.append(agenda.now_s())
        agenda.at(agenda.now_s(), again)

    agenda.at(0.0, again)
    assert agenda.run_due() == 1
    assert agenda.run_due() == 1
    assert len(done) == 2
