"""The whole life of an order: when it is wanted, kitchen, promise, payment and proof; an assignment's way back."""

from alembic import op

from server.storage.migrations.scripts import run_script

revision = "0002"
down_revision = "0001"

SCRIPT = """
ALTER TABLE orders
    ADD COLUMN items_minor bigint NOT NULL DEFAULT 0 CHECK (items_minor >= 0),
    ADD COLUMN delivery_fee_minor bigint NOT NULL DEFAULT 0 CHECK (delivery_fee_minor >= 0),
    ADD COLUMN payment_method text NOT NULL DEFAULT 'cash',
    ADD COLUMN payment_status text NOT NULL DEFAULT 'due',
    ADD COLUMN scheduled_from timestamptz,
    ADD COLUMN scheduled_to timestamptz CHECK (scheduled_to > scheduled_from),
    ADD COLUMN kitchen text,
    ADD COLUMN first_promised_at timestamptz,
    ADD COLUMN promised_at timestamptz,
    ADD COLUMN proof jsonb,
    ADD COLUMN ended_by text,
    ADD COLUMN ready_at timestamptz,
    -- Wrong codes said at a door; not part of the order's versions.
    ADD COLUMN wrong_codes int NOT NULL DEFAULT 0;
UPDATE orders SET items_minor = total_minor;
ALTER TABLE orders ADD CONSTRAINT orders_sum CHECK (total_minor = items_minor + delivery_fee_minor);
-- A delivered order is not over before it is completed.
UPDATE orders SET status = 'completed' WHERE status = 'delivered';

-- A checkout's contact is there before its order is, under the id that both share.
ALTER TABLE order_contacts DROP CONSTRAINT order_contacts_order_id_fkey;

-- When the courier reported what, by his phone: {"picked_up": "2026-11-23T12:00:00Z", …}; and why it ended early.
ALTER TABLE assignments
    ADD COLUMN moments jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN reason text;
"""


def upgrade() -> None:
    run_script(op, SCRIPT)
