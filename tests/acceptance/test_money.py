"""A started server and the sandbox bank: a card order on every screen, and a refund whose server is killed with -9."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
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
from tests.visits import visiting
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


def a_wish(merchant: dict[str, Any]) -> dict[str, Any]:
    """One dish by card, to a door a kilometre away."""
    return {
        "merchant_id": merchant["id"],
        "items": [{"item_id": merchant["menu"][0]["id"], "quantity": 1}],
        "contact": {
            "name": "Aino",
            "phone": "+358401234567",
            "address": "Katajanokka 5",
            "lat": merchant["lat"] + 0.009,
            "lng": merchant["lng"],
        },
        "payment": {"method": "card"},
    }


async def press(pay_url: str, outcome: str, card: str = "ok") -> None:
    """The customer presses a button on the bank's page."""
    async with httpx.AsyncClient() as person:
        page = await person.post(pay_url, data={"outcome": outcome, "card": card})
        assert page.is_success


async def paid_by_card(server: StartedServer, card: Card) -> tuple[str, Person]:
    """The id of an order that is paid, and somebody of customer service."""
    merchant = server.merchant()
    customer, service = server.person("customer"), server.person("customer_service")
    checkout = await off_loop(server.call, "POST", "/api/v1/checkouts", by=customer, json=a_wish(merchant))
    await press(checkout["pay_url"], "pay", card.value)
    await eventually(lambda: has(server, customer, checkout["id"], "paid"), 20.0)
    return str(checkout["id"]), service


async def has(server: StartedServer, by: Person, order_id: str, payment_status: str) -> bool:
    found = await off_loop(server.request, "GET", f"/api/v1/orders/{order_id}", by=by)
    return found.is_success and found.json()["payment_status"] == payment_status


@asynccontextmanager
async def shop(bank: Bank, data_dir: Path) -> AsyncIterator[StartedServer]:
    """A server whose provider is this bank, and which hears its words."""
    starting = started_server(
        data_dir,
        SONGDA_PAYMENT_PROVIDER_URL=bank.url,
        SONGDA_PAYMENT_PROVIDER_KEY=KEY,
        SONGDA_PAYMENT_WEBHOOK_SECRETS=write_secret(SECRET),
        SONGDA_PAYMENT_RETRY_S="1",
    )
    server = await off_loop(starting.__enter__)
    bank.options = replace(bank.options, webhook_url=f"{server.url}/api/v1/payments/webhook")
    try:
        yield server
    finally:
        await off_loop(starting.__exit__, None, None, None)


async def test_a_card_order_from_its_checkout_to_its_refund_on_every_screen(
    bank: Bank, tmp_path: Path
) -> None:
    async with shop(bank, tmp_path) as server:
        merchant = server.merchant()
        customer, service = server.person("customer"), server.person("customer_service")
        kitchen = server.person("merchant", merchant_id=merchant["id"])
        async with (
            visiting(server.socket_url, customer.token) as phone,
            visiting(server.socket_url, kitchen.token) as desk,
        ):
            await desk.join(f"merchant:{merchant['id']}")
            checkout = await off_loop(
                server.call, "POST", "/api/v1/checkouts", by=customer, json=a_wish(merchant)
            )
            topic = f"order:{checkout['id']}"
            snapshot = (await phone.join(topic))["payload"]["ok"]["snapshot"]
            assert snapshot["order"] is None
            assert snapshot["checkout"]["status"] == "awaiting_payment"
            hidden = await desk.join(topic)
            assert hidden["payload"]["error"]["code"] == "order_not_found"

            await press(checkout["pay_url"], "pay")
            told = [(await phone.event("changed"))["payload"] for _ in range(2)]
            assert [(one["entity"], one["name"]) for one in told] == [
                ("checkout", "paid"),
                ("order", "placed"),
            ]
            placed = (await desk.event("changed"))["payload"]
            assert (placed["name"], placed["fields"]["payment_status"]) == ("placed", "paid")

            order = f"/api/v1/orders/{checkout['id']}"
            wish = {"reason": "item_missing", "borne_by": "merchant", "amount_minor": 290}
            await off_loop(server.call, "POST", f"{order}/refunds", by=service, json=wish)
            while True:
                heard = (await phone.event("changed"))["payload"]
                if (
                    heard["name"] == "payment_changed"
                    and heard["fields"]["payment_status"] == "partly_refunded"
                ):
                    break
            assert heard["fields"]["refunded_minor"] == 290
            await off_loop(server.call, "POST", f"{order}/reject", by=kitchen, json={"reason": "sold out"})
            money = await off_loop(server.call, "GET", f"{order}/money", by=service)
            assert [one["status"] for one in money["refunds"]] == ["confirmed", "requested"]
            undone = await off_loop(server.call, "POST", f"{order}/undo", by=kitchen, json={})
            assert undone["status"] == "pending_acceptance"
            money = await off_loop(server.call, "GET", f"{order}/money", by=service)
            assert [one["status"] for one in money["refunds"]] == ["confirmed", "withdrawn"]
            assert bank.books.balance_minor() == 1000


async def test_killed_while_the_bank_holds_its_answer_the_money_goes_back_once(
    bank: Bank, tmp_path: Path
) -> None:
    async with shop(bank, tmp_path) as server:
        order_id, service = await paid_by_card(server, Card.REFUND_HANGS)
        bank.options = replace(bank.options, webhook_url="")  # nobody tells: only asking again can find out
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
