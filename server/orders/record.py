"""How a move of an order is written, within a unit of work: its row, its events, its alarms.

Whoever moves an order has held it first (store.py), and tells all that happens to it in one command as one story.
"""

from datetime import datetime
from typing import Any

from server.accounts.viewer import Viewer
from server.orders.alarms import Patience, changes
from server.orders.log import log_event
from server.orders.model import Command, Happening, Order
from server.orders.store import Held, OrderStore, replacing
from server.storage.event_log import Event
from server.storage.unit_of_work import UnitOfWork


class Story:
    """What happens to an order within one command: where it stood, where it stands, what happened on the way."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self.order = held.order
        self.chapters: list[tuple[Order, Happening]] = []

    def move(self, command: Command, *, at: datetime, **more: Any) -> Order:
        """It follows the command; IllegalTransition.  `more` is what listeners are told beside the facts."""
        return self._went(*self.order.after(command, at=at), more)

    def note(self, name: str, *, at: datetime, facts: dict[str, Any] | None = None, **more: Any) -> Order:
        """Something happens to it that is no matter of its status."""
        return self._went(*self.order.noted(name, at, facts or {}), more)

    def _went(self, moved: Order, happening: Happening, more: dict[str, Any]) -> Order:
        happening.more.update(more)
        self.order = moved
        self.chapters.append((moved, happening))
        return moved

    def events(self, by: Viewer | None) -> list[Event]:
        """What the log is told; nobody (None): the clock did it."""
        return [
            log_event(order, happening, by=by, courier_id=self.held.courier_id)
            for order, happening in self.chapters
        ]


async def record(
    work: UnitOfWork,
    story: Story,
    *,
    patience: Patience,
    by: Viewer | None,
    also: tuple[Event, ...] = (),
    is_last: bool = False,
) -> Order:
    """Write the story and `also` these events; the order as it is then.

    `is_last`: nothing in this unit of work reads the order after this, but the events' handlers.
    """
    if is_last:
        work.write_along(*replacing(story.held.order, story.order))
    else:
        await OrderStore(work.connection).replace(story.held.order, story.order)
    await set_alarms(work, story.held.order, story.order, patience)
    await work.append(*story.events(by), *also)
    return story.order


async def set_alarms(work: UnitOfWork, before: Order | None, order: Order, patience: Patience) -> None:
    """Have the clock do from now on what it is to do about the order as it is now."""
    for alarm, due_at in changes(before, order, now=work.now, patience=patience).items():
        if due_at is None:
            await work.clear_timer(alarm, order.id)
        else:
            await work.set_timer(alarm, order.id, due_at)
