"""People's sessions, programs' keys, tracking links; who may not come in any more; who did and looked at what."""

from alembic import op

from server.storage.migrations.scripts import run_script

revision = "0003"
down_revision = "0002"

PEOPLE = """
ALTER TABLE accounts
    ADD COLUMN status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'dismissed')),
    ADD COLUMN version int NOT NULL DEFAULT 0;               -- of its events; 0: nothing was ever decided about it
UPDATE accounts SET status = 'suspended' WHERE NOT active;
-- `active` stays for the version before, which writes it; the two cannot disagree.
ALTER TABLE accounts ADD CONSTRAINT accounts_active CHECK (active = (status = 'active'));

-- A device key has an id, by which tokens made with it are known and ended.
ALTER TABLE device_keys ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid();

-- Signings-in by password.  Of a refresh token only hashes are here (accounts/refresh.py).
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    label text NOT NULL,                                     -- which kind of device; no address
    family_hash bytea NOT NULL UNIQUE,
    secret_hash bytea NOT NULL,
    previous_hash bytea,
    generation int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    refreshed_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_why text
);
CREATE INDEX sessions_account ON sessions (account_id) WHERE ended_at IS NULL;

-- Failed attempts, by login and by network address; the subject is a hash of either.
CREATE TABLE sign_in_failures (
    subject bytea PRIMARY KEY,
    failures int NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL
);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    merchant_id uuid NOT NULL REFERENCES merchants ON DELETE CASCADE,
    label text NOT NULL,
    scopes text[] NOT NULL,
    prefix text NOT NULL,                                    -- by which people know it again
    key_hash bytea NOT NULL UNIQUE,
    made_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_on date,
    ended_at timestamptz
);
CREATE INDEX api_keys_merchant ON api_keys (merchant_id);

-- Its order may have moved to the archive already, so nothing is referenced.
CREATE TABLE tracking_links (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    made_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX tracking_links_order ON tracking_links (order_id);
"""

AUDIT = """
CREATE TABLE audit_log (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    actor_id uuid,                                           -- null: the program by itself
    actor_role text,
    session_id uuid,
    what text NOT NULL,
    entity text NOT NULL,
    entity_ids uuid[] NOT NULL,
    details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_log_actor ON audit_log (actor_id, id);
CREATE INDEX audit_log_entities ON audit_log USING gin (entity_ids);

-- Whoever may write may only add.
CREATE FUNCTION audit_log_is_for_ever() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is only ever added to' USING ERRCODE = 'insufficient_privilege';
END;
$$;
CREATE TRIGGER audit_log_is_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_for_ever();

-- Called by the program's role, which may not alter tables itself.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION ensure_track_day(date) SECURITY DEFINER SET search_path = %I, pg_temp',
                   current_schema());
END;
$$;
"""

# The role that the program's own connections take (storage/database.py): it may work on every table, alter none,
# and of the audit only read and add.  Roles are the whole server's: it may be there already, made by another
# database or just now, or we may not be permitted to make it; then the trigger above is all there is.
ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'songda_program') THEN
        CREATE ROLE songda_program NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
END;
$$;
DO $$
BEGIN
    EXECUTE format('GRANT songda_program TO %I', current_user);
EXCEPTION
    WHEN undefined_object OR insufficient_privilege OR internal_error THEN NULL;
END;
$$;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'songda_program') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO songda_program', current_schema());
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO songda_program',
                       current_schema());
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES'
                       ' TO songda_program', current_schema());
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT USAGE ON SEQUENCES TO songda_program',
                       current_schema());
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO songda_program', current_schema());
        REVOKE UPDATE, DELETE, TRUNCATE ON audit_log FROM songda_program;
    END IF;
END;
$$;
"""


def upgrade() -> None:
    for part in (PEOPLE, AUDIT, ROLE):
        run_script(op, part)
