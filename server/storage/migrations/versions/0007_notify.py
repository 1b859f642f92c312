"""Merchants' webhook endpoints and what they were sent."""

from alembic import op

from server.storage.migrations.scripts import run_script

revision = "0007"
down_revision = "0006"

SCRIPT = """
"""


def upgrade() -> None:
    run_script(op, SCRIPT)
