-- +goose Up
-- One line for each call of a person or a key that wrote something, or that
-- was shown a secret. It is written in the transaction of what it tells of. A
-- line never holds a value that was written: only names of fields and counts.
CREATE TABLE audit_log (
    id          TEXT PRIMARY KEY,
    at          BIGINT NOT NULL,
    key_id      TEXT NOT NULL,
    key_name    TEXT NOT NULL,
    role        TEXT NOT NULL,
    action      TEXT NOT NULL,
    resource    TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    client_id   TEXT NOT NULL,
    remote_addr TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    fields      TEXT NOT NULL,
    counts      TEXT NOT NULL
);
CREATE INDEX audit_log_key ON audit_log (key_id, id);
CREATE INDEX audit_log_action ON audit_log (action, id);
CREATE INDEX audit_log_resource ON audit_log (resource, id);
CREATE INDEX audit_log_resource_id ON audit_log (resource_id, id);
CREATE INDEX audit_log_client ON audit_log (client_id, id);

-- Events are too many for a line each: who brought one is kept with it.
ALTER TABLE messages ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN remote_addr TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE messages DROP COLUMN remote_addr;
ALTER TABLE messages DROP COLUMN key_id;
DROP TABLE audit_log;
