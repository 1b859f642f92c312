"""A day of the archive as one Parquet file, for whatever reads those.  Writing takes the extra `archive` (DuckDB)."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

# Columns of the file; what has structure is JSON in a text, which every reader of Parquet can take apart.
COLUMNS: dict[str, str] = {
    "order_id": "UUID",
    "ended_at": "TIMESTAMPTZ",
    "placed_at": "TIMESTAMPTZ",
    "number": "BIGINT",
    "status": "VARCHAR",
    "merchant_id": "UUID",
    "customer_id": "UUID",
    "courier_ids": "UUID[]",
    "total_minor": "BIGINT",
    "currency": "VARCHAR",
    "facts": "JSON",
    "assignments": "JSON",
    "events": "JSON",
    "tickets": "JSON",
    "review": "JSON",
    "handovers": "JSON",
    "tracks": "JSON",
}


def day_file(orders: Sequence[dict[str, Any]]) -> bytes:
    """These orders as a Parquet file; ImportError without the extra.  Takes a core for a while: call it in a thread."""
    import duckdb  # noqa: PLC0415  an extra, and 60 MB of memory that only this work needs

    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    with tempfile.TemporaryDirectory(prefix="songda-archive-") as directory:
        source, target = Path(directory, "day.jsonl"), Path(directory, "day.parquet")
        with source.open("wb") as lines:
            for order in orders:
                lines.write(msgspec.json.encode({name: order[name] for name in COLUMNS}) + b"\n")
        with duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "512MB"}) as engine:
            engine.execute(
                f"COPY (SELECT * FROM read_json('{source}', format = 'newline_delimited', columns = {{{columns}}},"  # noqa: S608  our own names
                f" maximum_object_size = 16777216))"
                f" TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
            )
        return target.read_bytes()
