"""Recorded traces ride through `/ws` of a started server: named, in order, stored, whatever is killed on the way.

SONGDA_TEST_PORTO may name a file of real taxi trips (UCI's Porto data); without it a small one of that form
is made.
"""

import asyncio
import csv
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from server.clock import SystemClock
from server.simulator.people import Credentials, read_accounts
from server.simulator.replay.csv_files import Columns
from server.simulator.replay.files import read_files
from server.simulator.replay.plan import Stamps, plan
from server.simulator.replay.stream import Outcome, ReplayOptions, stream
from server.simulator.replay.traces import by_person
from tests.started import ROOT, StartedServer

WITHIN_S = 90
STEP_S = 15
PORTO_LNG_LAT = (-8.6186, 41.1414)


def porto_file(path: Path, *, taxis: int = 5, trips: int = 3, points: int = 40) -> Path:
    """Taxi trips in the form of UCI's Porto data: a trip a row, not in order of time."""
    random = Random(2013)
    rows = []
    for taxi in range(taxis):
        lng, lat = PORTO_LNG_LAT
        start = 1_372_636_800 + taxi * 7
        for trip in range(trips):
            line = []
            for _ in range(points):
                lng, lat = lng + random.uniform(-0.0008, 0.0008), lat + random.uniform(-0.0006, 0.0006)
                line.append([round(lng, 6), round(lat, 6)])
            rows.append([f"{taxi}-{trip}", "C", f"2000{taxi:04}", start, "False", json.dumps(line)])
            start += points * STEP_S + 600
    random.shuffle(rows)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(["TRIP_ID", "CALL_TYPE", "TAXI_ID", "TIMESTAMP", "MISSING_DATA", "POLYLINE"])
        writer.writerows(rows)
    return path


async def replay(server: StartedServer, data_dir: Path, *arguments: str) -> tuple[int, str]:
    """`python -m server sim replay …`, as somebody types it: its exit code and its words."""
    environment = {
        **os.environ, "SONGDA_DATA": str(data_dir), "SONGDA_ADMINISTRATOR_PASSWORD": server.administrator.password,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "sim", "--url", server.url, "--administrator", server.administrator.login,
        "replay", *arguments, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(WITHIN_S):
        said, complaints = await process.communicate()
    assert b"Traceback" not in complaints, complaints.decode()
    return process.returncode or 0, said.decode() + complaints.decode()


def track(server: StartedServer, by, courier_id: str) -> list[dict]:
    """The courier's stored fixes of the last day."""
    now = datetime.now(UTC)
    moments = {
        "from": (now - timedelta(hours=23)).isoformat(),
        "to": (now + timedelta(minutes=1)).isoformat(),
    }
    return server.call("GET", f"/api/v1/couriers/{courier_id}/track", by=by, params=moments)["fixes"]


async def test_portos_taxis_ride_each_as_one_courier_with_all_trips_in_order(server, tmp_path):
    real = os.environ.get("SONGDA_TEST_PORTO")
    file = Path(real) if real else porto_file(tmp_path / "trips.csv")
    code, said = await replay(server, tmp_path, str(file), "--speed", "max", "--prefix", f"{tmp_path.name}-")
    assert code == 0, said
    recordings = by_person(read_files([file], Columns()))
    fixes = sum(len(recording.readings) for recording in recordings.values())
    assert f"couriers: {len(recordings):,}" in said
    assert f"sent: {fixes:,}" in said
    if not real:
        assert f"received: {fixes:,}" in said
        assert f"stored: {fixes:,}" in said
        assert "refused: 0" in said

    accounts = read_accounts(tmp_path / "replay.json")
    dispatcher = server.person("dispatcher")
    name, recording = next(iter(recordings.items()))
    stored = track(server, dispatcher, accounts[f"{tmp_path.name}-{name}"].id)
    moments = [fix["fix_time"] for fix in stored]
    assert moments == sorted(set(moments))
    if not real:
        assert [(fix["lat"], fix["lng"]) for fix in stored] == [
            (pytest.approx(reading.lat, abs=1e-6), pytest.approx(reading.lng, abs=1e-6))
            for reading in recording.readings
        ]


async def test_gpx_geojson_and_local_metres_ride_too(server, tmp_path):
    (tmp_path / "walk.gpx").write_text(
        '<gpx version="1.1"><trk><trkseg>'
        '<trkpt lat="60.17" lon="24.94"><time>2020-01-01T00:00:00Z</time></trkpt>'
        '<trkpt lat="60.1701" lon="24.94"><time>2020-01-01T00:00:10Z</time></trkpt>'
        "</trkseg></trk></gpx>"
    )
    line = {"type": "LineString", "coordinates": [[24.95, 60.18], [24.9501, 60.18]]}
    times = {"coordTimes": ["2021-01-01T00:00:00Z", "2021-01-01T00:00:10Z"], "courier": "anna"}
    (tmp_path / "ride.geojson").write_text(
        json.dumps({"type": "Feature", "geometry": line, "properties": times})
    )
    (tmp_path / "agent_7.csv").write_text(
        "timestamp,x,y,groundtruth\n1964-01-12 00:00:00.000000000,0.5,1.5,OnFoot\n"
        "1964-01-12 00:00:05.007000208,3.0,4.0,OnFoot\n"
    )
    files = [str(tmp_path / name) for name in ("walk.gpx", "ride.geojson", "agent_7.csv")]
    code, said = await replay(server, tmp_path, *files, "--origin", "60.17,24.94", "--speed", "20")
    assert code == 0, said
    assert "couriers: 3" in said
    assert "stored: 6" in said
    assert set(read_accounts(tmp_path / "replay.json")) == {"replay-walk", "replay-anna", "replay-agent_7"}


async def test_a_second_replay_is_history_of_the_same_couriers_and_says_so(server, tmp_path):
    file = str(porto_file(tmp_path / "trips.csv", taxis=1, trips=1, points=10))
    first, _ = await replay(server, tmp_path, file, "--speed", "max")
    code, said = await replay(server, tmp_path, file, "--speed", "max")
    assert (first, code) == (0, 0)
    assert "late: history only" in said
    assert "another --prefix" in said


async def test_a_file_that_cannot_be_understood_is_one_sentence(server, tmp_path):
    (tmp_path / "bad.csv").write_text("time,lat,lng\n1,60,24\nnoon,60,24\n")
    code, said = await replay(server, tmp_path, str(tmp_path / "bad.csv"))
    assert code == 1
    assert said.startswith(f"songda: {tmp_path / 'bad.csv'}, line 3: ")
    assert said.count("\n") == 1


async def test_a_process_killed_on_the_way_loses_no_fix(server, tmp_path):
    file = porto_file(tmp_path / "trips.csv", taxis=12, trips=2, points=150)
    recordings = by_person(read_files([file], Columns()))
    parts = plan(recordings.values(), begins_ms=SystemClock().now_ms(), speed=2_000.0, stamps=Stamps.MOVED)
    outcome = await replay_here(server, tmp_path, parts)
    fixes = outcome.fixes
    assert fixes.sent == 12 * 2 * 150
    assert fixes.sent_again > 0
    assert outcome.waiting == 0
    assert fixes.stored + fixes.known == fixes.sent
    accounts, dispatcher = read_accounts(tmp_path / "replay.json"), server.person("dispatcher")
    for name, recording in recordings.items():
        stored = {fix["fix_time"] for fix in track(server, dispatcher, accounts[f"killed-{name}"].id)}
        assert len(stored) == len(recording.readings)


async def replay_here(server: StartedServer, data_dir: Path, parts) -> Outcome:
    """The replay in this process, with one of the server's processes killed while it runs."""
    chief = Credentials(server.administrator.login, server.administrator.password)
    riding = asyncio.Event()

    def tell(sentence: str) -> None:
        if "riding" in sentence:
            riding.set()

    options = ReplayOptions(prefix="killed-")
    playing = asyncio.create_task(
        stream(server.url, parts, options, chief, data_dir, clock=SystemClock(), tell=tell)
    )
    async with asyncio.timeout(WITHIN_S):
        await riding.wait()
        server.kill_worker()
        return await playing
