"""The guides of docs/roles are true: what they name can be asked, said and heard, in both languages alike."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from server.accounts.roles import Role
from server.dispatch.commands import COMMANDS
from server.dispatch.legs import State
from server.http.openapi import described_routes, document
from server.http.orders import path_word
from server.orders import kitchen, lifecycle, tickets
from server.orders.checkouts import CHECKOUT_HAPPENED
from server.orders.moves import NOTES
from server.orders.refunds import REFUND_HAPPENED, REFUND_STUCK, REQUESTED
from server.orders.ticket_access import deciders
from server.orders.ticket_commands import TICKET_COMMANDS
from server.orders.ticket_kinds import KINDS, STAFF, Decision, Kind
from server.realtime.commands import SPOKEN
from server.realtime.topics import Kind as TopicKind
from server.settings import Settings, env_name

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "roles"
GUIDES = {path.name: path.read_text() for path in sorted(FOLDER.glob("*.md"))}
ENGLISH = sorted(name for name in GUIDES if not name.endswith(".zh.md") and name != "README.md")

REQUEST = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/[^\s`{]+(?:\{\w+\}[^\s`{]*)*)(?: \{([^}`]+)\})?`")
HEARD = re.compile(r"`((?:order|merchant|courier):<id>|dispatch:all|tickets:all|viewport) (\w+)`")
UNITS_S = {
    "s": 1, "min": 60, "h": 3600, "days": 86400, "秒": 1, "分钟": 60, "小时": 3600, "天": 86400, "km": 1000,
}  # fmt: skip

every_guide = pytest.mark.parametrize("name", GUIDES)
every_pair = pytest.mark.parametrize("name", ENGLISH)


@cache
def api() -> dict[str, Any]:
    """The API as it describes itself, its paths with nothing but braces where an id stands."""
    described = document(described_routes())
    described["paths"] = {anonymous(path): methods for path, methods in described["paths"].items()}
    return described


def anonymous(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def body_of(method: str, path: str) -> tuple[set[str], set[str]]:
    """The members of the request's body: all, and those that must be there."""
    content = api()["paths"][anonymous(path)][method.lower()].get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    for choice in [schema, *schema.get("anyOf", [])]:
        if "$ref" in choice:
            form = api()["components"]["schemas"][choice["$ref"].rpartition("/")[2]]
            return set(form["properties"]), set(form.get("required", ()))
    return set(), set()


def heard_on(topic: str) -> set[str]:
    """What can be heard or said on a topic of this kind."""
    about_tickets = {
        value for name, value in vars(tickets).items() if name.isupper() and isinstance(value, str)
    } | set(tickets.HAPPENED.values())
    about_orders = {
        lifecycle.PLACED, *lifecycle.HAPPENED.values(), *NOTES, *kitchen.HAPPENED.values(),
        *(state.value for state in State), *CHECKOUT_HAPPENED.values(),
        *REFUND_HAPPENED.values(), REFUND_STUCK, REQUESTED,
    }  # fmt: skip
    by_kind = {
        "order": about_orders | about_tickets | {"position"},
        "merchant": about_orders | about_tickets,
        "courier": about_orders | about_tickets | {"fix", "fixes", "availability", "stored"},
        "dispatch": about_orders | about_tickets,
        "tickets": about_tickets,
        "viewport": {"look", "positions"},
    }
    word = topic.partition(":")[0]
    said = {event for kind, event in SPOKEN if kind == word} if word in set(TopicKind) else set()
    return by_kind[word] | said


def requests_in(text: str) -> set[tuple[str, str]]:
    return {(method, anonymous(path)) for method, path, _ in REQUEST.findall(text)}


@every_guide
def test_requests_that_are_named_exist(name):
    unknown = {
        (method, path)
        for method, path in requests_in(GUIDES[name])
        if method.lower() not in api()["paths"].get(path, {})
    }
    assert unknown == set()


@every_guide
def test_no_request_is_written_in_a_way_that_no_test_reads(name):
    written = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)`", GUIDES[name]))
    assert written == {found[0].strip("`") for found in re.finditer(REQUEST, GUIDES[name])}


@every_guide
def test_fields_that_are_named_are_those_of_the_request(name):
    for method, path, told in REQUEST.findall(GUIDES[name]):
        if not told:
            continue
        members, needed = body_of(method, path)
        fields = [field.strip() for field in told.split(",")]
        assert {field.rstrip("?") for field in fields} <= members, path
        assert {field for field in fields if not field.endswith("?")} == needed, path


@every_guide
def test_what_is_told_and_heard_on_a_topic_exists(name):
    assert {
        (topic, event) for topic, event in HEARD.findall(GUIDES[name]) if event not in heard_on(topic)
    } == set()


@every_guide
def test_times_that_are_named_are_those_of_the_settings(name):
    defaults = {env_name(field): getattr(Settings(), field) for field in Settings.__dataclass_fields__}
    for amount, unit, variable in re.findall(r"(\d+) (\w+) ?[(（]`(SONGDA_[A-Z_]+_[SM])`", GUIDES[name]):
        assert int(amount) * UNITS_S[unit] == defaults[variable], variable


@every_guide
def test_clocks_of_tickets_are_those_of_their_kinds(name):
    for kind, first, first_unit, second, second_unit in re.findall(
        r"^\| `(\w+)` [^|]*\| (\d+) (\w+) \| (\d+) (\w+) \|", GUIDES[name], re.M
    ):
        rule = KINDS[Kind(kind)]
        assert int(first) * UNITS_S[first_unit] == rule.acknowledge_within_s
        assert int(second) * UNITS_S[second_unit] == rule.resolve_within_s
        assert rule.owner.value in name


def test_there_is_a_guide_for_each_role_in_both_languages():
    wanted = {f"{role.value}{ending}" for role in Role for ending in (".md", ".zh.md")}
    assert wanted <= set(GUIDES)
    assert all(f"]({name})" in GUIDES["README.md"] for name in wanted)


@every_pair
def test_both_languages_name_the_same(name):
    def named(text: str) -> list[set[Any]]:
        return [
            set(REQUEST.findall(text)),
            set(HEARD.findall(text)),
            set(re.findall(r"SONGDA_[A-Z_]+", text)),
            set(re.findall(r"`(/[a-z/#.]*)`", text)),
            set(re.findall(r"^\| `(\w+)`", text, re.M)),
        ]

    assert named(GUIDES[name]) == named(GUIDES[name.replace(".md", ".zh.md")])
    assert f"]({name.replace('.md', '.zh.md')})" in GUIDES[name]
    assert f"]({name})" in GUIDES[name.replace(".md", ".zh.md")]


@pytest.mark.parametrize("ending", [".md", ".zh.md"])
def test_every_command_stands_in_a_guide(ending):
    texts = [text for name, text in GUIDES.items() if name.endswith(".zh.md") is (ending == ".zh.md")]
    asked = set().union(*map(requests_in, texts))
    missing = {
        *(word for word in COMMANDS if ("POST", f"/api/v1/orders/{{}}/{path_word(word)}") not in asked),
        *(
            word
            for word in TICKET_COMMANDS
            if ("POST", f"/api/v1/tickets/{{}}/{path_word(word)}") not in asked
        ),
    }
    assert missing == set()


def test_every_kind_of_ticket_has_its_process_with_its_owner():
    for kind, rule in KINDS.items():
        assert f"| `{kind.value}` " in GUIDES[f"{rule.owner.value}.md"], kind


def test_who_decides_what_is_told_as_the_table_has_it():
    words = {
        "dispatcher": {Role.DISPATCHER}, "dispatcher, customer service": {Role.DISPATCHER, Role.CUSTOMER_SERVICE},
        "customer service": {Role.CUSTOMER_SERVICE}, "all three": set(STAFF), "operations": {Role.OPERATIONS_MANAGER},
        "customer service, operations": {Role.CUSTOMER_SERVICE, Role.OPERATIONS_MANAGER},
    }  # fmt: skip
    told = re.findall(
        r"\| `POST /api/v1/tickets/\{id\}/([\w-]+) [^`]*` \| ([a-z, ]+) \|", GUIDES["tickets.md"]
    )
    decided = {word.replace("-", "_"): words[who] for word, who in told if who in words}
    assert decided == {decision.value: set(deciders(decision)) for decision in Decision}


@every_guide
def test_pages_that_are_named_are_there(name):
    pages = set(re.findall(r"`/([a-z]+)/(?:#[^`]*|[\w.]+\.html)?`", GUIDES[name])) - {"metrics"}
    assert [page for page in pages if not (ROOT / "static" / page / "index.html").exists()] == []


@every_guide
def test_buttons_that_are_named_are_on_the_pages(name):
    files = (ROOT / "static" / "js" / "words").glob("*_zh.js" if name.endswith(".zh.md") else "*en.js")
    if name.endswith(".zh.md"):
        files = [*files, ROOT / "static" / "js" / "words" / "zh.js"]
    words = {word for path in files for word in re.findall(r': "([^"]*)"', path.read_text())}
    text = re.sub(r"`[^`]*`", "", GUIDES[name])
    assert set(re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", text)) <= words
