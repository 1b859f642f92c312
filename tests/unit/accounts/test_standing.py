"""What can be decided about an account, from each standing."""

import pytest

from server.accounts.standing import (
    BARRED,
    VERDICTS,
    BadVerdict,
    Dismissed,
    Standing,
    Suspended,
    Verdict,
    after,
    require_active,
)


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("verdict", Verdict)
def test_the_table_is_the_rule(standing, verdict):
    if verdict in VERDICTS[standing]:
        assert after(standing, verdict) is VERDICTS[standing][verdict]
    else:
        with pytest.raises(BadVerdict):
            after(standing, verdict)


def test_only_the_active_come_in():
    require_active(Standing.ACTIVE)
    for standing, refusal in ((Standing.SUSPENDED, Suspended), (Standing.DISMISSED, Dismissed)):
        with pytest.raises(refusal):
            require_active(standing)
    assert set(BARRED) == set(Standing) - {Standing.ACTIVE}
