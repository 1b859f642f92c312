"""Prints docs/lifecycle.md from the tables: `python -m tools.lifecycle_page > docs/lifecycle.md`.

Each table of what may happen next is a picture, and each of its states has its Chinese word, as the comment beside it
says.  A test compares the page with what is printed.
"""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from server.dispatch import legs
from server.dispatch.legs import STEPS, TOGETHER, WITHOUT_COURIER, Act, State
from server.orders import kitchen, lifecycle, tickets
from server.orders.alarms import WATCHES, Alarm
from server.orders.checkouts import CHECKOUT_TRANSITIONS, CheckoutStatus
from server.orders.kitchen import Kitchen
from server.orders.lifecycle import UNDO_WITHIN, Status
from server.orders.tickets import CLOSED, TicketState

HEAD = """\
# An order's life

Printed by `python -m tools.lifecycle_page` from the tables in `server/`; a test compares the two.  An order moves by
one table; what moves beside it has a small table of its own, and one named mapping says how two of them touch.
Who may do what stands in [permissions](permissions.md), what is said on the wire in [the protocol](protocol.md).
"""

MEMBER = re.compile(r'\s+(?P<name>[A-Z_]+) = "(?P<value>\w+)"\s+# (?P<word>[^\x00-\x7f]+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of what may happen next; to print another, add it to TABLES."""

    title: str
    about: str
    states: type[StrEnum]
    rows: Mapping[Any, Mapping[Any, Any]]
    begins: tuple[tuple[StrEnum, str], ...]
    ends: frozenset[Any]
    after: str = ""


def words(states: type[StrEnum]) -> dict[str, str]:
    """The Chinese word of each state, out of the comment beside it."""
    found = MEMBER.finditer(inspect.getsource(states))
    return {one["value"]: one["word"].strip().split("：")[0] for one in found}


def picture(table: Table) -> str:
    """The table as a mermaid state diagram."""
    chinese = words(table.states)
    lines = ["stateDiagram-v2"]
    lines += [
        f"    {state.value}: {state.value} {chinese.get(state.value, '')}".rstrip() for state in table.rows
    ]
    lines += [f"    [*] --> {state.value}: {by}" for state, by in table.begins]
    for state, row in table.rows.items():
        lines += [f"    {state.value} --> {after.value}: {event.value}" for event, after in row.items()]
    lines += [f"    {state.value} --> [*]" for state in table.rows if state in table.ends]
    return "\n".join(lines)


def _together() -> str:
    """How order and assignment touch."""
    rows = ["| order | open assignment |", "|---|---|"]
    for status in Status:
        states = [state.value for state in State if state in TOGETHER.get(status, ())]
        none = ["none"] if status in WITHOUT_COURIER else []
        rows.append(f"| `{status.value}` | {', '.join([*none, *(f'`{state}`' for state in states)])} |")
    return "\n".join(rows)


ALARMS: dict[Alarm, str] = {
    Alarm.RELEASE: "a scheduled order is released to its merchant, when it is time",
    Alarm.ACCEPT_DEADLINE: "the merchant was silent: the order expires",
    Alarm.READY_LATE: "`ready_late`: the kitchen's time is up, and more",
    Alarm.PICKUP_LATE: "`pickup_late`: the food is ready, and nobody has fetched it",
    Alarm.PROMISE_DUE: "`promise_broken`: the customer should have it by now",
    Alarm.RECEIPT_REMINDER: "`receipt_reminded`: delivered, and the customer has not confirmed",
    Alarm.RECEIPT_DUE: "the customer's silence confirms: the order is completed, and a review asked for",
}


def _alarms() -> str:
    """What the clock does."""
    return "\n".join(
        ["| timer | when it fires |", "|---|---|", *(f"| `{alarm}` | {ALARMS[alarm]} |" for alarm in WATCHES)]
    )


TABLES: tuple[Table, ...] = (
    Table(
        title="The order 订单",
        about=(
            "From `delivering` on the food exists and is on the road: no cancelling, only returning.  A slip (a\n"
            f"rejection, a cancellation) may be undone for {round(UNDO_WITHIN.total_seconds())} s by the role that made"
            " it; money and archive wait for that\nminute.  `undo_early` is for an order whose merchant had not heard"
            " of it yet."
        ),
        states=Status,
        rows=lifecycle.TRANSITIONS,
        begins=((lifecycle.FIRST, "place"), (Status.SCHEDULED, "place for later")),
        ends=lifecycle.TERMINAL,
        after=f"What the clock does about it (`server/orders/alarms.py`):\n\n{_alarms()}\n",
    ),
    Table(
        title="The kitchen 备餐",
        about="It begins with acceptance, and nothing more is said of it once somebody has fetched the food.",
        states=Kitchen,
        rows=kitchen.TRANSITIONS,
        begins=((Kitchen.PREPARING, "accept"),),
        ends=frozenset(),
    ),
    Table(
        title="The courier's assignment 派单",
        about=(
            "The way forward may skip steps, since reports get lost and phones sleep; it never goes back.  A report\n"
            "whose step lies behind already is taken into the history.  Who says nothing in time, or declines, is not\n"
            "asked again for this order."
        ),
        states=State,
        rows=legs.TRANSITIONS,
        begins=((State.ASSIGNED, "assign"),),
        ends=legs.ENDED,
        after=f"How order and assignment touch:\n\n{_together()}\n",
    ),
    Table(
        title="The checkout 结账",
        about="It waits for its payment; paid, it becomes an order of the same id, unpaid it lapses and holds nothing.",
        states=CheckoutStatus,
        rows=CHECKOUT_TRANSITIONS,
        begins=((CheckoutStatus.AWAITING_PAYMENT, "open"),),
        ends=frozenset(state for state, row in CHECKOUT_TRANSITIONS.items() if not row),
    ),
    Table(
        title="The ticket 工单",
        about="The case that people work on when something went wrong; [tickets](tickets.md) tells all of it.",
        states=TicketState,
        rows=tickets.TRANSITIONS,
        begins=((TicketState.OPEN, "report"),),
        ends=CLOSED,
    ),
)
# The same act from each state on a courier's way; in the picture once, or nobody could read it.
EACH = frozenset({Act.WITHDRAW, Act.DECLINE})


def readable(table: Table) -> Table:
    """The assignment with the next step of each state only; the text says that steps may be skipped."""
    if table.rows is not legs.TRANSITIONS:
        return table
    rows: dict[State, dict[Act, State]] = {}
    for state, row in legs.TRANSITIONS.items():
        next_step = next((act for act in row if act in STEPS), None)
        rows[state] = {
            act: after
            for act, after in row.items()
            if act == next_step or (act not in STEPS and (act not in EACH or state is State.ASSIGNED))
        }
    return Table(
        title=table.title,
        about=(
            f"{table.about}  The picture shows the next step only; until the bag is fetched he may decline from\n"
            "each state, and from each open state it can be withdrawn."
        ),
        states=table.states,
        rows=rows,
        begins=table.begins,
        ends=table.ends,
        after=table.after,
    )


def page() -> str:
    """The whole page, in Markdown."""
    parts = [HEAD]
    for table in map(readable, TABLES):
        parts.append(f"\n## {table.title}\n\n{table.about}\n\n```mermaid\n{picture(table)}\n```\n")
        if table.after:
            parts.append(f"\n{table.after}")
    return "".join(parts)


if __name__ == "__main__":
    print(page(), end="")
