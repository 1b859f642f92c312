"""Orders and their money outlive whatever is killed with -9: every answered command is there, no money moved twice.

A hundred kills: tests/long/test_orders_kills.py.
"""

from pathlib import Path
from random import Random

from tests.trading import Market, mortal_market

DEATHS = ("a worker", "postgres", "everything", "a worker")


async def test_whatever_dies_every_answer_was_true_and_no_money_moved_twice(tmp_path: Path) -> None:
    random = Random(6)
    with mortal_market(tmp_path) as (server, bank):
        market = Market.of(server, bank)
        for victim in DEATHS:
            await market.trade_until_killed(random, victim)
        await market.check(random)
        assert "Traceback" not in "".join(server.lines)
    assert market.kills == len(DEATHS)
