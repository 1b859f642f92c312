"""Opening hours, delivery areas and what else a merchant says of itself."""

from alembic import op

from server.storage.migrations.scripts import run_script

revision = "0008"
down_revision = "0007"

SCRIPT = """
ALTER TABLE merchants
    ADD COLUMN version int NOT NULL DEFAULT 1 CHECK (version > 0),    -- of the merchant, its menu and its areas
    ADD COLUMN time_zone text NOT NULL DEFAULT 'Europe/Helsinki',     -- of the IANA database
    ADD COLUMN hours jsonb,                                           -- null: at any hour
    ADD COLUMN paused_until timestamptz,
    ADD COLUMN currency char(3) NOT NULL DEFAULT 'EUR',               -- ISO 4217; fixed by the first order
    ADD COLUMN delivery_fee_minor bigint NOT NULL DEFAULT 0 CHECK (delivery_fee_minor >= 0),
    ADD COLUMN minimum_order_minor bigint NOT NULL DEFAULT 0 CHECK (minimum_order_minor >= 0),
    ADD COLUMN cash_on_delivery boolean NOT NULL DEFAULT true,
    ADD COLUMN pickup_code_required boolean NOT NULL DEFAULT true,
    ADD COLUMN dropoff_proof_required boolean NOT NULL DEFAULT true;

ALTER TABLE menu_items
    ADD COLUMN sold_out_until timestamptz,    -- available again by itself
    ADD COLUMN removed_at timestamptz;        -- off the menu; old orders still name it

CREATE TABLE merchant_areas (
    id uuid PRIMARY KEY,
    merchant_id uuid NOT NULL REFERENCES merchants ON DELETE CASCADE,
    name text NOT NULL,
    polygon jsonb NOT NULL,                   -- GeoJSON Polygon or MultiPolygon, in working order
    hours jsonb,                              -- null: whenever the merchant is open
    delivery_fee_minor bigint CHECK (delivery_fee_minor >= 0),    -- null: the merchant's
    drawn_by uuid NOT NULL,                   -- the account, of the merchant or an operator
    version int NOT NULL DEFAULT 1 CHECK (version > 0),
    active boolean NOT NULL DEFAULT true,
    updated_at timestamptz NOT NULL
);
CREATE INDEX merchant_areas_merchant ON merchant_areas (merchant_id);
"""


def upgrade() -> None:
    run_script(op, SCRIPT)
