"""Opening hours, delivery areas and what else a merchant says of itself."""

from alembic import op

from server.storage.migrations.scripts import run_script

revision = "0008"
down_revision = "0007"

SCRIPT = """
"""


def upgrade() -> None:
    run_script(op, SCRIPT)
