"""The page docs/tickets.md and the ticket's picture, from the tables.  Pure.  `python -m server.orders.ticket_page`."""

from server.accounts.permissions import Permission
from server.orders.segments import REASON_OF, RESPONSIBLE, Segment
from server.orders.ticket_access import NEEDED
from server.orders.ticket_endings import ENDINGS
from server.orders.ticket_kinds import DECISION_WORDS, KINDS, Kind, KindRule
from server.orders.ticket_reasons import REASONS, TEMPLATES
from server.orders.tickets import CLOSED, LONGEST_PAUSE, TRANSITIONS, TicketState

INTRODUCTION = f"""\
# Tickets

Printed by `python -m server.orders.ticket_page` from the tables in `server/orders/`; a test compares the two.

A ticket 工单 is the case that people work on when something went wrong with an order or in a courier's conduct.
The order keeps its own status ([lifecycle](lifecycle.md)); *delivery exception* 配送异常 is one of those, a ticket
is beside it.

- **One trouble, one ticket.** The same kind of trouble of the same order, or the same courier's conduct, joins
  the open ticket, by a constraint in PostgreSQL: its `occurrences` count up, its evidence grows, a snoozed one
  wakes.
- **It begins with its owner and climbs.** Who stands first in *goes to* sees it first. Nobody acknowledges it
  in time: the next role has it, with as much time of its own. Not resolved in time: it is overdue, climbs once
  more and is at least of high severity. Acknowledged, it climbs no further by itself before that.
- **It is put off, never forgotten.** Snoozed or waiting for somebody's word it comes back by itself, within
  {LONGEST_PAUSE.seconds // 3600} hours. After a snooze it must be acknowledged anew.
- **It ends by itself** when its trouble does, and says how; otherwise somebody resolves it, or dismisses it
  where there was nothing in it. Either can be reopened.
- **The people of the order** are given notice of how the case stands, and read what was said to them; who of
  the staff wrote what stays inside. A courier hears of a ticket about his conduct when he is asked about it or
  when it is decided, and answers in it.
- **Words about people, photos and places** stand in tables of their own, where they can be erased; events hold
  codes.

Read any ticket as a story, in English or Chinese: `GET /api/v1/tickets/<id>/story`.
"""


def picture() -> str:
    """The table as a mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {TicketState.OPEN.value}: report"]
    for state, row in TRANSITIONS.items():
        lines += [f"    {state.value} --> {after.value}: {event.value}" for event, after in row.items()]
    lines += [f"    {state.value} --> [*]" for state in TicketState if state in CLOSED]
    return "\n".join(lines)


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            INTRODUCTION,
            f"```mermaid\n{picture()}\n```\n",
            "## Kinds\n",
            *_kinds(),
            "",
            *(line for kind, rule in KINDS.items() for line in _process(kind, rule)),
            "## Decisions\n",
            *_decisions(),
            "\n## Reasons\n",
            "A courier who reports that a delivery failed, and a customer who disputes one, name only the reason.\n",
            "| code | English | 中文 |",
            "|---|---|---|",
            *(f"| `{code}` | {words.en} | {words.zh} |" for code, words in REASONS.items()),
            "\n## What customers are told\n",
            "In these words, or in somebody's own.\n",
            "| code | English | 中文 |",
            "|---|---|---|",
            *(f"| `{code}` | {words.en} | {words.zh} |" for code, words in TEMPLATES.items()),
            "\n## Whose delay it is\n",
            "A delay is put down to the segment of the order's time that is furthest beyond its clock.\n",
            "| segment | answers for it | reason |",
            "|---|---|---|",
            *(
                f"| `{segment.value}` | {_role(RESPONSIBLE[segment])} | `{REASON_OF[segment]}` |"
                for segment in Segment
            ),
            "",
        ]
    )


def _kinds() -> list[str]:
    rows = [
        "| kind | 中文 | goes to | severity | reported by | acknowledge within | resolve within |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, rule in KINDS.items():
        people = [*(["the system"] if rule.by_system else []), *sorted(_role(one) for one in rule.raised_by)]
        rows.append(
            f"| `{kind.value}` {rule.words.en} | {rule.words.zh} | {' → '.join(_role(role) for role in rule.ladder)}"
            f" | {rule.severity.value} | {', '.join(people)}"
            f" | {_duration(rule.acknowledge_within_s)} | {_duration(rule.resolve_within_s)} |"
        )
    return rows


def _process(kind: Kind, rule: KindRule) -> list[str]:
    endings = [
        f"`{happened}` ({outcomes[kind].value})" for happened, outcomes in ENDINGS.items() if kind in outcomes
    ]
    return [
        f"### {rule.words.en} {rule.words.zh}\n",
        *(f"- {question.en} {question.zh}" for question in rule.questions),
        f"- Can be decided: {', '.join(f'`{decision.value}`' for decision in rule.decisions)}.",
        f"- Reasons: {', '.join(f'`{code}`' for code in rule.reasons)}.",
        *([f"- Ends by itself when the order is {', '.join(endings)}."] if endings else []),
        "",
    ]


def _decisions() -> list[str]:
    rows = ["| command | what it does | 中文 | needs |", "|---|---|---|---|"]
    for decision, words in DECISION_WORDS.items():
        needed = NEEDED[decision]
        also = "" if needed is Permission.WORK_TICKET else f", {needed.value.replace('_', ' ')}"
        rows.append(f"| `{decision.value}` | {words.en} | {words.zh} | work ticket{also} |")
    return rows


def _role(role: str) -> str:
    return role.replace("_", " ")


def _duration(seconds: int) -> str:
    return f"{seconds // 3600} h" if seconds >= 3600 else f"{seconds // 60} min"


if __name__ == "__main__":
    print(page(), end="")
