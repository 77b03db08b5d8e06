-- +goose Up
-- What crashed us is looked for and counted by operators: there is little of it
-- among much else that is held.
CREATE INDEX deliveries_quarantine ON deliveries (id) WHERE hold_reason = 'quarantine';

-- +goose Down
DROP INDEX deliveries_quarantine;
