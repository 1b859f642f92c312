"""Opening files of recorded positions: which parser reads which file."""

from collections.abc import Sequence
from pathlib import Path

from server.simulator.replay.csv_files import Columns, read_csv
from server.simulator.replay.geojson_files import read_geojson
from server.simulator.replay.gpx_files import read_gpx
from server.simulator.replay.traces import BadTrace, Trace

KINDS = ".gpx, .geojson, .json, .csv, .txt"


def read_files(paths: Sequence[Path], columns: Columns) -> list[Trace]:
    """All traces of all files; BadTrace names the file that cannot be read or understood, and the place in it."""
    return [trace for path in paths for trace in _read(path, columns)]


def _read(path: Path, columns: Columns) -> list[Trace]:
    source, name = str(path), path.stem
    try:
        match path.suffix.lower():
            case ".csv" | ".txt" | ".tsv":
                with path.open(encoding="utf-8", newline="") as lines:
                    return read_csv(lines, source, name, columns)
            case ".geojson" | ".json":
                return read_geojson(
                    path.read_bytes(), source, name, time=columns.time, courier=columns.courier,
                    time_unit=columns.time_unit, time_format=columns.time_format,
                )  # fmt: skip
            case ".gpx":
                return read_gpx(path.read_text(encoding="utf-8"), source, name)
            case other:
                raise BadTrace(source, None, f"{other or 'no ending'} is none of {KINDS}.")
    except UnicodeDecodeError as error:
        raise BadTrace(source, None, "not UTF-8 text.") from error
    except OSError as error:
        raise BadTrace(source, None, f"{error.strerror or error}.") from error
