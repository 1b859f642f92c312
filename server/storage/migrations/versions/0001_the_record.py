"""The record as it begins: people, merchants, orders, assignments, the event log, timers, tracks."""

from alembic import op

from server.storage.migrations.scripts import run_script

revision = "0001"
down_revision = None

PEOPLE = """
-- One row: the name of this database's history.  A cursor of another one is no cursor here.
CREATE TABLE database_incarnation (
    id uuid NOT NULL,
    one boolean PRIMARY KEY DEFAULT true CHECK (one)
);
INSERT INTO database_incarnation (id) VALUES (gen_random_uuid());

CREATE TABLE merchants (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    address text NOT NULL,
    lat float8 NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lng float8 NOT NULL CHECK (lng BETWEEN -180 AND 180),
    preparation_s int NOT NULL DEFAULT 600 CHECK (preparation_s >= 0),
    open boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL
);
CREATE TABLE menu_items (
    id uuid PRIMARY KEY,
    merchant_id uuid NOT NULL REFERENCES merchants ON DELETE CASCADE,
    name text NOT NULL,
    price_minor bigint NOT NULL CHECK (price_minor >= 0),
    available boolean NOT NULL DEFAULT true
);
CREATE INDEX menu_items_merchant ON menu_items (merchant_id);

CREATE TABLE accounts (
    id uuid PRIMARY KEY,
    role text NOT NULL CHECK (role IN ('customer', 'merchant', 'courier', 'dispatcher', 'customer_service',
        'operations_manager', 'data_analyst', 'technical_support', 'administrator')),
    login text NOT NULL UNIQUE,
    display_name text NOT NULL,
    password_hash text,
    merchant_id uuid REFERENCES merchants,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL
);
CREATE TABLE device_keys (
    key_hash bytea PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    label text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX device_keys_account ON device_keys (account_id);
"""

ORDERS = """
CREATE TABLE orders (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,      -- what people say to each other
    merchant_id uuid NOT NULL REFERENCES merchants,
    customer_id uuid NOT NULL REFERENCES accounts,
    status text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    items jsonb NOT NULL,
    total_minor bigint NOT NULL CHECK (total_minor >= 0),
    currency char(3) NOT NULL,
    preparation_s int CHECK (preparation_s >= 0),
    reason text,
    placed_at timestamptz NOT NULL,
    accepted_at timestamptz,
    picked_up_at timestamptz,
    delivered_at timestamptz,
    ended_at timestamptz
);
CREATE INDEX orders_customer ON orders (customer_id, placed_at DESC);
CREATE INDEX orders_merchant ON orders (merchant_id, placed_at DESC);
CREATE INDEX orders_status ON orders (status, placed_at DESC);
CREATE INDEX orders_placed ON orders (placed_at DESC);
CREATE INDEX orders_open ON orders (merchant_id, placed_at) WHERE ended_at IS NULL;

-- The only table with personal data of orders: erasing somebody is deleting here.
CREATE TABLE order_contacts (
    order_id uuid PRIMARY KEY REFERENCES orders ON DELETE CASCADE,
    name text NOT NULL,
    phone text NOT NULL,
    address text NOT NULL,
    lat float8 NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lng float8 NOT NULL CHECK (lng BETWEEN -180 AND 180),
    note text
);

CREATE TABLE assignments (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders ON DELETE CASCADE,
    courier_id uuid NOT NULL REFERENCES accounts,
    state text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    ended_at timestamptz
);
-- One winner by constraint: an order is with one courier, a courier has one order.
CREATE UNIQUE INDEX assignments_open_order ON assignments (order_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX assignments_open_courier ON assignments (courier_id) WHERE ended_at IS NULL;
CREATE INDEX assignments_order ON assignments (order_id);
CREATE INDEX assignments_courier ON assignments (courier_id, created_at DESC);
"""

LOG = """
CREATE TABLE event_log (
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    position bigint GENERATED ALWAYS AS IDENTITY,
    entity text NOT NULL,
    entity_id uuid NOT NULL,
    version int NOT NULL CHECK (version > 0),
    name text NOT NULL,
    topics text[] NOT NULL,
    fields jsonb NOT NULL,
    actor_id uuid,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (transaction_id, position),
    CONSTRAINT event_log_version UNIQUE (entity, entity_id, version)
);
-- Without a pending list: a rejoin must not read through one, nor a command clean one up.
CREATE INDEX event_log_topics ON event_log USING gin (topics) WITH (fastupdate = off);

CREATE TABLE timers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    entity_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    payload jsonb NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    UNIQUE (kind, entity_id)
);
CREATE INDEX timers_due ON timers (due_at);

CREATE TABLE idempotency_keys (
    account_id uuid NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    answer jsonb,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
"""

TRACKS = """
CREATE TABLE track_chunks (
    courier_id uuid NOT NULL,
    first_fix_time timestamptz NOT NULL,
    last_fix_time timestamptz NOT NULL,
    fixes int NOT NULL CHECK (fixes > 0),
    chunk bytea NOT NULL,
    stored_at timestamptz NOT NULL
) PARTITION BY RANGE (first_fix_time);
CREATE INDEX track_chunks_courier ON track_chunks (courier_id, first_fix_time);

-- The partition of one UTC day, made when its first chunk comes.  Attaching takes a lock that lets others
-- read and write the other days; CREATE TABLE … PARTITION OF would wait for every reader of the whole track.
CREATE FUNCTION ensure_track_day(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    partition text := 'track_chunks_' || to_char(day, 'YYYYMMDD');
    begins timestamptz := day::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(partition, 0));
    -- Another may have made it while we waited; to_regclass could still answer from this session's cache.
    IF EXISTS (SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
               WHERE inhparent = 'track_chunks'::regclass AND relname = partition) THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE track_chunks INCLUDING ALL)', partition);
    EXECUTE format('ALTER TABLE track_chunks ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   partition, begins, ends);
END;
$$;
"""


def upgrade() -> None:
    for part in (PEOPLE, ORDERS, LOG, TRACKS):
        run_script(op, part)
