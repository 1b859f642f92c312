"""A hundred kills with -9 under a load of orders.  The short form: acceptance/test_orders_survive."""

from pathlib import Path
from random import Random

import pytest

from tests.trading import VICTIMS, Market, mortal_market

pytestmark = pytest.mark.long

KILLS = 100
CHECK_EVERY = 10


async def test_a_hundred_kills_lose_no_answer_and_move_no_money_twice(tmp_path: Path, scale: float) -> None:
    random = Random(100)
    with mortal_market(tmp_path) as (server, bank):
        market = Market.of(server, bank)
        for number in range(1, max(CHECK_EVERY, round(KILLS * scale)) + 1):
            await market.trade_until_killed(random, random.choice(VICTIMS))
            if number % CHECK_EVERY == 0:
                await market.check(random)
                print(f"{number} kills: {market.promises} answers, {market.lives} lives", flush=True)
        assert "Traceback" not in "".join(server.lines)
    books = bank.bank.books
    print(f"{market.kills} kills, {market.promises} answers, {market.lives} lives,")
    print(
        f"{len(books.payments)} payments, {len(books.refunds)} refunds, {bank.bank.refund_calls} calls for them"
    )
