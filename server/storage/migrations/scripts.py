"""Runs a migration's SQL: asyncpg prepares one statement at a time, so a script is split at its semicolons."""

from typing import Any


def run_script(operations: Any, script: str) -> None:
    """Execute the statements of `script`, in their order, by Alembic's `op`."""
    for statement in statements(script):
        operations.get_bind().exec_driver_sql(statement)


def statements(script: str) -> list[str]:
    """A script's statements, split at the semicolons that end a line outside of $$ … $$."""
    found, inside = [""], False
    for line in script.splitlines():
        inside ^= line.count("$$") % 2 == 1
        found[-1] += line + "\n"
        if line.split("--")[0].rstrip().endswith(";") and not inside:
            found.append("")
    return [statement for statement in found if statement.strip()]
