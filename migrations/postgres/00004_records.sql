-- +goose Up
-- The records that the platform put, each with its bytes as they came.
-- at1, at2 and at3 are the times at which a record falls into windows,
-- distinct and ascending: a ticket has up to three of them, others one. A
-- record belongs to the window's page by the first of its times inside, so an
-- index of a later time also holds the time before it. updated_at is 0 where
-- the dataset has no such field. seq is the number of the dataset's last run
-- when the row was written. late: its windows are over, and no scheduled run
-- has had it.
CREATE TABLE records (
    dataset     TEXT COLLATE "C" NOT NULL,
    client_id   TEXT COLLATE "C" NOT NULL,
    key         TEXT COLLATE "C" NOT NULL,
    at1         BIGINT NOT NULL,
    at2         BIGINT,
    at3         BIGINT,
    updated_at  BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    late        BOOLEAN NOT NULL,
    body        BYTEA NOT NULL,
    PRIMARY KEY (dataset, client_id, key)
);
CREATE INDEX records_at1 ON records (dataset, client_id, at1, key);
CREATE INDEX records_at2 ON records (dataset, client_id, at2, key, at1) WHERE at2 IS NOT NULL;
CREATE INDEX records_at3 ON records (dataset, client_id, at3, key, at2) WHERE at3 IS NOT NULL;
CREATE INDEX records_late ON records (dataset, client_id, key) WHERE late;

-- +goose Down
DROP TABLE records;
