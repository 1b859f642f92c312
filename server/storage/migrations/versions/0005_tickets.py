"""Delivery exceptions: tickets, their notes and evidence."""

from alembic import op

from server.storage.migrations.scripts import run_script

revision = "0005"
down_revision = "0004"

SCRIPT = """
-- Codes and ids only.  An order_id may be a checkout's, whose order never came to be.
CREATE TABLE tickets (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    kind text NOT NULL,
    state text NOT NULL,
    severity text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    reason text NOT NULL,
    order_id uuid,
    merchant_id uuid,
    customer_id uuid,
    courier_id uuid,
    opened_by uuid,
    opened_by_role text NOT NULL,
    first_reported_at timestamptz NOT NULL,
    last_reported_at timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    owner_role text NOT NULL,
    rung int NOT NULL,
    occurrences int NOT NULL CHECK (occurrences > 0),
    assignee_id uuid,
    acknowledged_at timestamptz,
    escalate_at timestamptz,
    paused_until timestamptz,
    resolve_by timestamptz NOT NULL,
    is_overdue boolean NOT NULL,
    waiting_for text,
    segment text,
    decision text,
    outcome text,
    borne_by text,
    refund_minor bigint NOT NULL CHECK (refund_minor >= 0),
    closed_at timestamptz,
    notices int NOT NULL,
    about_courier boolean NOT NULL,
    CHECK (order_id IS NOT NULL OR courier_id IS NOT NULL)
);
-- The same trouble twice joins one ticket, by constraint.
CREATE UNIQUE INDEX tickets_open_order ON tickets (order_id, kind) WHERE closed_at IS NULL AND NOT about_courier;
CREATE UNIQUE INDEX tickets_open_courier ON tickets (courier_id, kind) WHERE closed_at IS NULL AND about_courier;
CREATE INDEX tickets_order ON tickets (order_id);
CREATE INDEX tickets_courier ON tickets (courier_id, id DESC) WHERE about_courier;
CREATE INDEX tickets_open ON tickets (id DESC) WHERE closed_at IS NULL;

-- What stands below has words about people, and exact places: erasing somebody deletes here.
-- seen_by: whom a note is for beside the staff ('customer', 'merchant', 'courier'), or only the staff ('staff').
CREATE TABLE ticket_notes (
    id uuid PRIMARY KEY,
    ticket_id uuid NOT NULL REFERENCES tickets ON DELETE CASCADE,
    author_id uuid,
    author_role text NOT NULL,
    seen_by text NOT NULL,
    template text,
    words text,
    at timestamptz NOT NULL,
    place bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX ticket_notes_ticket ON ticket_notes (ticket_id);
CREATE TABLE ticket_contacts (
    id uuid PRIMARY KEY,
    ticket_id uuid NOT NULL REFERENCES tickets ON DELETE CASCADE,
    tried_by uuid NOT NULL,
    tried_by_role text NOT NULL,
    whom text NOT NULL,
    how text NOT NULL,
    result text NOT NULL,
    words text,
    at timestamptz NOT NULL,
    place bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX ticket_contacts_ticket ON ticket_contacts (ticket_id);
CREATE TABLE ticket_evidence (
    id uuid PRIMARY KEY,
    ticket_id uuid NOT NULL REFERENCES tickets ON DELETE CASCADE,
    added_by uuid,
    added_by_role text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('photo', 'position')),
    media_id uuid,
    lat float8 CHECK (lat BETWEEN -90 AND 90),
    lng float8 CHECK (lng BETWEEN -180 AND 180),
    fix_time timestamptz,
    at timestamptz NOT NULL,
    place bigint GENERATED ALWAYS AS IDENTITY,
    CHECK ((kind = 'photo') = (media_id IS NOT NULL) AND (kind = 'position') = (lat IS NOT NULL AND lng IS NOT NULL))
);
CREATE INDEX ticket_evidence_ticket ON ticket_evidence (ticket_id);
CREATE UNIQUE INDEX ticket_evidence_media ON ticket_evidence (ticket_id, media_id) WHERE media_id IS NOT NULL;

-- Couriers who are offered no work for a while: after an accident, say.
CREATE TABLE courier_rests (
    courier_id uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    until timestamptz NOT NULL
);
"""


def upgrade() -> None:
    run_script(op, SCRIPT)
