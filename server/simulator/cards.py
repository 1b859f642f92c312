"""Customers who pay by card: they open the sandbox bank's page and press its button.  A real bank would not let us."""

from random import Random

import httpx

from server.simulator.bank_books import Card

WITHIN_S = 10.0
# Of a hundred who pay, so many choose these cards; the others' are good.
STORIES = {
    Card.SLOW: 10,
    Card.DECLINED: 3,
    Card.TWICE: 5,
    Card.LOST: 3,
    Card.REFUND_FAILS: 5,
    Card.REFUND_PENDING: 5,
}


class Cards:
    """How many pay by card, and with which."""

    def __init__(self, share: float, random: Random) -> None:
        self.share = share
        self._random = random
        self._client = httpx.AsyncClient(timeout=WITHIN_S, trust_env=False)

    def chosen(self) -> bool:
        """Whether the next customer pays by card."""
        return self._random.random() < self.share

    async def pay(self, pay_url: str) -> bool:
        """Pay on the bank's page; False when it cannot be reached."""
        left = 100 - sum(STORIES.values())
        card = self._random.choices([*STORIES, Card.OK], weights=[*STORIES.values(), left])[0]
        try:
            answer = await self._client.post(pay_url, data={"outcome": "pay", "card": card.value})
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        return answer.is_success

    async def close(self) -> None:
        """End all connections."""
        await self._client.aclose()
