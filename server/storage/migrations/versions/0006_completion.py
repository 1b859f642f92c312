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

-- A cursor older than what the archive has taken out of the log cannot be served from it.
ALTER TABLE database_incarnation ADD COLUMN log_begins xid8 NOT NULL DEFAULT '0';
CREATE INDEX order_contacts_phone ON order_contacts (phone);
CREATE INDEX orders_ended ON orders (ended_at) WHERE ended_at IS NOT NULL;

-- Orders long over, each with all that belonged to it: ids and codes, no words about people but the tracks' places.
CREATE TABLE archived_orders (
    order_id uuid NOT NULL,
    ended_on date NOT NULL,                     -- the UTC day
    ended_at timestamptz NOT NULL,
    placed_at timestamptz NOT NULL,
    number bigint NOT NULL,
    status text NOT NULL,
    merchant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    courier_ids uuid[] NOT NULL,
    total_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    facts jsonb NOT NULL,
    assignments jsonb NOT NULL,
    events jsonb NOT NULL,
    tickets jsonb NOT NULL,
    review jsonb,
    handovers jsonb NOT NULL,
    tracks jsonb,                               -- with both ends cut; erased with the people
    archived_at timestamptz NOT NULL,
    erased_at timestamptz,
    PRIMARY KEY (ended_on, order_id)
) PARTITION BY RANGE (ended_on);
CREATE INDEX archived_orders_id ON archived_orders (order_id);
CREATE INDEX archived_orders_number ON archived_orders (number);
CREATE INDEX archived_orders_merchant ON archived_orders (merchant_id, order_id);
CREATE INDEX archived_orders_customer ON archived_orders (customer_id, order_id);
CREATE INDEX archived_orders_couriers ON archived_orders USING gin (courier_ids);
CREATE INDEX archived_orders_unerased ON archived_orders (ended_on) WHERE erased_at IS NULL;

-- What was written about archived orders: erasing somebody deletes here.
CREATE TABLE archived_words (
    order_id uuid NOT NULL,
    source text NOT NULL,                       -- the table it stood in
    said jsonb NOT NULL
);
CREATE INDEX archived_words_order ON archived_words (order_id);

-- Days of the archive, and when each was last written to its Parquet file.
CREATE TABLE archive_days (
    day date PRIMARY KEY,
    changed_at timestamptz NOT NULL,
    written_at timestamptz,
    orders int NOT NULL DEFAULT 0
);
CREATE INDEX archive_days_unwritten ON archive_days (day) WHERE written_at IS NULL;

-- The partition of one month; the program's own role may not make tables.
CREATE FUNCTION ensure_archive_month(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    begins date := date_trunc('month', day)::date;
    partition text := 'archived_orders_' || to_char(begins, 'YYYYMM');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('archived_orders', 0));
    IF NOT EXISTS (SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
                   WHERE inhparent = 'archived_orders'::regclass AND relname = partition) THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF archived_orders FOR VALUES FROM (%L) TO (%L)',
                       partition, begins, (begins + interval '1 month')::date);
    END IF;
END;
$$;
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION ensure_archive_month(date) SECURITY DEFINER SET search_path = %I, pg_temp',
                   current_schema());
END;
$$;

-- Whole days of tracks go by dropping their partitions; the program's own role may not drop tables.
CREATE FUNCTION drop_track_days(before date) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    partition text;
    dropped int := 0;
BEGIN
    FOR partition IN
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'track_chunks'::regclass AND to_date(right(relname, 8), 'YYYYMMDD') < before
    LOOP
        EXECUTE format('DROP TABLE %I', partition);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END;
$$;
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION drop_track_days(date) SECURITY DEFINER SET search_path = %I, pg_temp',
                   current_schema());
END;
$$;
"""


def upgrade() -> None:
    run_script(op, SCRIPT)
