"""Merchants' webhook endpoints and what they were sent."""

from alembic import op

from server.storage.migrations.scripts import run_script

revision = "0007"
down_revision = "0006"

SCRIPT = """
CREATE TABLE webhook_endpoints (
    id uuid PRIMARY KEY,
    version int NOT NULL CHECK (version > 0),
    merchant_id uuid REFERENCES merchants ON DELETE CASCADE,    -- none: all merchants' events, for our own programs
    url text NOT NULL,
    description text NOT NULL,
    events text[] NOT NULL,                                     -- none: all
    enabled boolean NOT NULL,
    off_why text,
    since xid8 NOT NULL,                                        -- what was committed from this transaction on is sent
    secret bytea NOT NULL,                                      -- as it is: we must sign with it
    former_secret bytea,
    former_until timestamptz,
    failing_since timestamptz,                                  -- the first failure after the last success
    last_success_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX webhook_endpoints_merchant ON webhook_endpoints (merchant_id);
CREATE INDEX webhook_endpoints_since ON webhook_endpoints (since) WHERE enabled;

CREATE TABLE webhook_deliveries (
    id uuid PRIMARY KEY,
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
    transaction_id xid8,                                        -- the event's place in the log; none: a test
    position bigint,
    type text NOT NULL,
    order_id uuid,
    body text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts int NOT NULL DEFAULT 0,                            -- begun, ever
    tries int NOT NULL DEFAULT 0,                               -- failed, since it was made or replayed
    next_at timestamptz,
    sending_until timestamptz,                                  -- who sends it now has answered by then, or is dead
    last_outcome text,
    last_status int,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT webhook_deliveries_once UNIQUE (endpoint_id, transaction_id, position)
);
CREATE INDEX webhook_deliveries_endpoint ON webhook_deliveries (endpoint_id, id DESC);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (endpoint_id, next_at) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_created ON webhook_deliveries (created_at);

CREATE TABLE webhook_attempts (
    delivery_id uuid NOT NULL REFERENCES webhook_deliveries ON DELETE CASCADE,
    number int NOT NULL CHECK (number > 0),
    began_at timestamptz NOT NULL,
    took_ms int,
    outcome text NOT NULL,
    status int,
    answer text NOT NULL DEFAULT '',
    PRIMARY KEY (delivery_id, number)
);

-- How far the event log has been turned into deliveries.  One row.
CREATE TABLE webhook_cursor (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    transaction_id xid8 NOT NULL,
    position bigint NOT NULL
);
INSERT INTO webhook_cursor (transaction_id, position) VALUES (pg_snapshot_xmin(pg_current_snapshot()), 0);
"""


def upgrade() -> None:
    run_script(op, SCRIPT)
