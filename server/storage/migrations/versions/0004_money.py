"""Checkouts, payments, refunds and the ledger."""

from alembic import op

from server.storage.migrations.scripts import run_script

revision = "0004"
down_revision = "0003"

SCRIPT = """
-- A wish by card that waits for its money; its id becomes the order's.  Whom it is for stands in order_contacts.
CREATE TABLE checkouts (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES accounts,
    merchant_id uuid NOT NULL REFERENCES merchants,
    status text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    items jsonb NOT NULL,
    items_minor bigint NOT NULL CHECK (items_minor >= 0),
    delivery_fee_minor bigint NOT NULL CHECK (delivery_fee_minor >= 0),
    total_minor bigint NOT NULL CHECK (total_minor > 0 AND total_minor = items_minor + delivery_fee_minor),
    currency char(3) NOT NULL,
    scheduled_from timestamptz,
    scheduled_to timestamptz,
    created_at timestamptz NOT NULL,
    lapses_at timestamptz NOT NULL,
    ended_at timestamptz,
    pay_url text,
    closed_at_provider boolean NOT NULL DEFAULT false   -- nobody can pay it any more
);
CREATE INDEX checkouts_customer ON checkouts (customer_id, id);

-- Money that came in for an order, or for a checkout that came to nothing.  Its row is the lock of all that money.
CREATE TABLE payments (
    order_id uuid PRIMARY KEY,
    customer_id uuid NOT NULL,
    merchant_id uuid NOT NULL,
    courier_id uuid,                                    -- who collected it, if it was cash
    method text NOT NULL CHECK (method IN ('cash', 'card')),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    provider_id text,
    came_at timestamptz NOT NULL,
    shared_at timestamptz,                              -- since when merchant and platform have their shares
    -- Never more goes back than came in; refunds that are still under way count.
    given_back_minor bigint NOT NULL DEFAULT 0 CHECK (given_back_minor BETWEEN 0 AND amount_minor)
);

CREATE TABLE refunds (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES payments,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    method text NOT NULL CHECK (method IN ('cash', 'card')),
    status text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    reason text NOT NULL,
    borne_by text NOT NULL CHECK (borne_by IN ('merchant', 'platform', 'courier')),
    bearer_id uuid,                                     -- which merchant or courier
    decided_by uuid,                                    -- null: by the rules, nobody had to decide
    ticket_id uuid,
    attempts int NOT NULL DEFAULT 0,
    requested_at timestamptz NOT NULL,
    sent_at timestamptz,
    ended_at timestamptz,
    failure text
);
CREATE INDEX refunds_order ON refunds (order_id, id);

-- Something beyond the price, for the trouble.
CREATE TABLE compensations (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    beneficiary text NOT NULL CHECK (beneficiary IN ('customer', 'merchant', 'courier')),
    beneficiary_id uuid NOT NULL,
    form text NOT NULL CHECK (form IN ('voucher', 'credit')),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    reason text NOT NULL,
    borne_by text NOT NULL CHECK (borne_by IN ('merchant', 'platform', 'courier')),
    bearer_id uuid,
    decided_by uuid NOT NULL,
    ticket_id uuid,
    created_at timestamptz NOT NULL
);
CREATE INDEX compensations_order ON compensations (order_id, id);

-- Words of the payment provider that took effect: a repeated one changes nothing.
CREATE TABLE provider_words (
    id text PRIMARY KEY,
    type text NOT NULL,
    payment_id uuid NOT NULL,
    received_at timestamptz NOT NULL
);
CREATE INDEX provider_words_received ON provider_words (received_at);

-- Who has what to get (positive) and to give (negative).  Nothing here is ever changed or deleted.
CREATE TABLE ledger_entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transfer_id uuid NOT NULL,
    order_id uuid NOT NULL,
    account text NOT NULL CHECK (account IN
        ('provider', 'cash_in_hand', 'customer', 'merchant', 'platform', 'courier')),
    owner_id uuid,                                      -- which customer, merchant, courier
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    currency char(3) NOT NULL,
    reason text NOT NULL,
    borne_by text,
    refund_id uuid,
    created_at timestamptz NOT NULL,
    UNIQUE (transfer_id, account)                       -- so that nothing is booked twice
);
CREATE INDEX ledger_entries_order ON ledger_entries (order_id, id);
CREATE INDEX ledger_entries_owner ON ledger_entries (account, owner_id, id);

CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is only ever added to';
END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();

-- A transfer is booked by one statement, so it is judged when that ends: no unbalanced one can even be seen.
CREATE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM booked GROUP BY transfer_id, currency HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'a transfer of the ledger must add up to nothing' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_balanced AFTER INSERT ON ledger_entries REFERENCING NEW TABLE AS booked
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_balances();
"""


def upgrade() -> None:
    run_script(op, SCRIPT)
