"""Prints docs/settings.md from server/settings.py: `python -m tools.settings_page > docs/settings.md`.

What a setting means is said once, in the comment beside it; a test compares the page with what is printed.
"""

import re
from dataclasses import fields
from pathlib import Path

from server import settings
from server.settings import Settings, env_name

HEAD = """\
# Settings

Printed by `python -m tools.settings_page` from `server/settings.py`; a test compares the two.  All are read
from the environment once, at the start; a value that cannot be is refused in one sentence.  Units are in
the names: seconds `_S`, milliseconds `_MS`, metres `_M`, metres a second `_MPS`.
"""

TABLE = "\n| variable | default | meaning |\n|---|---|---|\n"
TAIL = """
## Not the server's own

| variable | meaning |
|---|---|
| `SONGDA_POSTGRES_BIN`, `SONGDA_VALKEY_BIN` | our own servers' programs, not those on PATH or in the wheels |
| `SONGDA_ADMINISTRATOR_PASSWORD` | whom `./dev sim --administrator LOGIN` signs in as |
| `SONGDA_LONG_SCALE` | what `./dev test --long` multiplies its seconds, rounds and examples by |
| `SONGDA_VENV` | where `./dev` makes its environment, instead of `.venv` |
"""

SETTING = re.compile(r"    (?P<name>\w+): .*?\s+# (?P<comment>.+)")
HEADING = re.compile(r"    # (?P<text>.+)")


def page() -> str:
    """The whole page, in Markdown; the settings stand in the order and under the headings of the class."""
    source = Path(settings.__file__).read_text()
    body = source[source.index("class Settings") : source.index("    def __post_init__")]
    defaults = {setting.name: setting.default for setting in fields(Settings)}
    parts = [HEAD]
    for line in body.splitlines():
        if heading := HEADING.fullmatch(line):
            parts.append(f"\n## {heading['text'].rstrip('.')}\n{TABLE}")
        elif setting := SETTING.fullmatch(line):
            parts.append(row(setting["name"], defaults[setting["name"]], setting["comment"]))
    return "".join([*parts, TAIL])


def row(name: str, default: object, comment: str) -> str:
    """One setting's line."""
    if isinstance(default, tuple):
        default = ",".join(map(str, default))
    shown = "(empty)" if default == "" else f"`{default}`"
    return f"| `{env_name(name)}` | {shown} | {comment} |\n"


if __name__ == "__main__":
    print(page(), end="")
