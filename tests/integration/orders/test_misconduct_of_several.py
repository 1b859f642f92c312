"""One ticket a courier: what people of several orders say of him stands in it, each unheard by the others."""

from pathlib import Path
from uuid import UUID

import pytest

from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.dispatch.store import carriers_of
from server.dispatch.ticket_story import ticket_story
from server.orders.media import MediaKind, MediaService
from server.orders.ticket_kinds import Kind
from server.orders.ticket_service import ReportTrouble
from server.orders.ticket_store import TicketStore, Wanted
from server.orders.tickets import TicketNotFound
from server.storage.media_store import open_media
from tests.builders import a_wish
from tests.integration.http.test_media import a_photo
from tests.integration.people import Town, a_town


@pytest.fixture
async def town(storage, clock) -> Town:
    return await a_town(storage, clock)


async def brought(town: Town, courier: Viewer, customer: Viewer) -> UUID:
    """An order of this customer's that this courier has delivered."""
    order_id = UUID((await town.orders.place(customer, a_wish(town.merchant.id, *town.menu)))["id"])
    await town.orders.accept(town.kitchen, order_id, 600)
    await town.dispatch.assign(town.dispatcher, order_id, courier.account_id)
    await town.dispatch.reports.pick_up(courier, order_id)
    await town.dispatch.reports.deliver(courier, order_id)
    return order_id


def misconduct(**said: object) -> ReportTrouble:
    return ReportTrouble(kind=Kind.MISCONDUCT, **said)  # type: ignore[arg-type]


async def test_who_joins_a_ticket_about_a_courier_learns_nothing_of_the_others_nor_they_of_them(town):
    courier, second = await town.courier(), await town.account(Role.CUSTOMER)
    first_order = await brought(town, courier, town.customer)
    second_order = await brought(town, courier, second)
    told = await town.tickets.report(town.customer, first_order, misconduct(words="he shouted"))
    ticket_id = UUID(told["id"])

    answered = await town.tickets.report(second, second_order, misconduct(words="MY OWN WORDS"))
    assert (answered["id"], answered["order_id"]) == (told["id"], str(second_order))
    with pytest.raises(TicketNotFound):
        await town.tickets.one(town.storage.pool, second, ticket_id)

    seen = await town.tickets.one(town.storage.pool, town.customer, ticket_id)
    assert [one["words"] for one in seen["said"]] == ["he shouted"]
    [listed] = await town.tickets.several(town.storage.pool, town.customer, Wanted(), before=None, limit=10)
    assert [one["words"] for one in listed["said"]] == ["he shouted"]
    story = await ticket_story(town.storage.pool, town.customer, ticket_id, language="en")
    assert "MY OWN WORDS" not in str(story)
    assert "he shouted" in str(story)
    whole = await town.tickets.one(town.storage.pool, town.operations, ticket_id)
    assert [one["words"] for one in whole["notes"]] == ["he shouted", "MY OWN WORDS"]


async def test_photos_of_each_order_are_evidence_of_the_one_ticket(town, tmp_path: Path):
    media = MediaService(town.storage, open_media("", tmp_path), town.clock, carriers_of)
    courier = await town.courier()
    first_order = await brought(town, courier, town.customer)
    await town.tickets.report(town.customer, first_order, misconduct())
    second_order = await brought(town, courier, town.customer)
    photo = await media.upload(town.customer, second_order, MediaKind.PHOTO, a_photo())
    told = await town.tickets.report(town.customer, second_order, misconduct(media_ids=[UUID(photo["id"])]))
    evidence = await TicketStore(town.storage.pool).evidence(UUID(told["id"]))
    assert UUID(photo["id"]) in {one.media_id for one in evidence}
