-- +goose Up
CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('catalogue', 1);

CREATE TABLE clients (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE event_types (
    slug        TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    envelope    TEXT NOT NULL,
    schema      BLOB,
    example     BLOB,
    deprecated  BOOLEAN NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);

CREATE TABLE subscriptions (
    id             TEXT PRIMARY KEY,
    client_id      TEXT NOT NULL,
    url            TEXT NOT NULL,
    event_types    TEXT NOT NULL,
    description    TEXT NOT NULL,
    method         TEXT NOT NULL,
    headers        BLOB NOT NULL,
    ack            TEXT NOT NULL,
    timeout_us     BIGINT NOT NULL,
    rate_limit     INTEGER NOT NULL,
    max_in_flight  INTEGER NOT NULL,
    send_empty     BOOLEAN NOT NULL,
    state          TEXT NOT NULL,
    secret         BLOB NOT NULL,
    secret_old     BLOB,
    secret_old_end BIGINT,
    version        BIGINT NOT NULL,
    catalogue      BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    deleted_at     BIGINT
);
CREATE INDEX subscriptions_catalogue ON subscriptions (catalogue);
CREATE INDEX subscriptions_client ON subscriptions (client_id, id);

CREATE TABLE messages (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    client_id   TEXT NOT NULL,
    type        TEXT NOT NULL,
    body        BLOB,
    data_start  INTEGER NOT NULL,
    data_length INTEGER NOT NULL,
    occurred_at BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    target      TEXT NOT NULL
);
CREATE INDEX messages_client ON messages (client_id, id);

CREATE TABLE deliveries (
    id              TEXT PRIMARY KEY,
    message_id      TEXT NOT NULL,
    kind            TEXT NOT NULL,
    client_id       TEXT NOT NULL,
    event_type      TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    url             TEXT NOT NULL,
    method          TEXT NOT NULL,
    state           TEXT NOT NULL,
    hold_reason     TEXT NOT NULL DEFAULT '',
    generation      BIGINT NOT NULL DEFAULT 1,
    attempt_count   INTEGER NOT NULL DEFAULT 0,
    automatic_count INTEGER NOT NULL DEFAULT 0,
    crash_count     INTEGER NOT NULL DEFAULT 0,
    next_attempt_at BIGINT,
    manual_at       BIGINT,
    lease_until     BIGINT,
    check_at        BIGINT,
    parked          BOOLEAN NOT NULL DEFAULT FALSE,
    created_at      BIGINT NOT NULL,
    finished_at     BIGINT,
    run_id          TEXT,
    page            INTEGER,
    pages           INTEGER,
    last_status     INTEGER,
    last_error      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX deliveries_message ON deliveries (message_id);
CREATE INDEX deliveries_client ON deliveries (client_id, id);
CREATE INDEX deliveries_subscription ON deliveries (subscription_id, id);
CREATE INDEX deliveries_check ON deliveries (check_at) WHERE check_at IS NOT NULL;
CREATE INDEX deliveries_parked ON deliveries (subscription_id, next_attempt_at) WHERE parked;
CREATE INDEX deliveries_open ON deliveries (state, id) WHERE state <> 'succeeded';
CREATE INDEX deliveries_run ON deliveries (run_id, page) WHERE run_id IS NOT NULL;

CREATE TABLE attempts (
    delivery_id   TEXT NOT NULL,
    number        INTEGER NOT NULL,
    trigger       TEXT NOT NULL,
    started_at    BIGINT NOT NULL,
    duration_us   BIGINT NOT NULL,
    status        INTEGER NOT NULL,
    error_code    TEXT NOT NULL,
    detail        BLOB NOT NULL,
    response_body BLOB,
    PRIMARY KEY (delivery_id, number)
);

CREATE TABLE idempotency_keys (
    scope        TEXT NOT NULL,
    key          TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    status       INTEGER NOT NULL,
    response     BLOB NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- +goose Down
DROP TABLE idempotency_keys;
DROP TABLE attempts;
DROP TABLE deliveries;
DROP TABLE messages;
DROP TABLE subscriptions;
DROP TABLE event_types;
DROP TABLE clients;
DROP TABLE counters;
