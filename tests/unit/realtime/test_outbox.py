from server.realtime.outbox import Outbox


def test_status_goes_first_and_in_order_positions_after():
    outbox = Outbox()
    outbox.put_newest("order:1", b"p")
    outbox.put(b"a")
    outbox.put(b"b")
    assert outbox.backlog_bytes == 2
    assert outbox.take() == b"abp"
    assert (outbox.take(), outbox.backlog_bytes, bool(outbox)) == (b"", 0, False)


def test_of_positions_only_the_newest_of_each_waits():
    outbox = Outbox()
    for key, frame in (("order:1", b"1"), ("order:2", b"2"), ("order:1", b"3")):
        outbox.put_newest(key, frame)
    assert outbox.waits("order:1")
    assert outbox.take() == b"32"
    assert not outbox.waits("order:1")


def test_what_may_no_longer_be_seen_is_withdrawn():
    outbox = Outbox()
    outbox.put_newest("order:1", b"1")
    outbox.forget("order:1")
    outbox.forget("order:2")
    assert not outbox
