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

-- One review an order; `words` may name people, so they are erased with them.
CREATE TABLE reviews (
    order_id uuid PRIMARY KEY,
    merchant_id uuid NOT NULL,
    courier_id uuid,
    customer_id uuid NOT NULL,
    merchant_stars smallint CHECK (merchant_stars BETWEEN 1 AND 5),
    courier_stars smallint CHECK (courier_stars BETWEEN 1 AND 5),
    delivery_stars smallint CHECK (delivery_stars BETWEEN 1 AND 5),
    words text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    filed_at timestamptz NOT NULL,
    edited_at timestamptz
);
CREATE INDEX reviews_merchant ON reviews (merchant_id, order_id);
CREATE INDEX reviews_courier ON reviews (courier_id, order_id);

CREATE TABLE handovers (
    order_id uuid NOT NULL,
    merchant_id uuid NOT NULL,
    courier_id uuid NOT NULL,
    pickup_stars smallint CHECK (pickup_stars BETWEEN 1 AND 5),
    dropoff_stars smallint CHECK (dropoff_stars BETWEEN 1 AND 5),
    hindrances text[] NOT NULL,
    words text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    filed_at timestamptz NOT NULL,
    edited_at timestamptz,
    PRIMARY KEY (order_id, courier_id)
);
CREATE INDEX handovers_merchant ON handovers (merchant_id, order_id);
CREATE INDEX handovers_courier ON handovers (courier_id, order_id);
"""


def upgrade() -> None:
    run_script(op, SCRIPT)
