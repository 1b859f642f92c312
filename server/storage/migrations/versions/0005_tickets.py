"""Delivery exceptions: tickets, their notes and evidence."""

from alembic import op

from server.storage.migrations.scripts import run_script

revision = "0005"
down_revision = "0004"

SCRIPT = """
"""


def upgrade() -> None:
    run_script(op, SCRIPT)
