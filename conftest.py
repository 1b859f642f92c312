"""In CI nothing is left out: a test or module that skips itself has failed.  Fixtures: tests/conftest.py."""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def strictly(report: Report) -> Report:
    """`report`, failed if it was a skip and this is CI; an expected failure is no skip."""
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and CI leaves nothing out: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test."""
    return strictly((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A skipped module."""
    return strictly((yield))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--record-examples`: keep what goes over the wire as the examples of the API's description."""
    parser.addoption("--record-examples", action="store_true", help="write server/http/examples.json")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--record-examples"):
        from tests.conformance import keep_examples  # noqa: PLC0415 - only then

        keep_examples()
