"""An order in a house of the browser tests, moved along by REST, and its people signed in with a password."""

from dataclasses import dataclass
from io import BytesIO
from itertools import count
from typing import Any

from PIL import Image

from tests.browser.conftest import PASSWORD
from tests.started import Person, StartedServer

TO_THE_DOOR = (
    "take", "confirm-pickup", "set-off", "arrive-at-pickup", "pick-up", "leave-pickup", "arrive-at-dropoff",
)  # fmt: skip


_towns = count()


@dataclass
class DeskTown:
    """A merchant, a customer, a dispatcher and a courier; `say` gives one command about the order."""

    server: StartedServer
    merchant: dict[str, Any]
    kitchen: Person
    customer: Person
    dispatcher: Person
    courier: Person

    def say(self, by: Person, order: dict[str, Any], command: str, **body: Any) -> dict[str, Any]:
        return dict(self.server.call("POST", f"/api/v1/orders/{order['id']}/{command}", by=by, json=body))

    def assigned(self) -> dict[str, Any]:
        """An order that the courier has been given."""
        order = self.server.place_order(self.customer, self.merchant)
        self.say(self.kitchen, order, "accept", preparation_s=300)
        self.say(self.dispatcher, order, "assign", courier_id=self.courier.id)
        return order

    def refused_at_the_door(self) -> dict[str, Any]:
        """… and brought in vain, which he shows by a photo."""
        order = self.assigned()
        for step in TO_THE_DOOR:
            self.say(self.courier, order, step)
        photo = self.server.call(
            "POST",
            f"/api/v1/orders/{order['id']}/media",
            by=self.courier,
            content=a_picture(),
            headers={"Content-Type": "image/jpeg"},
        )
        return self.say(
            self.courier, order, "fail", reason="refused_damaged", note="It is spilt.", evidence=[photo["id"]]
        )


def a_desk_town(server: StartedServer) -> DeskTown:
    # Each in a place of its own: another test's courier who is online near by would be given the order.
    merchant = server.merchant(lat=61.0 + next(_towns) / 2, lng=24.94)
    return DeskTown(
        server,
        merchant,
        kitchen=server.person("merchant", merchant_id=merchant["id"]),
        customer=server.person("customer"),
        dispatcher=server.person("dispatcher", password=PASSWORD),
        courier=server.person("courier", password=PASSWORD),
    )


def a_picture() -> bytes:
    """A small JPEG."""
    written = BytesIO()
    Image.new("RGB", (64, 48), (180, 120, 80)).save(written, "JPEG")
    return written.getvalue()
