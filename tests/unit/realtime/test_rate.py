from server.realtime.rate import BURST_S, FrameAllowance


def test_a_burst_then_the_steady_rate():
    allowance = FrameAllowance(5.0, now_s=100.0)
    assert [allowance.spend(100.0) for _ in range(51)] == [True] * int(5 * BURST_S) + [False]
    allowance = FrameAllowance(5.0, now_s=0.0)
    assert all(allowance.spend(second / 5) for second in range(1000))


def test_rest_does_not_save_up_more_than_a_burst():
    allowance = FrameAllowance(1.0, now_s=0.0)
    assert sum(allowance.spend(3600.0) for _ in range(100)) == BURST_S
