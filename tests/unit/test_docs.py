"""The documents say what is so: links lead somewhere, and what they name exists."""

import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from server.accounts.roles import Role
from server.archive.erasure import PERSONAL
from server.orders.lifecycle import Status
from server.settings import Settings, env_name
from tests.unit.test_dev_script import dev
from tools import settings_page

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TEXTS = {str(path.relative_to(ROOT)): path.read_text() for path in DOCS}
ARCHITECTURE = TEXTS["docs/architecture.md"]
GLOSSARY = TEXTS["docs/glossary.md"]

every_document = pytest.mark.parametrize("path", DOCS, ids=TEXTS)


def code_of(text: str) -> str:
    """What stands in code blocks and between backticks."""
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", text)])


@every_document
def test_links_and_pictures_lead_somewhere(path: Path):
    targets = re.findall(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"", path.read_text())
    local = [link or picture for link, picture in targets if not re.match(r"https?:", link)]
    assert [
        target for target in local if target[0] != "#" and not (path.parent / target.split("#")[0]).exists()
    ] == []


@every_document
def test_headings_that_are_linked_to_exist(path: Path):
    text = path.read_text()
    headings = {
        re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-")
        for line in re.findall(r"^#+ (.+)", text, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


@every_document
def test_variables_that_are_named_exist(path: Path):
    known = {env_name(name) for name in Settings.__dataclass_fields__}
    known |= {"SONGDA_POSTGRES_BIN", "SONGDA_VALKEY_BIN", "SONGDA_ADMINISTRATOR_PASSWORD", "SONGDA_VENV"}
    known |= {"SONGDA_LONG_SCALE"}
    assert set(re.findall(r"SONGDA_[A-Z_]+", path.read_text())) <= known


@every_document
def test_commands_that_are_named_exist(path: Path):
    code = code_of(path.read_text())
    assert set(re.findall(r"\./dev ([a-z]+)", code)) <= set(dev.COMMANDS)
    assert set(re.findall(r"\./dev bench ([a-z][a-z-]*)", code)) <= set(dev.scenarios(ROOT / "load_tests"))


@cache
def help_of(command: str) -> str:
    """What the server's own command line says about `command`."""
    program = [sys.executable, "-m", "server", *command.split(), "--help"]
    return subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@every_document
def test_options_that_are_named_exist(path: Path):
    for command, rest in re.findall(
        r"\./dev (run|serve|sim replay|sim)\b([^\n#`]*)", code_of(path.read_text())
    ):
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in help_of(command.replace("run", "demo")), f"{command} {option}"


@every_document
def test_files_that_are_named_exist(path: Path):
    named = set(re.findall(r"(?<![\w/.:-])((?:[a-z_]+/)+[\w.]*)(?![\w/])", code_of(path.read_text())))
    named = {name for name in named if "NNNN" not in name}
    places = (ROOT, ROOT / "server", *(ROOT / "server").iterdir(), ROOT / "docs", ROOT / "tests")
    missing = {name for name in named if not any((place / name).exists() for place in places)}
    assert missing == set()


@pytest.mark.parametrize("name", ["server", "static", "tests", "load_tests", "tools"])
def test_the_map_shows_every_folder(name):
    assert f"`{name}/" in ARCHITECTURE


def test_the_map_shows_every_part_of_the_server():
    parts = {path.parent.name + "/" for path in (ROOT / "server").glob("*/__init__.py")}
    parts |= {path.name for path in (ROOT / "server").glob("[a-z]*.py")}
    assert [part for part in sorted(parts) if f"`server/{part}`" not in ARCHITECTURE] == []


def test_the_settings_page_is_printed_from_the_settings():
    assert TEXTS["docs/settings.md"] == settings_page.page()


def test_every_setting_says_what_it_means():
    page = settings_page.page()
    assert [name for name in Settings.__dataclass_fields__ if f"| `{env_name(name)}` |" not in page] == []


def test_the_page_on_privacy_has_the_table_of_personal_data():
    table = TEXTS["docs/privacy.md"].partition("| table | what |\n|---|---|\n")[2].partition("\n\n")[0]
    assert table.splitlines() == [f"| `{personal.table}` | {personal.what} |" for personal in PERSONAL]


def test_the_map_has_the_layers_of_the_contract():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    assert " → ".join(layers) in " ".join(ARCHITECTURE.split())


def test_every_decision_is_in_the_index():
    index = TEXTS["docs/decisions/README.md"]
    for path in sorted((ROOT / "docs/decisions").glob("[0-9]*.md")):
        number, title = re.match(r"# (\d{4})(?: ·|:) (.+)", path.read_text()).groups()
        assert f"| [{number}]({path.name}) | {title} |" in index


def test_the_glossary_knows_the_words_on_the_wire():
    assert [status.value for status in Status if f"`{status.value}`" not in GLOSSARY] == []
    assert [role.value for role in Role if role.value.replace("_", " ") not in GLOSSARY] == []


def test_the_glossary_gives_every_word_in_chinese():
    rows = [
        line for line in GLOSSARY.splitlines() if line.startswith("| ") and not line.startswith("| word |")
    ]
    assert [row for row in rows if not re.search(r"[\u4e00-\u9fff]", row.split(" | ")[1])] == []


def test_both_readmes_show_the_same_commands_links_and_figures():
    def skeleton(text: str) -> list[str]:
        blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        commands = [line.partition("#")[0].rstrip() for block in blocks for line in block.splitlines()]
        return [*commands, *sorted(set(re.findall(r"\]\(([^)]+)\)", text)) - {"README.md", "README.zh.md"})]

    assert skeleton(TEXTS["README.md"]) == skeleton(TEXTS["README.zh.md"])
    figures = re.compile(r"^\| `(\w+)` \| (.*) \|$", re.M)
    assert figures.findall(TEXTS["README.md"]) == figures.findall(TEXTS["README.zh.md"])


def test_the_readme_tells_the_two_commands_first():
    first = re.search(r"```sh\n(.*?)```", TEXTS["README.md"], re.DOTALL)[1]
    assert [line.split("#")[0].strip() for line in first.splitlines()] == ["./dev run", "./dev test"]


def test_nothing_names_the_machine_it_was_written_on():
    # Written in pieces, or this file would be the first to be found.
    places = [
        "/wo" + "rk/",
        "/ro" + "ot/",
        "pypi" + ".org",
        "python" + "hosted",
        "registry.npm" + "js",
        "deb.deb" + "ian",
    ]
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    for name in filter(None, tracked.split("\0")):
        text = (ROOT / name).read_bytes().decode(errors="ignore") if (ROOT / name).is_file() else ""
        assert [place for place in places if place in text] == [], name
