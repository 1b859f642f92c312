"""Schemathesis against a started server, as each role: whatever is sent, nothing breaks, and every answer is described.

It reads /openapi.json, sends what that allows and what it forbids, and looks at the answers: no 5xx, no status, code,
member or content type that is not described, no forbidden request accepted, no method served that is not there.  Here
each role has its share of the operations; `./dev test --long` lets every role try all of them, and longer.
"""

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import OPEN_FORMS
from tests.started import StartedServer, started_server

PROGRAM = Path(sys.executable).with_name("schemathesis")
ROLES = ("customer", "merchant", "courier", "dispatcher", "administrator")
# They would end the session of whoever tries the rest.
LEFT_OUT = {"delete_sessions_current", "delete_sessions_session_id", "put_me_password"}
# What is asked for by a well-formed request may still be impossible (the merchant is closed), and 422 says so.
NOT_CHECKED = "positive_data_acceptance"
PATIENCE_S = 600


@dataclass(frozen=True)
class Town:
    """A server with somebody of each role, and things that exist, by the name of the path's place."""

    server: StartedServer
    tokens: dict[str, str]
    things: dict[str, list[str]]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with started_server(tmp_path_factory.mktemp("songda")) as server:
        merchant = server.merchant()
        people = {role: server.person(role, merchant_id=merchant["id"] if role == "merchant" else None)
                  for role in ROLES[:-1]}  # fmt: skip
        assert server.administrator is not None
        people["administrator"] = server.administrator
        orders = [server.place_order(people["customer"], merchant)["id"] for _ in range(5)]
        yield Town(
            server,
            {role: person.token for role, person in people.items()},
            {
                "order_id": orders,
                "merchant_id": [merchant["id"]],
                "item_id": [merchant["menu"][0]["id"]],
                "courier_id": [people["courier"].id],
                "account_id": [server.person("courier").id],  # whom nobody here misses
            },
        )


def described(town: Town, share: int | None) -> dict[str, Any]:
    """The description as served, but: answers with no other members, things that exist, and one role's share."""
    told: dict[str, Any] = copy.deepcopy(town.server.call("GET", "/openapi.json"))
    for name, form in told["components"]["schemas"].items():
        if "properties" in form and name not in OPEN_FORMS:
            form.setdefault("additionalProperties", False)
    number = 0
    for operations in told["paths"].values():
        for operation in operations.values():
            number += 1
            left_out = operation["operationId"] in LEFT_OUT
            operation["x-covered"] = not left_out and (share is None or number % len(ROLES) == share)
            for parameter in operation["parameters"]:
                if parameter["in"] == "path" and parameter["name"] in town.things:
                    parameter["schema"] = {"enum": town.things[parameter["name"]]}
                    parameter.pop("example", None)
    return told


def tried(
    town: Town, role: str, directory: Path, *, share: int | None, cases: int
) -> subprocess.CompletedProcess[str]:
    path = directory / "openapi.json"
    told = described(town, share)
    path.write_text(json.dumps(told))
    return subprocess.run(
        [
            PROGRAM, "run", path, "--url", town.server.url, "-H", f"Authorization: Bearer {town.tokens[role]}",
            "--phases", "examples,coverage,fuzzing", "--max-examples", str(cases), "--exclude-checks", NOT_CHECKED,
            "--include-by", "/x-covered == true", "--continue-on-failure", "--generation-deterministic", "--no-color",
            "--warnings", "off",
        ],
        cwd=directory, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip


def require_calm(town: Town, done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout[done.stdout.find("= FAILURES") :][:8000] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert not [line for line in town.server.lines if '"event": "unexpected"' in line]


@pytest.mark.parametrize("role", ROLES)
def test_whatever_is_sent_is_answered_as_described(town: Town, role: str, tmp_path: Path):
    require_calm(town, tried(town, role, tmp_path, share=ROLES.index(role), cases=5))


@pytest.mark.long
@pytest.mark.parametrize("role", ROLES)
def test_whatever_any_role_sends_to_any_operation_is_answered_as_described(
    town: Town, role: str, tmp_path: Path
):
    require_calm(town, tried(town, role, tmp_path, share=None, cases=30))
