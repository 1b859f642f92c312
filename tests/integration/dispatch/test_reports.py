"""What couriers report, step by step, late, twice, with codes and proofs, on a real database."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from server.dispatch.legs import Act, State
from server.dispatch.reports import ProofGiven
from server.errors import NotAllowed, NotFound
from server.orders.codes import (
    MAX_WRONG_CODES,
    CodeNeeded,
    Codes,
    ProofNeeded,
    TooManyWrongCodes,
    Waiver,
    WrongCode,
)
from server.orders.lifecycle import IllegalTransition
from server.orders.media import Media, MediaKind, MediaNotFound, MediaTable
from server.orders.service import BadReason
from server.orders.trouble import Grievance, UnknownReason
from tests.fakes import NOON
from tests.integration.people import a_town

ON_THE_WAY = (Act.TAKE, Act.CONFIRM_PICKUP, Act.SET_OFF, Act.ARRIVE_AT_PICKUP)


@pytest.fixture
async def town(storage, clock):
    return await a_town(storage, clock)


@pytest.fixture
async def strict(town):
    """The town, whose merchant asks for codes and proofs."""
    await town.storage.pool.execute(
        "UPDATE merchants SET pickup_code_required = true, dropoff_proof_required = true"
    )
    return town


async def moments(town, order_id: UUID) -> dict[str, str]:
    return await town.storage.pool.fetchval(
        "SELECT moments FROM assignments WHERE order_id = $1 ORDER BY id DESC LIMIT 1", order_id
    )


async def codes(town, order_id: UUID) -> Codes:
    return Codes(town.settings.secret)


async def a_picture(town, order_id: UUID, kind: MediaKind = MediaKind.PHOTO) -> UUID:
    media = Media(
        id=uuid4(),
        order_id=order_id,
        uploaded_by=town.customer.account_id,
        kind=kind,
        media_type="image/jpeg",
        size_bytes=1,
        width_px=1,
        height_px=1,
        created_at=NOON,
    )
    await MediaTable(town.storage.pool).insert(media)
    return media.id


# Step by step


async def test_each_step_is_told_to_everybody_and_has_its_moment(town):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    for act in ON_THE_WAY:
        town.clock.turn(10)
        told = await town.dispatch.reports.step(courier, order_id, act)
    assert (told["status"], told["assignment"]["state"]) == ("accepted", "arrived_at_pickup")
    await town.dispatch.reports.pick_up(courier, order_id)
    await town.dispatch.reports.step(courier, order_id, Act.LEAVE_PICKUP)
    await town.dispatch.reports.step(courier, order_id, Act.ARRIVE_AT_DROPOFF)
    done = await town.dispatch.reports.deliver(courier, order_id)
    assert [name for _, name in await town.happened(UUID(done["assignment"]["id"]))] == [
        "assigned", "accepted", "pickup_confirmed", "en_route_to_pickup", "arrived_at_pickup", "picked_up",
        "en_route_to_dropoff", "arrived_at_dropoff", "delivered",
    ]  # fmt: skip
    assert (await moments(town, order_id))["en_route_to_pickup"] == "2026-11-23T12:00:30+00:00"


async def test_a_step_that_comes_late_is_history_and_takes_nothing_back(town):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    town.clock.turn(600)
    await town.dispatch.reports.pick_up(courier, order_id, NOON + timedelta(seconds=500))
    told = await town.dispatch.reports.step(
        courier, order_id, Act.ARRIVE_AT_PICKUP, NOON + timedelta(seconds=400)
    )
    assert (told["status"], told["assignment"]["state"]) == ("delivering", "picked_up")
    row = await town.storage.pool.fetchrow(
        "SELECT * FROM event_log WHERE entity = 'assignment' ORDER BY version DESC LIMIT 1"
    )
    assert (row["name"], row["version"], row["occurred_at"]) == (
        "arrived_at_pickup",
        3,
        NOON + timedelta(seconds=400),
    )
    assert (row["fields"]["late"], row["fields"]["state"], row["fields"]["by"]) == (
        True,
        "picked_up",
        "courier",
    )


async def test_what_is_reported_twice_happened_once(town):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    first = await town.dispatch.reports.pick_up(courier, order_id)
    town.clock.turn(60)
    assert await town.dispatch.reports.pick_up(courier, order_id) == first
    assert await town.happened(order_id) == [(1, "placed"), (2, "accepted"), (3, "picked_up")]


async def test_a_phone_that_was_offline_for_the_whole_ride_tells_it_afterwards(town):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    await town.dispatch.reports.step(courier, order_id, Act.TAKE)
    town.clock.turn(1800)
    at = {act: NOON + timedelta(seconds=s) for act, s in zip((*Act,), range(60, 1800, 60), strict=False)}
    await town.dispatch.reports.pick_up(courier, order_id, at[Act.PICK_UP])
    told = await town.dispatch.reports.deliver(courier, order_id, at[Act.DELIVER])
    assert told["delivered_at"] == at[Act.DELIVER].isoformat().replace("+00:00", "Z")


# Not his any more


async def test_a_courier_declines_with_a_reason_and_is_not_asked_again(town):
    near, far = await town.courier(metres_north=100), await town.courier(metres_north=900)
    order_id = await town.accepted()
    await town.timers.run_due()
    assert await town.carrier(order_id) == near.account_id
    told = await town.dispatch.reports.decline(near, order_id, "flat tyre")
    assert told["assignment"]["state"] == "declined"
    await town.storage.tail.start()
    town.nearest.set_busy(near.account_id, busy=False)
    await town.timers.run_due()
    assert await town.carrier(order_id) == far.account_id
    with pytest.raises(BadReason):
        await town.dispatch.reports.decline(far, order_id, " ")


async def test_a_courier_who_says_nothing_loses_it_to_the_next(town):
    near, far = await town.courier(metres_north=100), await town.courier(metres_north=900)
    order_id = await town.accepted()
    await town.timers.run_due()
    town.clock.turn(town.settings.take_within_s - 1)
    await town.timers.run_due()
    assert await town.carrier(order_id) == near.account_id
    town.clock.turn(1)
    for courier in (near, far):
        town.ride(courier)
    await town.timers.run_due()
    assert await town.carrier(order_id) == far.account_id
    with pytest.raises(NotFound):
        await town.dispatch.reports.step(near, order_id, Act.TAKE)
    told = await town.storage.pool.fetch(
        "SELECT name, topics, actor_id FROM event_log WHERE name = 'lapsed' AND entity = 'assignment'"
    )
    assert [f"courier:{near.account_id}" in row["topics"] and row["actor_id"] is None for row in told] == [
        True
    ]


@pytest.mark.parametrize("act", [*ON_THE_WAY, Act.PICK_UP])
async def test_any_report_of_his_says_that_he_has_taken_it(town, act):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    if act is Act.PICK_UP:
        await town.dispatch.reports.pick_up(courier, order_id)
    else:
        await town.dispatch.reports.step(courier, order_id, act)
    town.clock.turn(town.settings.take_within_s)
    await town.timers.run_due()
    assert await town.carrier(order_id) == courier.account_id


async def test_who_has_the_bag_cannot_decline_it(town):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    await town.dispatch.reports.pick_up(courier, order_id)
    with pytest.raises(IllegalTransition):
        await town.dispatch.reports.decline(courier, order_id, "tired")


# Codes and proofs


async def test_the_bag_is_handed_out_to_whom_the_merchant_has_told_the_code(strict):
    town = strict
    courier = await town.courier()
    order_id = await town.assigned(courier)
    with pytest.raises(CodeNeeded):
        await town.dispatch.reports.pick_up(courier, order_id)
    right = Codes(town.settings.secret).pickup(order_id)
    wrong = f"{(int(right) + 1) % 10000:04d}"
    with pytest.raises(WrongCode):
        await town.dispatch.reports.pick_up(courier, order_id, code=wrong)
    assert await town.storage.pool.fetchval("SELECT wrong_codes FROM orders") == 1
    assert (await town.dispatch.reports.pick_up(courier, order_id, code=right))["status"] == "delivering"
    assert await town.storage.pool.fetchval("SELECT wrong_codes FROM orders") == 0


async def test_after_five_wrong_codes_only_the_staff_lets_him_go_on(strict):
    town = strict
    courier = await town.courier()
    order_id = await town.assigned(courier)
    right = Codes(town.settings.secret).pickup(order_id)
    wrong = f"{(int(right) + 1) % 10000:04d}"
    for _ in range(MAX_WRONG_CODES):
        with pytest.raises(WrongCode):
            await town.dispatch.reports.pick_up(courier, order_id, code=wrong)
    with pytest.raises(TooManyWrongCodes):
        await town.dispatch.reports.pick_up(courier, order_id, code=right)
    assert (await town.happened(order_id))[-1] == (3, "codes_locked")
    with pytest.raises(NotAllowed):
        await town.orders.override(courier, order_id, Waiver.PICKUP_CODE, "let me")
    waived = await town.orders.override(town.dispatcher, order_id, Waiver.PICKUP_CODE, "known to me")
    assert [*waived["waived"]] == ["pickup_code"]
    assert (await town.dispatch.reports.pick_up(courier, order_id))["status"] == "delivering"
    [audited] = await town.storage.pool.fetch("SELECT * FROM audit_log WHERE what = 'override'")
    assert (audited["actor_id"], audited["entity_ids"]) == (town.dispatcher.account_id, [order_id])


async def test_a_delivery_is_proved_by_the_customers_code(strict):
    town = strict
    courier = await town.courier()
    order_id = await town.assigned(courier)
    told = Codes(town.settings.secret)
    await town.dispatch.reports.pick_up(courier, order_id, code=told.pickup(order_id))
    with pytest.raises(ProofNeeded):
        await town.dispatch.reports.deliver(courier, order_id)
    done = await town.dispatch.reports.deliver(
        courier, order_id, proof=ProofGiven(code=told.dropoff(order_id))
    )
    assert done["proof"] == {"kind": "code", "media_id": None}


@pytest.mark.parametrize("kind", MediaKind)
async def test_or_by_a_picture_of_this_very_order(strict, kind):
    town = strict
    courier = await town.courier()
    other = await town.placed()
    order_id = await town.assigned(courier)
    await town.dispatch.reports.pick_up(courier, order_id, code=Codes("").pickup(order_id))
    for media_id in (uuid4(), await a_picture(town, other)):
        with pytest.raises(MediaNotFound):
            await town.dispatch.reports.deliver(courier, order_id, proof=ProofGiven(media_id=media_id))
    media_id = await a_picture(town, order_id, kind)
    done = await town.dispatch.reports.deliver(courier, order_id, proof=ProofGiven(media_id=media_id))
    assert done["proof"] == {"kind": kind.value, "media_id": str(media_id)}


async def test_no_code_stands_in_any_event(strict):
    town = strict
    courier = await town.courier()
    order_id = await town.assigned(courier)
    told = Codes(town.settings.secret)
    await town.dispatch.reports.pick_up(courier, order_id, code=told.pickup(order_id))
    await town.dispatch.reports.deliver(courier, order_id, proof=ProofGiven(code=told.dropoff(order_id)))
    fields = await town.storage.pool.fetch("SELECT fields FROM event_log")
    for row in fields:
        assert not {told.pickup(order_id), told.dropoff(order_id)} & {
            str(one) for one in row["fields"].values()
        }


# It could not be delivered


async def test_a_failed_delivery_is_an_exception_with_its_reason_and_evidence(town):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    heard = []

    async def hear(work, trouble):
        heard.append((trouble.happened.name, trouble.grievance.note, trouble.courier_id, trouble.order.id))

    town.dispatch.troubles.on(hear)
    grievance = Grievance(reason="no_answer", note="rang twice", evidence=(await a_picture(town, order_id),))
    with pytest.raises(IllegalTransition):
        await town.dispatch.reports.fail(courier, order_id, grievance)
    await town.dispatch.reports.pick_up(courier, order_id)
    failed = await town.dispatch.reports.fail(courier, order_id, grievance)
    assert (failed["status"], failed["reason"], failed["assignment"]["state"]) == (
        "delivery_exception",
        "no_answer",
        "picked_up",
    )
    assert heard == [("failed", "rang twice", courier.account_id, order_id)]
    fields = await town.storage.pool.fetchval("SELECT fields FROM event_log WHERE name = 'failed'")
    assert fields["evidence"] == [str(one) for one in grievance.evidence]
    assert "rang twice" not in str(fields)


@pytest.mark.parametrize("reason", ["because", "not_received"])
async def test_a_courier_names_a_reason_of_the_catalogue_that_is_his_to_report(town, reason):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    await town.dispatch.reports.pick_up(courier, order_id)
    with pytest.raises(UnknownReason):
        await town.dispatch.reports.fail(courier, order_id, Grievance(reason=reason))


async def test_what_nobody_takes_is_brought_back_when_that_is_decided(town):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    await town.dispatch.reports.pick_up(courier, order_id)
    await town.dispatch.reports.fail(courier, order_id, Grievance(reason="refused"))
    with pytest.raises(IllegalTransition):
        await town.dispatch.reports.step(courier, order_id, Act.HAND_BACK)
    await town.decided(order_id, "send_back")
    assert await town.status(order_id) == "delivery_exception"
    await town.dispatch.reports.step(courier, order_id, Act.ARRIVE_AT_RETURN)
    back = await town.dispatch.reports.step(courier, order_id, Act.HAND_BACK)
    assert (back["status"], back["assignment"]["state"]) == ("returned", State.RETURNED.value)
    assert back["ended_at"] is not None
