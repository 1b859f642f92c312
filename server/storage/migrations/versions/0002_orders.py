"""The whole life of an order: when it is wanted, kitchen, promise, payment and proof; an assignment's way back."""

from alembic import op

from server.storage.migrations.scripts import run_script

revision = "0002"
down_revision = "0001"

SCRIPT = """
"""


def upgrade() -> None:
    run_script(op, SCRIPT)
