"""Checkouts, payments, refunds and the ledger."""

from alembic import op

from server.storage.migrations.scripts import run_script

revision = "0004"
down_revision = "0003"

SCRIPT = """
"""


def upgrade() -> None:
    run_script(op, SCRIPT)
