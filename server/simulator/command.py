"""Let a demo city live on a server, or replay recorded traces as couriers.

  sim                     the demo city: couriers, merchants, customers
  sim replay FILE …       GPX, GeoJSON or CSV files, each person in them a courier

Both make their people through the administrator's REST API: --administrator LOGIN with the password in
SONGDA_ADMINISTRATOR_PASSWORD, or the file administrator.json that the demo keeps in the data directory.
"""

import argparse
import asyncio
import math
import os
from functools import partial
from pathlib import Path

import msgspec

from server.clock import SystemClock
from server.errors import StartupError
from server.settings import Settings
from server.simulator.people import Credentials
from server.simulator.plane import Place
from server.simulator.replay.csv_files import Columns
from server.simulator.replay.files import read_files
from server.simulator.replay.moments import UNITS_S
from server.simulator.replay.plan import Stamps, length_s, plan, speed_of
from server.simulator.replay.stream import ReplayOptions, stream
from server.simulator.replay.traces import by_person
from server.simulator.run_city import CityOptions, run_city

PASSWORD_VARIABLE = "SONGDA_ADMINISTRATOR_PASSWORD"  # noqa: S105 - its name, not one
CREDENTIALS_NAME = "administrator.json"
DAY_S = 86_400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`sim`'s options: a city's by themselves, a replay's after the word `replay`."""
    _add_server_arguments(parser)
    city = CityOptions()
    parser.add_argument("--couriers", type=int, default=city.couriers, help=f"default {city.couriers}")
    parser.add_argument("--merchants", type=int, default=city.merchants, help=f"default {city.merchants}")
    parser.add_argument(
        "--orders-per-hour", type=float, default=city.orders_per_hour,
        help=f"in the busiest hour (default {city.orders_per_hour:g})",
    )  # fmt: skip
    parser.add_argument(
        "--speed", type=float, default=city.speed,
        help="how much faster the city's time runs than ours (default 1); from about 8 on, couriers are "
        "faster than the server believes, unless it has a higher SONGDA_MAX_SPEED_MPS",
    )  # fmt: skip
    parser.add_argument(
        "--fix-every", type=float, default=city.fix_every_s, metavar="SECONDS",
        help=f"between two fixes of a phone, in our time (default {city.fix_every_s:g})",
    )  # fmt: skip
    parser.add_argument(
        "--card-share", type=float, default=city.card_share,
        help="of the orders are paid by card, on a server whose provider is the sandbox bank (default 0)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=city.seed, help="the same seed, the same day")
    parser.add_argument("--osm", type=Path, help="an OpenStreetMap extract (.osm.pbf) of another city")
    # For a supervisor: where to say that everybody has an account.
    parser.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    parser.set_defaults(simulation=_run_city)
    simulations = parser.add_subparsers(metavar="replay", title="replay")
    replay = simulations.add_parser(
        "replay", help="stream recorded traces as couriers", description=REPLAY_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    _add_replay_arguments(replay)


def run(options: argparse.Namespace) -> int:
    """Run what was asked for until it ends or is interrupted; the exit code."""
    code: int = options.simulation(options)
    return code


REPLAY_HELP = """Streams recorded positions over songda.v1: each person in the files is a courier, made or reused.

GPX: each track.  GeoJSON: LineStrings with coordTimes (or times), Points with time.  CSV: columns by their
usual names (lat, lng or lon, time or timestamp, courier …) or by options; whole trips a row with --polyline
and --start; local metres with --x, --y and --origin.  Times may be ISO 8601, Unix seconds (--time-unit), or
of a --time-format.

Times keep their distances within a file; each file begins now, unless it shares a courier with another.
Unless told otherwise, recordings are moved so that their last fix is of the moment it is sent: in real time
all fixes are live; faster, the first are older, but speeds stay true and couriers are on the map."""


def _add_server_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", help="the server (default: the one of SONGDA_HOST and SONGDA_PORT)")
    parser.add_argument("--administrator", metavar="LOGIN", help=f"whose password is in {PASSWORD_VARIABLE}")


def _add_replay_arguments(parser: argparse.ArgumentParser) -> None:
    # After the word, too; without it there, what stood before the word counts.
    for option in ("--url", "--administrator"):
        parser.add_argument(option, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument(
        "--speed", type=_speed, default=1.0, help="×N, or max: as fast as it goes (default 1)"
    )
    parser.add_argument(
        "--prefix", default=ReplayOptions().prefix, help="of the couriers' logins (default replay-)"
    )
    stamps = parser.add_mutually_exclusive_group()
    stamps.add_argument(
        "--keep-times", dest="stamps", action="store_const", const=Stamps.KEPT,
        help="send each fix with its own time: it goes into the track of that day, and onto the map only if "
        "the courier has no newer one; what is older than SONGDA_MAX_FIX_AGE_S (7 days) is refused",
    )  # fmt: skip
    stamps.add_argument(
        "--sent-times", dest="stamps", action="store_const", const=Stamps.SENT,
        help="each fix is of the moment it is sent; ×N then makes couriers N times as fast, and the server "
        "refuses speeds above SONGDA_MAX_SPEED_MPS",
    )  # fmt: skip
    duty = parser.add_mutually_exclusive_group()
    duty.add_argument(
        "--on-duty", dest="available", action="store_true", help="couriers may be offered orders"
    )
    duty.add_argument("--off-duty", dest="available", action="store_false", help="couriers take no orders")
    columns = parser.add_argument_group("columns (CSV) and properties (GeoJSON)")
    columns.add_argument("--lat", metavar="COLUMN")
    columns.add_argument("--lng", metavar="COLUMN")
    columns.add_argument("--time", metavar="COLUMN")
    columns.add_argument("--courier", metavar="COLUMN", help="without one, a file is one courier")
    columns.add_argument("--time-unit", choices=tuple(UNITS_S), default="s", help="of numbers (default s)")
    columns.add_argument(
        "--time-format", metavar="PATTERN", help="strptime's, such as %%d.%%m.%%Y %%H:%%M:%%S"
    )
    columns.add_argument("--x", metavar="COLUMN", help="metres east of --origin")
    columns.add_argument("--y", metavar="COLUMN", help="metres north of --origin")
    columns.add_argument("--origin", type=_place, metavar="LAT,LNG")
    columns.add_argument("--polyline", metavar="COLUMN", help="a JSON list of [lng, lat]: a whole trip")
    columns.add_argument("--start", metavar="COLUMN", help="when that trip began")
    columns.add_argument("--step", type=float, default=Columns().step_s, metavar="SECONDS",
                         help="between its points (default 15)")  # fmt: skip
    parser.set_defaults(simulation=_run_replay, stamps=Stamps.MOVED, available=None)


def _run_city(options: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    city = CityOptions(
        couriers=options.couriers, merchants=options.merchants, orders_per_hour=options.orders_per_hour,
        speed=options.speed, fix_every_s=options.fix_every, seed=options.seed, osm_file=options.osm,
        card_share=options.card_share,
    )  # fmt: skip
    say_ready = partial(_say_ready, options.ready_fd)
    url, credentials = _url(options, settings), _credentials(options, settings)
    asyncio.run(run_city(url, city, credentials, settings.data_dir, on_ready=say_ready))
    return 0


def _say_ready(ready_fd: int | None) -> None:
    if ready_fd is not None:
        os.write(ready_fd, b"ready\n")
        os.close(ready_fd)


def _run_replay(options: argparse.Namespace) -> int:
    columns = Columns(
        lat=options.lat, lng=options.lng, time=options.time, courier=options.courier,
        time_unit=options.time_unit, time_format=options.time_format, x=options.x, y=options.y,
        origin=options.origin, polyline=options.polyline, start=options.start, step_s=options.step,
    )  # fmt: skip
    settings = Settings.from_environment()
    url, credentials = _url(options, settings), _credentials(options, settings)
    recordings = by_person(read_files(options.files, columns))
    clock = SystemClock()
    parts = plan(recordings.values(), begins_ms=clock.now_ms(), speed=options.speed, stamps=options.stamps)
    if not parts:
        raise StartupError("There is no position in these files.")
    fixes = sum(len(part.due) for part in parts)
    print(f"couriers {len(parts):,}, fixes {fixes:,}, to be sent within {_duration(length_s(parts))}")
    replay = ReplayOptions(prefix=options.prefix, available=options.available)
    outcome = asyncio.run(stream(url, parts, replay, credentials, settings.data_dir, clock=clock))
    left_out = {
        "overlapping another trip of the same courier": sum(one.overlapping for one in recordings.values()),
        "of a moment that had one already": sum(one.same_moment for one in recordings.values()),
    }
    for line in outcome.lines():
        print(line)
    for why, count in left_out.items():
        if count:
            print(f"left out: {count:,} {why}")
    if outcome.fixes.history and options.stamps is Stamps.MOVED:
        print("late: these couriers had newer fixes already; another --prefix makes new couriers")
    return 1 if outcome.waiting else 0


def _url(options: argparse.Namespace, settings: Settings) -> str:
    """Where the server is: as said, or where one with our settings listens."""
    url: str = options.url or settings.address
    if not url.startswith(("http://", "https://")):
        raise StartupError(f"--url must begin with http:// or https://, not {url}.")
    return url


def _credentials(options: argparse.Namespace, settings: Settings) -> Credentials:
    """The administrator's, from the environment or from the file of the demo."""
    password = os.environ.get(PASSWORD_VARIABLE, "")
    if password or options.administrator:
        if not password:
            raise StartupError(f"The password of {options.administrator} belongs in {PASSWORD_VARIABLE}.")
        return Credentials(options.administrator or "administrator", password)
    file = settings.data_dir / CREDENTIALS_NAME
    try:
        return Credentials(**msgspec.json.decode(file.read_bytes(), type=dict[str, str]))
    except FileNotFoundError as error:
        raise StartupError(
            f"Which administrator? Give --administrator LOGIN, with the password in {PASSWORD_VARIABLE}."
        ) from error
    except (OSError, msgspec.DecodeError, TypeError) as error:
        raise StartupError(f"{file} cannot be read: {error}.") from error


def _speed(text: str) -> float:
    try:
        return speed_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error


def _place(text: str) -> Place:
    try:
        lat, lng = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not LAT,LNG") from error
    if not (-90.0 <= lat <= 90.0 and -180.0 <= lng <= 180.0):
        raise argparse.ArgumentTypeError(f"{text} is not on Earth")
    return Place(lat, lng)


def _duration(seconds: float) -> str:
    if math.isclose(seconds, 0.0):
        return "as little time as it takes"
    if seconds < 120.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < DAY_S / 4 else f"{seconds / 3600.0:.1f} h"
