"""Proof of delivery, reviews, the archive."""

from alembic import op

from server.storage.migrations.scripts import run_script

revision = "0006"
down_revision = "0005"

SCRIPT = """
-- Photos and signatures.  The bytes are in the media store under `id`; what they show is personal data.
CREATE TABLE media (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    uploaded_by uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('photo', 'signature')),
    media_type text NOT NULL,
    size_bytes int NOT NULL CHECK (size_bytes > 0),
    width_px int NOT NULL,
    height_px int NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX media_order ON media (order_id);
"""


def upgrade() -> None:
    run_script(op, SCRIPT)
