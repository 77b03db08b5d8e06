-- +goose Up
-- Large bodies, above all pages of exports, are compressed with lz4, which takes
-- a fraction of the time of PostgreSQL's own way. What is stored stays as it is.
-- A server that was built without lz4 goes on as before.
-- +goose StatementBegin
DO $$
BEGIN
	EXECUTE 'ALTER TABLE messages ALTER COLUMN body SET COMPRESSION lz4';
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value OR syntax_error THEN
	NULL;
END
$$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
	EXECUTE 'ALTER TABLE messages ALTER COLUMN body SET COMPRESSION default';
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value OR syntax_error THEN
	NULL;
END
$$;
-- +goose StatementEnd
