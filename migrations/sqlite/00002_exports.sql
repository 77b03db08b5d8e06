-- +goose Up
-- seq numbers the runs of a dataset; an upsert stamps its rows with it.
-- watermark is the end of the latest window that a scheduled run has taken:
-- what arrives for a time before it is late.
CREATE TABLE datasets (
    name      TEXT PRIMARY KEY,
    seq       BIGINT NOT NULL,
    watermark BIGINT NOT NULL
);
INSERT INTO datasets (name, seq, watermark) VALUES
    ('cadastros', 1, 0), ('vendas', 1, 0), ('ingressos', 1, 0), ('financeiro', 1, 0);

-- next_fire_at is NULL until a scheduler has seen the row, and while there is
-- nothing to fire.
CREATE TABLE exports (
    name         TEXT PRIMARY KEY,
    event        TEXT NOT NULL,
    dataset      TEXT NOT NULL,
    cron         TEXT NOT NULL,
    zone         TEXT NOT NULL,
    window_rule  TEXT NOT NULL,
    page_size    INTEGER NOT NULL,
    page_bytes   INTEGER NOT NULL,
    enabled      BOOLEAN NOT NULL,
    version      BIGINT NOT NULL,
    next_fire_at BIGINT,
    last_window_to BIGINT,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
INSERT INTO exports (name, event, dataset, cron, zone, window_rule, page_size, page_bytes, enabled, version, created_at, updated_at) VALUES
    ('cadastros', 'cadastro_export', 'cadastros', '0 3 * * *', '-03:00', 'previous_day', 500, 1048576, TRUE, 1, 0, 0),
    ('vendas', 'venda_export', 'vendas', '0 3 * * *', '-03:00', 'previous_day', 500, 1048576, TRUE, 1, 0, 0),
    ('ingressos', 'ingresso_export', 'ingressos', '0 3 * * *', '-03:00', 'previous_day', 500, 1048576, TRUE, 1, 0, 0),
    ('financeiro', 'financeiro_export', 'financeiro', '0 3 * * 4', '-03:00', 'previous_week_mon_sun', 500, 1048576, TRUE, 1, 0, 0);

-- One row for each time that a schedule names: whoever inserts it makes the run.
CREATE TABLE fires (
    export   TEXT NOT NULL,
    fire_at  BIGINT NOT NULL,
    run_id   TEXT NOT NULL,
    fired_at BIGINT NOT NULL,
    PRIMARY KEY (export, fire_at)
);

CREATE TABLE runs (
    id              TEXT PRIMARY KEY,
    export          TEXT NOT NULL,
    event           TEXT NOT NULL,
    dataset         TEXT NOT NULL,
    trigger         TEXT NOT NULL,
    scheduled_for   BIGINT,
    late            BOOLEAN NOT NULL,
    window_from     BIGINT NOT NULL,
    window_to       BIGINT NOT NULL,
    zone            TEXT NOT NULL,
    client_id       TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    page_size       INTEGER NOT NULL,
    page_bytes      INTEGER NOT NULL,
    seq             BIGINT NOT NULL,
    state           TEXT NOT NULL,
    error           TEXT NOT NULL DEFAULT '',
    failures        INTEGER NOT NULL DEFAULT 0,
    generation      BIGINT NOT NULL DEFAULT 0,
    lease_until     BIGINT NOT NULL DEFAULT 0,
    created_at      BIGINT NOT NULL,
    started_at      BIGINT,
    finished_at     BIGINT
);
CREATE INDEX runs_export ON runs (export, id);
CREATE INDEX runs_open ON runs (created_at, id) WHERE finished_at IS NULL;

-- position is the checkpoint: the last record that is in a page. built and
-- released are pages: first all of a client's are built, then they are
-- released as deliveries, because each tells how many there are.
CREATE TABLE run_clients (
    run_id        TEXT NOT NULL,
    client_id     TEXT NOT NULL,
    subscriptions TEXT NOT NULL,
    state         TEXT NOT NULL,
    position      TEXT NOT NULL DEFAULT '',
    records       BIGINT NOT NULL DEFAULT 0,
    bytes         BIGINT NOT NULL DEFAULT 0,
    late_records  BIGINT NOT NULL DEFAULT 0,
    refused       BIGINT NOT NULL DEFAULT 0,
    built         INTEGER NOT NULL DEFAULT 0,
    released      INTEGER NOT NULL DEFAULT 0,
    started_at    BIGINT,
    finished_at   BIGINT,
    PRIMARY KEY (run_id, client_id)
);

CREATE TABLE pages (
    run_id         TEXT NOT NULL,
    client_id      TEXT NOT NULL,
    number         INTEGER NOT NULL,
    message_id     TEXT NOT NULL,
    records        INTEGER NOT NULL,
    bytes          INTEGER NOT NULL,
    sha256         BLOB NOT NULL,
    first_position TEXT NOT NULL,
    last_position  TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    PRIMARY KEY (run_id, client_id, number)
);

-- Records of the source that a run did not send, the first thousand of a client.
CREATE TABLE run_refusals (
    run_id    TEXT NOT NULL,
    client_id TEXT NOT NULL,
    key       TEXT NOT NULL,
    reason    TEXT NOT NULL,
    PRIMARY KEY (run_id, client_id, key)
);

-- Events that are parked are fed before pages that are, however many there are.
CREATE INDEX deliveries_parked_events ON deliveries (subscription_id, next_attempt_at) WHERE parked AND run_id IS NULL;

-- +goose Down
DROP INDEX deliveries_parked_events;
DROP TABLE run_refusals;
DROP TABLE pages;
DROP TABLE run_clients;
DROP TABLE runs;
DROP TABLE fires;
DROP TABLE exports;
DROP TABLE datasets;
