-- +goose Up
-- A client's own secret signs what goes to a callback: it has no subscription
-- whose secret could. "catalogue" is the catalogue's version at the last
-- change of it, as in subscriptions; 0: there is no secret yet.
ALTER TABLE clients ADD COLUMN secret BYTEA;
ALTER TABLE clients ADD COLUMN secret_old BYTEA;
ALTER TABLE clients ADD COLUMN secret_old_end BIGINT;
ALTER TABLE clients ADD COLUMN catalogue BIGINT NOT NULL DEFAULT 0;
CREATE INDEX clients_catalogue ON clients (catalogue) WHERE catalogue > 0;

-- The host of a delivery without a subscription; '' for all others. What is
-- parked for a host is fed by host.
ALTER TABLE deliveries ADD COLUMN host TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX deliveries_parked_host ON deliveries (host, next_attempt_at) WHERE parked AND host > '';

CREATE TABLE verifications (
    id                 TEXT COLLATE "C" PRIMARY KEY,
    client_id          TEXT COLLATE "C" NOT NULL,
    status             TEXT COLLATE "C" NOT NULL,
    type               TEXT NOT NULL,
    national_id_masked TEXT NOT NULL,
    callback_url       TEXT NOT NULL,
    callback_method    TEXT NOT NULL,
    metadata           BYTEA,
    message_id         TEXT NOT NULL DEFAULT '',
    delivery_id        TEXT NOT NULL DEFAULT '',
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    expires_at         BIGINT NOT NULL
);
CREATE INDEX verifications_client ON verifications (client_id, id);
CREATE INDEX verifications_pending ON verifications (expires_at) WHERE status = 'PENDING';
CREATE INDEX verifications_open ON verifications (status, id) WHERE status <> 'COMPLETED';
CREATE INDEX verifications_ended ON verifications (updated_at, status) WHERE status <> 'PENDING';

-- +goose Down
DROP TABLE verifications;
DROP INDEX deliveries_parked_host;
ALTER TABLE deliveries DROP COLUMN host;
DROP INDEX clients_catalogue;
ALTER TABLE clients DROP COLUMN catalogue;
ALTER TABLE clients DROP COLUMN secret_old_end;
ALTER TABLE clients DROP COLUMN secret_old;
ALTER TABLE clients DROP COLUMN secret;
