"""The kitchen's own small table: it moves beside the order, since food may be ready before a courier is near.  Pure."""

from enum import StrEnum

from server.orders.lifecycle import IllegalTransition, Status


class Kitchen(StrEnum):
    """Where the food is."""

    PREPARING = "preparing"  # 备餐中
    READY = "ready"  # 已出餐


class KitchenEvent(StrEnum):
    """What the merchant says of it."""

    MARK_READY = "mark_ready"
    UNMARK_READY = "unmark_ready"  # a slip of the finger


# fmt: off
TRANSITIONS: dict[Kitchen, dict[KitchenEvent, Kitchen]] = {
    Kitchen.PREPARING: {KitchenEvent.MARK_READY: Kitchen.READY},
    Kitchen.READY: {KitchenEvent.UNMARK_READY: Kitchen.PREPARING},
}
# fmt: on
HAPPENED: dict[KitchenEvent, str] = {
    KitchenEvent.MARK_READY: "ready",
    KitchenEvent.UNMARK_READY: "not_ready",
}
# How kitchen and order touch: food is made from acceptance until somebody has fetched it.
COOKS_WHILE = frozenset({Status.ACCEPTED})


def next_kitchen(status: Status, kitchen: Kitchen | None, event: KitchenEvent) -> Kitchen:
    """Where `event` takes the kitchen of an order in `status`; IllegalTransition if nowhere."""
    if status not in COOKS_WHILE or kitchen is None:
        raise IllegalTransition(status, event)
    try:
        return TRANSITIONS[kitchen][event]
    except KeyError:
        raise IllegalTransition(kitchen, event) from None
