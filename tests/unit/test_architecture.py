"""The promises of docs/architecture.md that import contracts alone cannot keep."""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "server").rglob("*.py"))
CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}
LONGEST_FILE_LINES = 400


def dotted(path: Path) -> str:
    """The module's name, as Python imports it."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text())) or ""


def test_every_file_says_what_lives_in_it():
    assert [dotted(path) for path in MODULES if not docstring(path)] == []


def test_every_module_that_calls_itself_pure_is_held_to_it():
    pure = {dotted(path) for path in MODULES if re.search(r"\bPure[.:;]", docstring(path))}
    assert set(CONTRACTS["pure"]["source_modules"]) == pure


def test_every_package_has_its_place_in_the_layers():
    listed = {name.strip() for layer in CONTRACTS["layers"]["layers"] for name in layer.split("|")}
    packages = {path.parent.name for path in (ROOT / "server").glob("*/__init__.py")}
    assert packages <= listed


def test_no_file_has_grown_past_one_idea():
    assert [dotted(path) for path in MODULES if len(path.read_text().splitlines()) > LONGEST_FILE_LINES] == []


def test_only_the_clock_reads_the_clock():
    readers = [
        dotted(path)
        for path in MODULES
        if re.search(r"\btime\.time(_ns)?\(|datetime\.now\(", path.read_text())
    ]
    assert readers == ["server.clock"]
