"""People's sessions, programs' keys, who did and looked at what."""

from alembic import op

from server.storage.migrations.scripts import run_script

revision = "0003"
down_revision = "0002"

SCRIPT = """
"""


def upgrade() -> None:
    run_script(op, SCRIPT)
