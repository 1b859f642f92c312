"""What the person at the terminal sees while something is being prepared, and reads when it went wrong."""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence


class Trouble(Exception):
    """Why it cannot go on, in a sentence for the person at the terminal."""


class Failed(Exception):
    """A program we ran ended badly; the text is what it printed."""


def say(text: str) -> None:
    """A line to the person; what is started keeps the standard output for itself."""
    print(f"dev: {text}", file=sys.stderr, flush=True)


def watch(command: Sequence[str], doing: str, settings: Mapping[str, str]) -> str:
    """Run `command` and return what it printed; Failed if it fails.

    When it takes longer than a second, the person sees what is being done and for how long.
    """
    started_s = time.monotonic()
    next_sign_s = 1.0
    with tempfile.TemporaryFile("w+") as output:
        try:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=dict(settings))
        except OSError as error:
            raise Failed(f"{command[0]}: {error.strerror}") from error
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
            passed_s = time.monotonic() - started_s
            if passed_s >= next_sign_s:
                next_sign_s = show(f"{doing} … {passed_s:.0f} s", passed_s)
        if next_sign_s > 1.0:
            show(f"{doing}: {time.monotonic() - started_s:.1f} s\n", 0.0)
        output.seek(0)
        text = output.read()
    if process.returncode != 0:
        raise Failed(text or f"{command[0]} ended with {process.returncode}.")
    return text


def show(text: str, passed_s: float) -> float:
    """One line, renewed in place on a terminal; returns when to renew it, in seconds from the start."""
    if sys.stderr.isatty():
        print(f"\r\033[Kdev: {text}", end="", file=sys.stderr, flush=True)
        return passed_s + 0.2
    say(text.rstrip())
    return passed_s + 10.0
