"""The command line of the simulator."""

import argparse
import json
import math
from pathlib import Path

import pytest

from server.errors import StartupError
from server.simulator import command
from server.simulator.plane import Place
from server.simulator.replay.plan import Stamps


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of this test's own, and no password in the environment."""
    monkeypatch.setenv("SONGDA_DATA", str(tmp_path))
    monkeypatch.delenv(command.PASSWORD_VARIABLE, raising=False)
    return tmp_path


def test_a_replay_knows_its_options_and_those_before_its_word():
    options = parsed(
        "--url", "http://host:1", "replay", "a.csv", "b.gpx", "--speed", "max", "--origin", "60.1,24.9", "--sent-times",
        "--off-duty",
    )  # fmt: skip
    assert options.url == "http://host:1"
    assert options.files == [Path("a.csv"), Path("b.gpx")]
    assert (options.speed, options.origin) == (math.inf, Place(60.1, 24.9))
    assert (options.stamps, options.available) == (Stamps.SENT, False)


def test_without_a_word_about_them_times_are_moved_and_duties_left_alone():
    options = parsed("replay", "a.csv", "--url", "http://host:2")
    assert (options.stamps, options.available, options.speed, options.url) == (
        Stamps.MOVED,
        None,
        1.0,
        "http://host:2",
    )


@pytest.mark.parametrize(
    "arguments", [["--speed", "0"], ["--speed", "soon"], ["--origin", "60"], ["--origin", "91,0"]]
)
def test_what_makes_no_sense_is_refused_by_name(arguments, capsys):
    with pytest.raises(SystemExit):
        parsed("replay", "a.csv", *arguments)
    assert arguments[0] in capsys.readouterr().err


def test_without_an_administrator_the_sentence_says_how_to_name_one(data_dir):
    with pytest.raises(StartupError, match="--administrator LOGIN"):
        command.run(parsed())


def test_an_administrator_without_a_password_is_told_where_it_belongs(data_dir):
    with pytest.raises(StartupError, match=command.PASSWORD_VARIABLE):
        command.run(parsed("--administrator", "chief"))


@pytest.mark.parametrize("text", ["{", '{"login": "x"}', '{"login": 3}'])
def test_a_broken_credentials_file_is_one_sentence(data_dir, text):
    (data_dir / command.CREDENTIALS_NAME).write_text(text)
    with pytest.raises(StartupError, match="cannot be read"):
        command.run(parsed())


def test_the_demos_credentials_are_found_and_a_missing_server_is_one_sentence(data_dir):
    (data_dir / command.CREDENTIALS_NAME).write_text(json.dumps({"login": "x", "password": "y"}))
    (data_dir / "a.csv").write_text("time,lat,lng\n1,60,25\n")
    with pytest.raises(StartupError, match="is it running"):
        command.run(parsed("replay", str(data_dir / "a.csv"), "--url", "http://127.0.0.1:1"))


def test_an_address_without_http_is_refused(data_dir):
    with pytest.raises(StartupError, match="http://"):
        command.run(parsed("--url", "localhost:8700"))


def test_files_without_a_position_are_one_sentence(data_dir, monkeypatch):
    monkeypatch.setenv(command.PASSWORD_VARIABLE, "y")
    (data_dir / "a.csv").write_text("time,lat,lng\n")
    with pytest.raises(StartupError, match="no position"):
        command.run(parsed("replay", str(data_dir / "a.csv")))


@pytest.mark.parametrize(("name", "sentence"), [("a.kml", r"\.kml is none of"), ("gone.csv", "No such file")])
def test_a_file_that_cannot_be_read_is_named(data_dir, monkeypatch, name, sentence):
    monkeypatch.setenv(command.PASSWORD_VARIABLE, "y")
    with pytest.raises(StartupError, match=sentence):
        command.run(parsed("replay", str(data_dir / name)))
