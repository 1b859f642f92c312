"""A platform at work, as the acceptance tests of the workflow use it: houses with their people, and who hears what.

Everything goes through REST and real websockets of a really started server.  Only the clock cannot wait for hours: a
`Record` lets an alarm ring now, or makes what is written in the database older.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import asyncpg
from PIL import Image

from server.clock import SystemClock
from server.simulator.bank_books import Card
from server.storage.embedded import EmbeddedPostgres
from tests.acceptance.ears import Ear, Listening, several
from tests.sandbox import SandboxBank, sandbox_bank
from tests.started import Person, StartedServer, started_server
from tests.waiting import eventually

PHONE = "+358401234567"
PRICE_MINOR, FEE_MINOR = 1290, 290
TOTAL_MINOR = PRICE_MINOR + FEE_MINOR
# Every house stands in a city of its own, so that no other's couriers are near.
_cities = itertools.count()
clock = SystemClock()


@dataclass
class Platform:
    """A started server next to a bank, and the staff that serves all houses."""

    server: StartedServer
    bank: SandboxBank
    dispatcher: Person
    service: Person
    operations: Person

    @property
    def record(self) -> "Record":
        return Record(self.server.data_dir)


@contextmanager
def platform(data_dir: Path, *, workers: int = 2, **settings: str) -> Iterator[Platform]:
    """A platform with these SONGDA_ settings; its log holds all there is to say, so that it can be searched."""
    with sandbox_bank(slow_s=1e6, late_s=1e6) as bank:
        told = {
            "SONGDA_LOG_LEVEL": "debug",
            "SONGDA_ASSIGN_AGAIN_S": "0.3",
            "SONGDA_TRACK_FLUSH_S": "0.3",
            "SONGDA_PAYMENT_RETRY_S": "1",
            **{f"SONGDA_{name.upper()}": value for name, value in settings.items()},
        }
        with started_server(data_dir, workers=workers, **bank.environment, **told) as server:
            bank.tell(server)
            staff = (server.person(role) for role in ("dispatcher", "customer_service", "operations_manager"))
            yield Platform(server, bank, *staff)


class Record:
    """The database itself, for what would take hours: alarms ring now, and what was becomes older."""

    def __init__(self, data_dir: Path) -> None:
        self._url = EmbeddedPostgres(data_dir).url

    async def rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._url)
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            await connection.close()

    async def ring(self, alarm: str, entity_id: str) -> None:
        """This alarm rings now; it must be set."""
        rung = await self.rows(
            "UPDATE timers SET due_at = now() WHERE kind = $1 AND entity_id = $2 RETURNING id",
            alarm,
            entity_id,
        )
        assert rung, f"no timer {alarm}"

    async def older(self, order_id: str, seconds: float) -> None:
        """The order has been over for so much longer, and what is still to come is so much nearer."""
        await self.rows(
            "UPDATE orders SET ended_at = ended_at - make_interval(secs => $2) WHERE id = $1",
            order_id,
            seconds,
        )
        await self._nearer(order_id, seconds)

    async def older_ticket(self, ticket_id: str, seconds: float) -> None:
        """The ticket's clocks have run for so much longer."""
        await self.rows(
            "UPDATE tickets SET escalate_at = escalate_at - make_interval(secs => $2),"
            " resolve_by = resolve_by - make_interval(secs => $2),"
            " paused_until = paused_until - make_interval(secs => $2) WHERE id = $1",
            ticket_id,
            seconds,
        )
        await self._nearer(ticket_id, seconds)

    async def _nearer(self, entity_id: str, seconds: float) -> None:
        await self.rows(
            "UPDATE timers SET due_at = due_at - make_interval(secs => $2)"
            " WHERE entity_id = $1 OR entity_id IN (SELECT id FROM refunds WHERE order_id = $1)",
            entity_id,
            seconds,
        )


class House:
    """A merchant with its people, a customer who orders there, and couriers nearby."""

    def __init__(self, platform: Platform, **facts: object) -> None:
        self.platform, self.server = platform, platform.server
        number = next(_cities)
        self.lat, self.lng = -40 + 0.4 * (number % 200), 20.0 + number // 200
        self.merchant = self._merchant(**facts)
        self.path = f"/api/v1/merchants/{self.merchant['id']}"
        self.kitchen = self.server.person("merchant", merchant_id=self.merchant["id"])
        self.customer = self.server.person("customer")

    def _merchant(self, **facts: object) -> dict[str, Any]:
        told = {
            "name": "Market Kitchen", "address": "Kauppatori 1", "lat": self.lat, "lng": self.lng,
            "delivery_fee_minor": FEE_MINOR, "pickup_code_required": False, "dropoff_proof_required": False,
            "menu": [{"name": "Salmon soup", "price_minor": PRICE_MINOR}], **facts,
        }  # fmt: skip
        made = self.server.call("POST", "/api/v1/merchants", by=self.server.administrator, json=told)
        return dict(made)

    @property
    def door(self) -> dict[str, object]:
        """Where the food goes: somebody's own, some six hundred metres away."""
        return {
            "name": "Aino Virtanen", "phone": PHONE, "address": "Mäkelänkatu 45 A 3", "lat": self.lat + 0.005,
            "lng": self.lng,
        }  # fmt: skip

    def wish(self, quantity: int = 1, **changed: object) -> dict[str, object]:
        items = [{"item_id": self.merchant["menu"][0]["id"], "quantity": quantity}]
        return {"merchant_id": self.merchant["id"], "items": items, "contact": self.door, **changed}

    def order(self, **changed: object) -> dict[str, Any]:
        """The customer submits an order, to be paid at the door."""
        return dict(self.server.call("POST", "/api/v1/orders", by=self.customer, json=self.wish(**changed)))

    def checkout(self, **changed: object) -> dict[str, Any]:
        """The customer wants to pay by card; it is not paid yet."""
        wish = self.wish(payment={"method": "card"}, **changed)
        return dict(self.server.call("POST", "/api/v1/checkouts", by=self.customer, json=wish))

    async def paid(self, card: Card = Card.OK) -> dict[str, Any]:
        """An order that is paid by this card."""
        checkout = self.checkout()
        self.platform.bank.pay(checkout["id"], card)

        async def there() -> bool:
            path = f"/api/v1/orders/{checkout['id']}"
            return (await asyncio.to_thread(self.server.request, "GET", path, by=self.customer)).is_success

        await eventually(there)
        return self.seen(checkout["id"])

    def seen(self, order_id: str, by: Person | None = None) -> dict[str, Any]:
        """The order as REST tells it to somebody, its customer as a rule."""
        return dict(self.server.call("GET", f"/api/v1/orders/{order_id}", by=by or self.customer))

    def money(self, order_id: str) -> dict[str, Any]:
        """The order's books, as customer service reads them."""
        return dict(self.server.call("GET", f"/api/v1/orders/{order_id}/money", by=self.platform.service))

    def says(self, by: Person, order_id: str, command: str, **said: object) -> dict[str, Any]:
        """Somebody commands something about the order, over REST."""
        return dict(self.server.call("POST", f"/api/v1/orders/{order_id}/{command}", by=by, json=said))

    def refused(self, by: Person, order_id: str, command: str, **said: object) -> tuple[int, str]:
        """… which is refused: the status of HTTP and the reason's code."""
        response = self.server.request("POST", f"/api/v1/orders/{order_id}/{command}", by=by, json=said)
        assert not response.is_success, response.text
        return response.status_code, response.json()["code"]

    # Orders on their way

    def accepted(self, order: dict[str, Any] | None = None) -> dict[str, Any]:
        order = order or self.order()
        return self.says(self.kitchen, order["id"], "accept", preparation_s=600)

    def given(self, courier: Person, order: dict[str, Any] | None = None) -> dict[str, Any]:
        """Accepted, and given to this courier by the dispatcher's hand."""
        order = self.accepted(order)
        return self.says(self.platform.dispatcher, order["id"], "assign", courier_id=courier.id)

    def fetched(self, courier: Person, order: dict[str, Any] | None = None) -> dict[str, Any]:
        order = self.given(courier, order)
        return self.says(courier, order["id"], "pick-up")

    def delivered(self, courier: Person, order: dict[str, Any] | None = None) -> dict[str, Any]:
        order = self.fetched(courier, order)
        return self.says(courier, order["id"], "deliver")

    def courier(self) -> Person:
        return self.server.person("courier")

    def track(self, courier: Person) -> list[dict[str, Any]]:
        """Where the courier has been in the last hour, as far as it is stored."""
        now = clock.now()
        params = {"from": (now - timedelta(hours=1)).isoformat(), "to": now.isoformat()}
        path = f"/api/v1/couriers/{courier.id}/track"
        return list(self.server.call("GET", path, by=self.platform.dispatcher, params=params)["fixes"])

    # Tickets and pictures

    def ticket(self, order_id: str, kind: str) -> dict[str, Any]:
        """The order's newest ticket of this kind, whole."""
        path = f"/api/v1/tickets?order_id={order_id}&kind={kind}"
        found = self.server.call("GET", path, by=self.platform.operations)["tickets"]
        assert found, f"no ticket {kind}"
        return dict(self.server.call("GET", f"/api/v1/tickets/{found[0]['id']}", by=self.platform.operations))

    def reports(self, by: Person, order_id: str, kind: str, **said: object) -> dict[str, Any]:
        """Somebody reports trouble with the order."""
        path = f"/api/v1/orders/{order_id}/tickets"
        return dict(self.server.call("POST", path, by=by, json={"kind": kind, **said}))

    def decides(self, by: Person, ticket: dict[str, Any], command: str, **said: object) -> dict[str, Any]:
        """Somebody says something to a ticket."""
        return dict(self.server.call("POST", f"/api/v1/tickets/{ticket['id']}/{command}", by=by, json=said))

    def refused_decision(
        self, by: Person, ticket: dict[str, Any], command: str, **said: object
    ) -> tuple[int, str]:
        """… which is refused: the status of HTTP and the reason's code."""
        response = self.server.request("POST", f"/api/v1/tickets/{ticket['id']}/{command}", by=by, json=said)
        assert not response.is_success, response.text
        return response.status_code, response.json()["code"]

    def story(self, ticket: dict[str, Any], by: Person | None = None, lang: str = "en") -> str:
        """The ticket as a story, line by line."""
        path = f"/api/v1/tickets/{ticket['id']}/story?lang={lang}"
        told = self.server.call("GET", path, by=by or self.platform.service)["story"]
        return "\n".join(f"{line['text']} {line['words'] or ''}".strip() for line in told)

    def photo(self, by: Person, order_id: str, kind: str = "photo") -> str:
        """A picture, as a phone takes it: with where and by whom; its id."""
        path = f"/api/v1/orders/{order_id}/media?kind={kind}"
        headers = {"Content-Type": "image/jpeg"}
        return str(self.server.call("POST", path, by=by, content=a_photo(), headers=headers)["id"])

    @asynccontextmanager
    async def listening(self, courier: Person | None = None) -> AsyncIterator[Listening]:
        """Customer, kitchen, dispatcher, and a courier if one is named: each on the topics of their page."""
        async with asyncio.timeout(90), _ears(self, courier) as ears:
            await ears["kitchen"].joins(f"merchant:{self.merchant['id']}")
            await ears["dispatcher"].joins("dispatch:all")
            await ears["service"].joins("tickets:all")
            if courier is not None:
                await ears["courier"].joins(f"courier:{courier.id}")
            yield Listening(ears)


@asynccontextmanager
async def _ears(house: House, courier: Person | None) -> AsyncIterator[dict[str, Ear]]:
    url, platform = house.server.socket_url, house.platform
    people = {
        "customer": house.customer, "kitchen": house.kitchen, "dispatcher": platform.dispatcher,
        "service": platform.service,
    } | ({} if courier is None else {"courier": courier})  # fmt: skip
    async with several(url, list(people.values())) as visits:
        yield {who: Ear(who, visit) for who, visit in zip(people, visits, strict=True)}


def a_photo() -> bytes:
    """A JPEG that says where it was taken, as phones' do."""
    image, out = Image.new("RGB", (64, 48), "orange"), BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "AinosPhone"  # the maker
    exif.get_ifd(0x8825)[2] = (60.0, 10.0, 5.0)  # GPS latitude
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()
