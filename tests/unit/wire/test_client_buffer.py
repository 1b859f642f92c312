"""The phone's buffer: nothing leaves it before it is stored or refused, and each fix counts once."""

from hypothesis import given
from hypothesis import strategies as st

from server.wire.fix_buffer import FixBuffer
from server.wire.messages import Fix, FixesReceived, RefusedFix


def some_fixes(count: int) -> list[Fix]:
    return [Fix(lat=60.0, lng=25.0, fix_time=moment) for moment in range(count)]


def test_fixes_are_numbered_and_taken_oldest_first():
    buffer = FixBuffer()
    buffer.add(some_fixes(5))
    assert [fix.seq for fix in buffer.take(3)] == [1, 2, 3]
    assert [fix.seq for fix in buffer.take(3)] == [4, 5]
    assert not buffer.has_unsent
    assert len(buffer) == 5


def test_a_full_buffer_loses_the_oldest_and_says_so():
    buffer = FixBuffer(capacity=3)
    buffer.add(some_fixes(5))
    assert [fix.seq for fix in buffer.take(10)] == [3, 4, 5]
    assert buffer.tally.dropped == 2


def test_after_a_loss_what_was_not_stored_is_taken_again():
    buffer = FixBuffer()
    buffer.add(some_fixes(3))
    buffer.take(3)
    buffer.stored([2])
    buffer.rewind()
    assert [fix.seq for fix in buffer.take(3)] == [1, 3]
    assert (buffer.tally.sent, buffer.tally.sent_again) == (3, 2)


def test_late_fixes_are_history_and_refused_ones_have_their_reason():
    buffer = FixBuffer()
    buffer.add(some_fixes(4))
    batch = buffer.take(4)
    buffer.answered(batch, FixesReceived(received=2, history=1, refused=[RefusedFix("impossible_speed", 3)]))
    buffer.stored([1, 2, 3])
    tally = buffer.tally
    assert (tally.received, tally.history, tally.stored, dict(tally.refused)) == (
        2,
        1,
        3,
        {"impossible_speed": 1},
    )
    assert len(buffer) == 0


@given(st.lists(st.sampled_from(["add", "take", "answer", "store", "lose"]), max_size=60), st.randoms())
def test_whatever_the_network_does_every_fix_ends_stored_exactly_once(deeds, random):
    buffer = FixBuffer()
    on_the_way: list[list[Fix]] = []
    stored: set[int] = set()
    added = 0

    def do(deed: str) -> None:
        nonlocal added
        if deed == "add":
            buffer.add(some_fixes(3))
            added += 3
        elif deed == "take":
            on_the_way.append(buffer.take(random.randint(1, 4)))
        elif deed == "answer" and on_the_way:
            batch = random.choice(on_the_way)
            buffer.answered(batch, FixesReceived(received=len(batch)))
        elif deed == "store" and on_the_way:
            seqs = [fix.seq or 0 for fix in on_the_way.pop(0)]
            stored.update(seqs)
            buffer.stored(seqs)
        elif deed == "lose":
            on_the_way.clear()
            buffer.rewind()

    for deed in deeds:
        do(deed)
    do("lose")
    while buffer.has_unsent:
        do("take")
        do("store")
    assert stored == set(range(1, added + 1))
    assert len(buffer) == 0
    assert buffer.tally.stored == buffer.tally.received == buffer.tally.sent == added


def test_what_a_busy_server_did_not_take_goes_first_the_next_time():
    buffer = FixBuffer()
    buffer.add(some_fixes(4))
    buffer.again(buffer.take(2))
    assert [fix.seq for fix in buffer.take(4)] == [1, 2, 3, 4]


def test_a_repetition_that_the_server_knows_already_is_settled():
    buffer = FixBuffer()
    buffer.add(some_fixes(1))
    buffer.answered(buffer.take(1), FixesReceived(received=1))
    buffer.rewind()
    buffer.answered(buffer.take(1), FixesReceived(received=0, refused=[RefusedFix("duplicate", 0)]))
    assert (buffer.tally.received, buffer.tally.known, buffer.tally.refused.total()) == (1, 1, 0)
    assert buffer.tally.settled == 1
