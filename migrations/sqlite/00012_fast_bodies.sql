-- +goose Up
-- SQLite compresses nothing; see the step of the same number for PostgreSQL.
SELECT 1;

-- +goose Down
SELECT 1;
