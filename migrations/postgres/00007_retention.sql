-- +goose Up
-- Why and when a payload went, on the row that outlives it.
ALTER TABLE messages ADD COLUMN body_gone_at BIGINT;
ALTER TABLE messages ADD COLUMN body_gone_why TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN cancel_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE verifications ADD COLUMN wiped_at BIGINT;

-- Whose personal data an answer holds; '' for one that holds none.
ALTER TABLE idempotency_keys ADD COLUMN client_id TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX idempotency_keys_client ON idempotency_keys (client_id, created_at) WHERE client_id > '';
CREATE INDEX records_received ON records (received_at);

-- One process sweeps at a time: it holds the lease, and each of its
-- transactions names the generation that it got.
CREATE TABLE leases (
    name       TEXT COLLATE "C" PRIMARY KEY,
    generation BIGINT NOT NULL,
    until      BIGINT NOT NULL
);
INSERT INTO leases (name, generation, until) VALUES ('sweep', 0, 0);

-- A sweep goes through a table once, in the order of its keys, which is that
-- of time. What it has to leave (an open delivery's payload) is noted, and
-- looked at again at check_at.
CREATE TABLE sweeps (
    name     TEXT COLLATE "C" PRIMARY KEY,
    position TEXT COLLATE "C" NOT NULL
);
CREATE TABLE sweep_kept (
    sweep    TEXT COLLATE "C" NOT NULL,
    id       TEXT COLLATE "C" NOT NULL,
    check_at BIGINT NOT NULL,
    PRIMARY KEY (sweep, id)
);
CREATE INDEX sweep_kept_check ON sweep_kept (sweep, check_at);

-- The erasure of one client's personal data: the last one that was asked for.
-- step and position are its checkpoint.
CREATE TABLE erasures (
    client_id        TEXT COLLATE "C" PRIMARY KEY,
    requested_at     BIGINT NOT NULL,
    requested_by     TEXT NOT NULL,
    finished_at      BIGINT,
    step             TEXT NOT NULL,
    position         TEXT COLLATE "C" NOT NULL,
    not_before       BIGINT NOT NULL,
    payloads         BIGINT NOT NULL DEFAULT 0,
    canceled         BIGINT NOT NULL DEFAULT 0,
    answers          BIGINT NOT NULL DEFAULT 0,
    records          BIGINT NOT NULL DEFAULT 0,
    verifications    BIGINT NOT NULL DEFAULT 0,
    idempotency_keys BIGINT NOT NULL DEFAULT 0,
    refused_records  BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX erasures_open ON erasures (not_before) WHERE finished_at IS NULL;

-- +goose Down
DROP TABLE erasures;
DROP TABLE sweep_kept;
DROP TABLE sweeps;
DROP TABLE leases;
DROP INDEX records_received;
DROP INDEX idempotency_keys_client;
ALTER TABLE idempotency_keys DROP COLUMN client_id;
ALTER TABLE verifications DROP COLUMN wiped_at;
ALTER TABLE deliveries DROP COLUMN cancel_reason;
ALTER TABLE messages DROP COLUMN body_gone_why;
ALTER TABLE messages DROP COLUMN body_gone_at;
