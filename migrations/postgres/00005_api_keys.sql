-- +goose Up
-- API keys. A key itself is nowhere: hash is its SHA-256. expires_at: from then
-- on it is refused. rate_limit is NULL for the server's setting, 0 for none. A
-- revoked key stays, for whoever asks later whose it was. version is the
-- counter "api_keys" at its last change that matters to whoever checks keys.
CREATE TABLE api_keys (
    id           TEXT COLLATE "C" PRIMARY KEY,
    hash         BYTEA NOT NULL,
    start        TEXT NOT NULL,
    name         TEXT NOT NULL,
    role         TEXT NOT NULL,
    client_id    TEXT COLLATE "C",
    expires_at   BIGINT,
    rate_limit   INTEGER,
    created_at   BIGINT NOT NULL,
    created_by   TEXT NOT NULL,
    last_used_at BIGINT,
    revoked_at   BIGINT,
    version      BIGINT NOT NULL
);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
CREATE INDEX api_keys_version ON api_keys (version);
INSERT INTO counters (name, value) VALUES ('api_keys', 1);

-- +goose Down
DELETE FROM counters WHERE name = 'api_keys';
DROP TABLE api_keys;
