-- +goose Up
-- Credentials for the receiver (basic or bearer), sealed.
ALTER TABLE subscriptions ADD COLUMN auth BLOB;

-- Stored answers that hold a secret are sealed: their first byte is 1, and the
-- next four name the key. A change of the key finds them by this index.
CREATE INDEX idempotency_keys_sealed ON idempotency_keys (substr(response, 1, 5), scope, key) WHERE substr(response, 1, 1) = x'01';

-- A deleted subscription keeps its row, and nothing that is secret.
UPDATE subscriptions SET headers = CAST('' AS BLOB), secret = CAST('' AS BLOB), secret_old = NULL WHERE deleted_at IS NOT NULL;

-- +goose Down
DROP INDEX idempotency_keys_sealed;
ALTER TABLE subscriptions DROP COLUMN auth;
