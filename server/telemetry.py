"""Logs, and the few figures every process has: lag of its loop, failures nobody was told of.

Counters of a part stand in that part.  No token, phone number, position or query string reaches a log line: nothing
here prints requests, and uvicorn's access log is off.
"""

import asyncio
import logging
import sys
import traceback
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

from server.clock import Clock

LAG_SAMPLE_S = 0.25
LOOP_LAG = Histogram(
    "songda_loop_lag_seconds",
    "How late the event loop woke a sleeper",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
)
FAILURES = Counter("songda_failures_total", "Unexpected exceptions, by where they were caught", ["where"])


def configure_logging(level: str, *, process: str) -> None:
    """One line an event on stderr, JSON for machines, colours for a terminal; the libraries' loggers too."""
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            name_exception,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s", force=True
    )
    # One INFO line a socket and request, with its query string, is a leak and a flood (traps 5, 8).
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)


async def measure_loop_lag(clock: Clock, *, sample_s: float = LAG_SAMPLE_S) -> None:
    """Record how late this loop wakes us, for ever."""
    while True:
        due_s = clock.monotonic_s() + sample_s
        await asyncio.sleep(sample_s)
        LOOP_LAG.observe(max(0.0, clock.monotonic_s() - due_s))


def metrics_page(multiprocess_dir: Path | None) -> bytes:
    """Prometheus' text format: of this process, or of all processes that share `multiprocess_dir`."""
    if multiprocess_dir is None:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=str(multiprocess_dir))  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def name_exception(
    logger: structlog.typing.WrappedLogger, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """A structlog processor: of `exc_info` only the kind and the way it came.

    An exception's own words may hold what somebody sent us: a token, a phone number, a position.
    """
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["error"] = type(error).__qualname__
        event["at"] = where(error)
        if isinstance(error, BaseExceptionGroup):
            event["errors"] = [
                {"error": type(one).__qualname__, "at": where(one)} for one in error.exceptions
            ]
    return event


def where(error: BaseException) -> list[str]:
    """The way the exception came, as file:line function, without its words and without any values."""
    return [
        f"{frame.filename.rpartition('/server/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
