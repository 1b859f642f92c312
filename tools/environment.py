"""Makes the Python environment of a checkout from requirements.lock, and knows when it need not.

uv does it in seconds; it is brought by pip, and told what pip knows about indexes and certificates.  Where uv
cannot be had, venv and pip do it in a minute.  What is installed is decided in requirements.lock, not here.
"""

import ast
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.terminal import Failed, Trouble, say, watch

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
TOOLS = ROOT / ".tools"
UV = TOOLS / "bin" / "uv"
INSTALL_LOG = TOOLS / "install.log"

# pip's options that say where packages come from, and uv's environment variables for the same.
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "proxy": "ALL_PROXY",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",  # as PIP_DEFAULT_TIMEOUT is listed
}

# What installers print, and what it means to the person who waits.
OFFLINE = (
    "The packages could not be fetched: is this machine online?  Only the first start needs the network."
)
FULL = "The disk is full."
MEANINGS = {
    OFFLINE: (
        "dns error",
        "name resolution",
        "name or service not known",
        "unreachable",
        "refused",
        "timed out",
    ),
    FULL: ("no space left",),
    "The package index's certificate is not trusted: set PIP_CERT to your CA file.": (
        "certificate",
        "unknownissuer",
    ),
    "A directory may not be written.": ("permission denied", "read-only file system"),
    "A package does not exist for this machine or this Python.": (
        "no matching distribution",
        "no solution found",
    ),
}
# No other installer will fare better.
HOPELESS = {OFFLINE, FULL}


def environment() -> Path:
    """The Python of an environment that has all that the lock names, made now if it is missing or old."""
    venv = Path(os.environ.get("SONGDA_VENV") or ROOT / ".venv").expanduser().absolute()
    python = venv / "bin" / "python"
    wanted = stamp_of(LOCK, PROJECT)
    if is_current(venv, wanted):
        return python
    with one_at_a_time():
        if is_current(venv, wanted):  # somebody else made it while we waited
            return python
        if not may_be_ours(venv):
            raise Trouble(
                f"{venv} is not empty and not a Python environment; SONGDA_VENV must name one or a new place."
            )
        keep = python.exists() and same_home(read_stamp(venv), wanted)
        make(venv, python, keep=keep)
        stamp_file(venv).write_text(json.dumps(wanted))
    return python


def stamp_of(*inputs: Path) -> dict[str, str]:
    """What an environment was made of and for; another stamp means that it must be brought up to date."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in inputs)).hexdigest()
    return {
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "checkout": str(ROOT),
        "packages": digest,
    }


def stamp_file(venv: Path) -> Path:
    """Where an environment says what it was made of; inside it, so that both go together."""
    return venv / "songda-stamp.json"


def read_stamp(venv: Path) -> dict[str, str]:
    """What `venv` says it was made of; empty when it says nothing legible."""
    with contextlib.suppress(OSError, ValueError):
        return dict(json.loads(stamp_file(venv).read_text()))
    return {}


def is_current(venv: Path, wanted: Mapping[str, str]) -> bool:
    """Whether `venv` can be used as it is."""
    return read_stamp(venv) == wanted and (venv / "bin" / "python").exists()


def same_home(stamp: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether an environment can be kept; another Python's or a moved checkout's is made anew."""
    return all(stamp.get(part, wanted[part]) == wanted[part] for part in ("python", "checkout"))


def may_be_ours(venv: Path) -> bool:
    """Whether making an environment here destroys nothing but an environment."""
    return not venv.exists() or (venv / "pyvenv.cfg").exists() or (venv.is_dir() and not any(venv.iterdir()))


def make(venv: Path, python: Path, *, keep: bool) -> None:
    """Bring the lock and the project into `venv`: by uv if it can be had, else by pip; anew unless `keep`."""
    with INSTALL_LOG.open("w") as log:
        try:
            uv = bring_uv()
            if uv is not None:
                install_with_uv(uv, venv, python, keep=keep)
                return
        except Failed as failure:
            log.write(f"uv:\n{failure}\n")
            if meaning(str(failure)) in HOPELESS:
                raise Trouble(told(failure)) from failure
            say("uv could not do it; trying pip")
        try:
            install_with_pip(venv, python, keep=keep)
        except Failed as failure:
            log.write(f"pip:\n{failure}\n")
            raise Trouble(told(failure)) from failure


def bring_uv() -> Path | None:
    """uv, fetched by pip into .tools at the first start; None where there is no pip to bring it."""
    if UV.exists():
        return UV
    if not has("pip"):
        return None
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--only-binary",
        "uv",
        "--target",
        str(TOOLS),
        "uv>=0.9,<1",
    ]
    watch(command, "fetching uv, the installer", pip_settings())
    return UV


def install_with_uv(uv: Path, venv: Path, python: Path, *, keep: bool) -> None:
    """The environment by uv, which takes seconds."""
    settings = uv_settings(os.environ)
    if not keep:
        watch(
            [str(uv), "venv", "--clear", "--python", sys.executable, str(venv)],
            "making the environment",
            settings,
        )
    install_locked([str(uv), "pip", "install", "--python", str(python), "--no-deps"], settings)


def install_with_pip(venv: Path, python: Path, *, keep: bool) -> None:
    """The environment by venv and pip, which takes a minute; Trouble where this Python came without them."""
    if has(
        "pip"
    ):  # ensurepip may be missing all the same, on Debian: the pip at hand serves the new environment
        seed, pip = ["--without-pip"], [sys.executable, "-m", "pip", "--python", str(python)]
    elif has("ensurepip"):
        seed, pip = [], [str(python), "-m", "pip"]
    else:
        raise Trouble(
            f"{sys.executable} came without pip.\n"
            "     On Debian and Ubuntu: apt install python3-pip python3-venv"
        )
    settings = pip_settings()
    if not keep:
        watch([sys.executable, "-m", "venv", "--clear", *seed, str(venv)], "making the environment", settings)
    install_locked([*pip, "install", "--no-deps"], settings)


def install_locked(install: list[str], settings: Mapping[str, str]) -> None:
    """First the lock, then the project itself, built by the hatchling that the lock has just brought."""
    count = sum(not line.startswith("#") for line in LOCK.read_text().splitlines())
    watch([*install, "-r", str(LOCK)], f"installing {count} packages", settings)
    watch([*install, "--no-build-isolation", "--editable", str(ROOT)], "installing Songda itself", settings)


def has(module: str) -> bool:
    """Whether this Python came with `module`."""
    return importlib.util.find_spec(module) is not None


def pip_settings() -> dict[str, str]:
    """pip's environment, less the person's "always --user" and "never outside an environment"."""
    return {
        **os.environ,
        "PIP_USER": "0",
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def uv_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """uv's environment.  It reads neither pip.conf nor PIP_… variables, so pip is asked for them."""
    listed = ""
    if has("pip"):
        listed = watch(
            [sys.executable, "-m", "pip", "config", "list"], "asking pip for its settings", environment
        )
    return {**trust(environment), **cache(environment), **translated(listed), **environment}


def translated(pip_config: str) -> dict[str, str]:
    """The variables that make uv fetch from where pip would, given what `pip config list` prints."""
    found = {
        "UV_INDEX_STRATEGY": "unsafe-best-match",  # like pip: the best version of all indexes
        "UV_PYTHON_DOWNLOADS": "never",
    }
    for line in sorted(pip_config.splitlines(), key=precedence):
        name, _, value = line.partition("=")
        variable = PIP_TO_UV.get(name.rpartition(".")[2])
        if variable is not None:
            separator = "," if variable == "UV_FIND_LINKS" else " "
            found[variable] = separator.join(str(ast.literal_eval(value)).split())
    return found


def trust(environment: Mapping[str, str]) -> dict[str, str]:
    """Whose certificates uv shall trust: those that pip's HTTP library would, else the system's."""
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if environment.get(variable):
            return {"SSL_CERT_FILE": environment[variable]}
    return {"UV_SYSTEM_CERTS": "true"}


def cache(environment: Mapping[str, str]) -> dict[str, str]:
    """Where uv may keep what it fetched: nowhere, for somebody without a home, as in containers."""
    place = Path(environment.get("XDG_CACHE_HOME") or environment.get("HOME") or "/nowhere")
    nearest = next(path for path in (place, *place.absolute().parents) if path.exists())
    return {} if os.access(nearest, os.W_OK | os.X_OK) else {"UV_NO_CACHE": "true"}


def precedence(config_line: str) -> int:
    """pip's order among its sections: the command's own beats the global one, the environment beats both."""
    order = ("global.", "install.", ":env:.")
    return next((place for place, section in enumerate(order) if config_line.startswith(section)), -1)


def meaning(output: str) -> str:
    """What an installer's output means, in a sentence."""
    text = output.lower()
    for sentence, words in MEANINGS.items():
        if any(word in text for word in words):
            return sentence
    return "The packages could not be installed."


def told(failure: Failed) -> str:
    """What a person should hear of `failure`."""
    return f"{meaning(str(failure))}\n     The installer's own words are in {INSTALL_LOG}."


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two terminals starting at once make one environment, not two halves."""
    try:
        TOOLS.mkdir(exist_ok=True)
        lock = (TOOLS / "lock").open("w")
    except OSError as error:
        raise Trouble(f"{TOOLS} cannot be written: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another ./dev that is making the environment")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
