"""Proof of delivery, reviews, the archive."""

from alembic import op

from server.storage.migrations.scripts import run_script

revision = "0006"
down_revision = "0005"

SCRIPT = """
"""


def upgrade() -> None:
    run_script(op, SCRIPT)
