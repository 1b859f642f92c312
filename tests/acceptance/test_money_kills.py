"""The whole server is killed with -9 while the bank holds back the answer to a refund: the money has gone back once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.clock import SystemClock
from server.simulator.bank import Bank, BankOptions
from server.simulator.bank_books import Books, Card
from server.wire.standard_webhooks import write_secret
from tests.ports import free_port
from tests.started import Person, StartedServer, started_server
from tests.waiting import eventually

KEY, SECRET = "the shop's key", b"a secret of thirty-two bytes or so"


@pytest.fixture
async def bank() -> AsyncIterator[Bank]:
    options = BankOptions(
        key=KEY, webhook_url="http://127.0.0.1:1/nowhere", webhook_secret=SECRET, scale=0.05
    )
    bank = Bank(options, Books(), SystemClock())
    await bank.start(port=free_port())
    yield bank
    await bank.stop()


async def off_loop(call: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """A call that blocks, while the bank goes on answering."""
    return await asyncio.to_thread(lambda: call(*args, **options))


async def paid_by_card(server: StartedServer, bank: Bank, card: Card) -> tuple[str, Person]:
    """The id of an order that is paid, and somebody of customer service."""
    merchant = server.merchant()
    customer, service = server.person("customer"), server.person("customer_service")
    wish = {
        "merchant_id": merchant["id"],
        "items": [{"item_id": merchant["menu"][0]["id"], "quantity": 1}],
        "contact": {
            "name": "Aino", "phone": "+358401234567", "address": "Katajanokka 5", "lat": merchant["lat"] + 0.009,
            "lng": merchant["lng"],
        },
        "payment": {"method": "card"},
    }  # fmt: skip
    checkout = await off_loop(server.call, "POST", "/api/v1/checkouts", by=customer, json=wish)
    async with httpx.AsyncClient() as person:
        page = await person.post(checkout["pay_url"], data={"outcome": "pay", "card": card.value})
        assert page.is_success
    await eventually(lambda: has(server, customer, checkout["id"], "paid"), 20.0)
    return str(checkout["id"]), service


async def has(server: StartedServer, by: Person, order_id: str, payment_status: str) -> bool:
    found = await off_loop(server.request, "GET", f"/api/v1/orders/{order_id}", by=by)
    return found.is_success and found.json()["payment_status"] == payment_status


async def test_killed_while_the_bank_holds_its_answer_the_money_goes_back_once(
    bank: Bank, tmp_path: Path
) -> None:
    extra = {
        "SONGDA_PAYMENT_PROVIDER_URL": bank.url,
        "SONGDA_PAYMENT_PROVIDER_KEY": KEY,
        "SONGDA_PAYMENT_WEBHOOK_SECRETS": write_secret(SECRET),
        "SONGDA_PAYMENT_RETRY_S": "1",
    }
    starting = started_server(tmp_path, **extra)
    server = await off_loop(starting.__enter__)
    try:
        object.__setattr__(bank.options, "webhook_url", f"{server.url}/api/v1/payments/webhook")
        order_id, service = await paid_by_card(server, bank, Card.REFUND_HANGS)
        object.__setattr__(bank.options, "webhook_url", "")  # nobody tells: only asking again can find out
        wish = {"reason": "spoilt", "borne_by": "platform", "full": True}
        refund = await off_loop(
            server.call, "POST", f"/api/v1/orders/{order_id}/refunds", by=service, json=wish
        )
        assert refund["status"] == "requested"
        await asyncio.wait_for(bank.hanging.wait(), 20)
        assert len(bank.books.refunds) == 1  # the bank has done it, and nobody here knows
        await off_loop(server.kill)
        bank.released.set()
        await off_loop(server.start)
        await eventually(lambda: has(server, service, order_id, "refunded"), 40.0)
        money = await off_loop(server.call, "GET", f"/api/v1/orders/{order_id}/money", by=service)
        assert [one["status"] for one in money["refunds"]] == ["confirmed"]
        assert sum(entry["amount_minor"] for entry in money["entries"]) == 0
        assert [one.amount_minor for one in bank.books.refunds.values()] == [1290]
        assert bank.refund_calls >= 2
        assert bank.books.balance_minor() == 0
    finally:
        await off_loop(starting.__exit__, None, None, None)
