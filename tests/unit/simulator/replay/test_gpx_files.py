"""GPX files become traces."""

import sys

import pytest

from server.errors import StartupError
from server.simulator.replay.gpx_files import read_gpx
from server.simulator.replay.traces import BadTrace, Reading, Trace


def gpx(*tracks: str) -> str:
    return f'<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">{"".join(tracks)}</gpx>'


def a_track(name: str = "", moment: str = "<time>1970-01-01T00:00:05Z</time>") -> str:
    named = f"<name>{name}</name>" if name else ""
    return f'<trk>{named}<trkseg><trkpt lat="60.17" lon="24.94">{moment}</trkpt></trkseg></trk>'


ONE = (Reading(5.0, 60.17, 24.94),)


def test_the_only_track_is_called_as_the_file_is():
    assert read_gpx(gpx(a_track("Morning ride")), "a.gpx", "a") == [Trace("a", ONE, "a.gpx")]


def test_several_tracks_are_several_people():
    traces = read_gpx(gpx(a_track("anna"), a_track()), "a.gpx", "a")
    assert traces == [Trace("anna", ONE, "a.gpx"), Trace("a-2", ONE, "a.gpx")]


def test_a_time_without_a_zone_is_utc():
    [trace] = read_gpx(gpx(a_track(moment="<time>1970-01-01T00:00:05</time>")), "a.gpx", "a")
    assert trace.readings == ONE


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("<gpx", "not GPX"), ("", "not GPX"), (gpx(a_track(moment="")), "track 1 has points without a time")],
)
def test_what_is_wrong_is_said(text, sentence):
    with pytest.raises(BadTrace) as bad:
        read_gpx(text, "a.gpx", "a")
    assert str(bad.value).startswith(f"a.gpx: {sentence}")


def test_without_gpxpy_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gpxpy", None)
    with pytest.raises(StartupError, match=r"songda\[replay\]"):
        read_gpx(gpx(a_track()), "a.gpx", "a")
