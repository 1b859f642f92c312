"""Problems are told in English and in Chinese: whatever can be said has its word in both."""

import ast
import importlib
import pkgutil
import re
import string
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

import server
from server import faults
from server.errors import TrackingError
from server.faults import Fault
from server.http.problems import EXCEPTION_HANDLERS, Unexpected
from server.http.requests import BadBody
from server.http.words import Language, details_in, language_of, sentence, title
from server.http.words_zh import FAULTS, TITLES
from server.orders.merchants import MerchantNotFound
from server.orders.placing import CheckFailed

ROOT = Path(server.__file__).parent
HAN = re.compile(r"[\u4e00-\u9fff]")
TREES = {path: ast.parse(path.read_text()) for path in ROOT.rglob("*.py")}


def families(family: type[TrackingError]) -> set[type[TrackingError]]:
    """An error class and all below it."""
    return {family}.union(*(families(child) for child in family.__subclasses__()))


def every_error() -> list[type[TrackingError]]:
    """The whole tree, of every module there is."""
    for module in pkgutil.walk_packages(server.__path__, "server."):
        if not module.name.endswith("__main__") and ".migrations." not in module.name:
            importlib.import_module(module.name)
    ours = (error for error in families(TrackingError) if error.__module__.startswith("server."))
    return sorted(ours, key=lambda error: error.code)


def constants(nodes: list[ast.expr | None]) -> list[str]:
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def fault_codes_in_code() -> set[str]:
    """The codes of `Fault(pointer, code, …)` and of faults written as plain JSON."""
    codes = set()
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Fault":
                codes |= set(constants(node.args[1:2]))
            if isinstance(node, ast.Dict) and {"pointer", "code"} <= set(constants(node.keys)):
                values = dict(zip(map(ast.unparse, filter(None, node.keys)), node.values, strict=False))
                codes |= set(constants([values["'code'"]]))
    return codes


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def text_of(node: ast.expr) -> str | None:
    """A sentence as it could be made; whatever is put in is an x."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or "x" for part in node.values)
    return None


def test_every_error_has_its_title_in_both_languages():
    errors = every_error()
    silent = [f"{error.__module__}.{error.__name__}" for error in errors if not (error.__doc__ or "").strip()]
    assert silent == [], "these have no docstring, which is their English title"
    english = {error.code: (error.__doc__ or "").strip().splitlines()[0] for error in errors}
    missing = [f'"{code}": "{told}"' for code, told in english.items() if code not in TITLES]
    assert missing == [], "no Chinese title in server/http/words_zh.py:\n" + "\n".join(missing)


def test_every_fault_has_its_sentence_in_both_languages():
    used = fault_codes_in_code()
    assert sorted(used - faults.SENTENCES.keys() - {"bad_value"}) == [], "not in server/faults.py"
    assert sorted(faults.SENTENCES.keys() - FAULTS.keys()) == [], "not in server/http/words_zh.py"
    assert sorted(FAULTS.keys() - faults.SENTENCES.keys()) == [], "in nobody's English any more"


def test_both_languages_name_the_same_values():
    differing = {
        code: (english, FAULTS[code])
        for code, english in faults.SENTENCES.items()
        if code in FAULTS and placeholders(english) != placeholders(FAULTS[code])
    }
    assert differing == {}


def test_chinese_is_chinese():
    assert [word for word in (*TITLES.values(), *FAULTS.values()) if not HAN.search(word)] == []


def test_every_sentence_made_where_it_is_needed_has_a_chinese_form():
    names = {error.__name__ for error in every_error()} - {"StartupError"}
    untold = []
    for path, tree in TREES.items():
        if path.relative_to(ROOT).parts[0] in {"wire", "simulator", "commands"}:
            continue  # what programs of ours say to themselves
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names and node.args:
                english = text_of(node.args[0])
                is_sentence = english is not None and " " in english
                if is_sentence and not HAN.search(sentence(english, Language.ZH)):
                    untold.append(f"{path.name}: {english}")
    assert untold == [], "no form in server/http/words_zh.py:\n" + "\n".join(untold)


@pytest.mark.parametrize(
    ("accept_language", "expected"),
    [
        ("", Language.EN),
        ("zh", Language.ZH),
        ("zh-CN,zh;q=0.9,en;q=0.8", Language.ZH),
        ("zh-Hant-TW", Language.ZH),
        ("ZH-hans", Language.ZH),
        ("en-GB,en;q=0.9,zh;q=0.8", Language.EN),
        ("en;q=0.5, zh;q=0.8", Language.ZH),
        ("fi,zh;q=0.2", Language.ZH),
        ("fi", Language.EN),
        ("*", Language.EN),
        ("zh;q=0", Language.EN),
        ("zh;q=banana", Language.EN),
        (",;,zh;q=0.001", Language.ZH),
        ("x" * 100_000, Language.EN),
    ],
)
def test_people_are_answered_in_the_language_they_read_best(accept_language, expected):
    assert language_of(accept_language) is expected


def test_a_code_without_word_is_told_in_english():
    assert title("new_trouble", "Something new", Language.ZH) == "Something new"
    assert sentence("Something new", Language.ZH) == "Something new"
    unknown = {
        "errors": [{"pointer": "", "code": "new_trouble", "detail": "Something new"}, "odd"],
        "order": 1,
    }
    assert details_in(unknown, Language.ZH) == unknown


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("Expected `int`, got `str`", "应为 `int`，实为 `str`"),
        ("Object contains unknown field `colour`", "没有名为 `colour` 的字段"),
        ("limit must be a whole number from 1 to 200", "limit 应为 1 到 200 之间的整数"),
    ],
)
def test_sentences_that_stand_in_no_table_are_told_as_well(english, chinese):
    assert sentence(english, Language.ZH) == chinese
    assert sentence(english, Language.EN) == english


def raising(error: Exception) -> Starlette:
    async def handler(request):
        raise error

    return Starlette(
        routes=[Route("/x", handler)],
        middleware=[Middleware(Unexpected)],
        exception_handlers=EXCEPTION_HANDLERS,
    )


async def ask(app: Starlette, path: str = "/x", **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get(
            path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )


async def test_a_problem_says_its_language_and_that_it_hangs_on_it():
    for headers, language, told in (
        ({}, "en", "No merchant has this id."),
        ({"accept_language": "zh-CN"}, "zh", "没有这个编号的商户"),
    ):
        answer = await ask(raising(MerchantNotFound()), **headers)
        assert (answer.headers["content-language"], answer.headers["vary"]) == (language, "Accept-Language")
        problem = answer.json()
        assert (problem["title"], problem["code"]) == (told, "merchant_not_found")
        assert "detail" not in problem


async def test_each_fault_is_told_with_its_values():
    wrong = CheckFailed([Fault("/total_minor", "wrong_total", {"total_minor": 1200})])
    [fault] = (await ask(raising(wrong), accept_language="zh")).json()["errors"]
    assert fault == {
        "pointer": "/total_minor", "code": "wrong_total", "detail": "现在的总价是 1200",
        "values": {"total_minor": 1200},
    }  # fmt: skip
    malformed = BadBody(
        errors=[{"pointer": "/x", "code": "bad_value", "detail": "Expected `int`, got `str`"}]
    )
    [fault] = (await ask(raising(malformed), accept_language="zh")).json()["errors"]
    assert fault["detail"] == "应为 `int`，实为 `str`"


async def test_what_nobody_expected_and_what_nobody_serves_are_told_in_chinese_too():
    assert (await ask(raising(RuntimeError()), accept_language="zh")).json()["title"] == TITLES[
        "internal_error"
    ]
    missing = await ask(raising(RuntimeError()), "/nowhere", accept_language="zh")
    assert (missing.status_code, missing.json()["title"]) == (HTTPStatus.NOT_FOUND, TITLES["not_found"])
