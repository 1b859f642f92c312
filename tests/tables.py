"""Tables that only tests need: made by the owner of the database, since the program's own role may make none."""

from typing import Any


async def make_table(connection: Any, definition: str) -> None:
    """Execute `CREATE TABLE …` on a connection (or pool) of the program's, as the owner, for the program to use."""
    await connection.execute(f"BEGIN; SET LOCAL ROLE NONE; {definition.rstrip('; ')}; COMMIT")
