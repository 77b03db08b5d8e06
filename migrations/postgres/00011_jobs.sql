-- +goose Up
-- Bulk retries and replays. One process works on a job at a time: it holds the
-- lease, and each of its transactions names the generation that it got.
-- visible_to is the client of the key that made it, if that is bound to one.
-- counted is NULL until the job was counted.
CREATE TABLE jobs (
    id          TEXT COLLATE "C" PRIMARY KEY,
    kind        TEXT COLLATE "C" NOT NULL,
    filter      TEXT COLLATE "C" NOT NULL,
    rate        INTEGER NOT NULL,
    visible_to  TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    counted     BIGINT,
    done        BIGINT NOT NULL DEFAULT 0,
    skipped     BIGINT NOT NULL DEFAULT 0,
    skipped_why TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    error       TEXT COLLATE "C" NOT NULL DEFAULT '',
    failures    INTEGER NOT NULL DEFAULT 0,
    generation  BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT NOT NULL DEFAULT 0,
    created_at  BIGINT NOT NULL,
    started_at  BIGINT,
    finished_at BIGINT
);
CREATE INDEX jobs_open ON jobs (id) WHERE finished_at IS NULL;

-- The part of a job that goes to one subscription. position is the checkpoint:
-- the id of the last delivery or event that was looked at.
CREATE TABLE job_parts (
    job_id          TEXT COLLATE "C" NOT NULL,
    subscription_id TEXT COLLATE "C" NOT NULL,
    position        TEXT COLLATE "C" NOT NULL DEFAULT '',
    counted         BIGINT NOT NULL,
    done            BIGINT NOT NULL DEFAULT 0,
    skipped         BIGINT NOT NULL DEFAULT 0,
    finished        BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (job_id, subscription_id)
);

-- The job that asked for a delivery's last retry, or made it. The second index
-- holds what still waits of a job: it is counted before each step.
ALTER TABLE deliveries ADD COLUMN job_id TEXT COLLATE "C";
CREATE INDEX deliveries_job ON deliveries (job_id, id) WHERE job_id IS NOT NULL;
CREATE INDEX deliveries_job_waits ON deliveries (job_id, subscription_id)
    WHERE job_id IS NOT NULL AND (manual_at IS NOT NULL OR state = 'pending');

-- Most jobs are about what has failed, one subscription after the other.
CREATE INDEX deliveries_failed ON deliveries (subscription_id, id) WHERE state = 'failed';

-- +goose Down
DROP INDEX deliveries_failed;
DROP INDEX deliveries_job_waits;
DROP INDEX deliveries_job;
ALTER TABLE deliveries DROP COLUMN job_id;
DROP TABLE job_parts;
DROP TABLE jobs;
