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
    ADD COLUMN release_at timestamptz,              -- a scheduled one goes to its merchant then
    ADD COLUMN accept_by timestamptz,               -- null: its merchant has not heard of it
    ADD COLUMN waived text[] NOT NULL DEFAULT '{}',
    -- The ride to the door in seconds; how far somebody lives is not the merchant's to see, so no fact of the order.
    ADD COLUMN ride_s int NOT NULL DEFAULT 900 CHECK (ride_s >= 0),
    -- Wrong codes said at a door; not part of the order's versions.
    ADD COLUMN wrong_codes int NOT NULL DEFAULT 0;
UPDATE orders SET items_minor = total_minor, accept_by = placed_at + interval '3 minutes';
ALTER TABLE orders ADD CONSTRAINT orders_sum CHECK (total_minor = items_minor + delivery_fee_minor);
-- A delivered order is not over before it is completed; what a courier delivered was paid for at the door.
UPDATE orders SET status = 'completed', payment_status = 'paid' WHERE status = 'delivered';
-- What is under way has a kitchen that can say ready, and a promise that somebody is called for when it breaks.
UPDATE orders SET kitchen = CASE WHEN status = 'accepted' THEN 'preparing' ELSE 'ready' END
WHERE status IN ('accepted', 'delivering', 'completed');
UPDATE orders SET first_promised_at = promise.made, promised_at = promise.made
FROM (SELECT id, date_trunc('minute', accepted_at + make_interval(secs => coalesce(preparation_s, 600) + ride_s))
      + interval '10 minutes' AS made FROM orders WHERE accepted_at IS NOT NULL) AS promise
WHERE promise.id = orders.id;
INSERT INTO timers (kind, entity_id, due_at, payload)
SELECT 'promise_due', id, promised_at, '{}' FROM orders WHERE status IN ('accepted', 'delivering');

-- A checkout's contact is there before its order is, under the id that both share.
ALTER TABLE order_contacts DROP CONSTRAINT order_contacts_order_id_fkey;

-- When the courier reported what, by his phone: {"picked_up": "2026-11-23T12:00:00Z", …}; and why it ended early.
-- `turn`: who had an order after whom, whatever the clocks said that made the ids.
ALTER TABLE assignments
    ADD COLUMN turn bigint GENERATED ALWAYS AS IDENTITY,
    ADD COLUMN moments jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN reason text;

-- Work that is open: one that only waits for its customer's word is not.
DROP INDEX orders_open;
CREATE INDEX orders_open ON orders (merchant_id, placed_at) WHERE ended_at IS NULL AND status <> 'delivered';

-- The order, locked, with all that a command about it must know.  Each query of a function has a snapshot of its own,
-- so what is read beside the order is as the one left it for whom the lock made us wait.
CREATE FUNCTION hold_order(wanted uuid) RETURNS TABLE (
    held orders, assignment assignments, courier_name text, pickup_code_required boolean,
    dropoff_proof_required boolean, usual_preparation_s int, lat float8, lng float8
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM orders WHERE id = wanted FOR UPDATE;
    RETURN QUERY
        SELECT o, a.newest, c.display_name, m.pickup_code_required, m.dropoff_proof_required, m.preparation_s,
            m.lat, m.lng
        FROM orders o
        JOIN merchants m ON m.id = o.merchant_id
        LEFT JOIN LATERAL (
            SELECT newest FROM assignments newest
            WHERE newest.order_id = o.id ORDER BY newest.ended_at IS NULL DESC, newest.turn DESC LIMIT 1
        ) a ON true
        LEFT JOIN accounts c ON c.id = (a.newest).courier_id
        WHERE o.id = wanted;
END;
$$;
"""


def upgrade() -> None:
    run_script(op, SCRIPT)
