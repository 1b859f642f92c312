from redis.asyncio import Redis

from tests.integration.people import Town
from tests.integration.realtime.live import live


async def test_a_customer_sees_their_order_go_all_the_way(town: Town, redis_client: Redis):
    courier = await town.courier()
    order_id = await town.placed()
    async with live(town, redis_client) as here, here.visit(town.customer) as customer:
        topic = f"order:{order_id}"
        joined = await customer.join(topic)
        snapshot = joined["payload"]["ok"]["snapshot"]
        assert snapshot["order"]["status"] == "pending_acceptance"
        assert snapshot["order"]["dropoff"]["address"] == "Siltasaarenkatu 4 A 12"
        assert snapshot["assignment"] is None
        assert snapshot["position"] is None
        await town.orders.accept(town.kitchen, order_id, 600)
        await town.dispatch.assign(town.dispatcher, order_id, courier.account_id)
        await town.dispatch.pick_up(courier, order_id)
        await town.dispatch.deliver(courier, order_id)
        changes = [await customer.event("changed") for _ in range(6)]
        assert [(change["payload"]["entity"], change["payload"]["name"]) for change in changes] == [
            ("order", "accepted"), ("assignment", "assigned"), ("order", "picked_up"), ("assignment", "picked_up"),
            ("order", "delivered"), ("assignment", "delivered"),
        ]
        assert all(change["topic"] == topic for change in changes)
