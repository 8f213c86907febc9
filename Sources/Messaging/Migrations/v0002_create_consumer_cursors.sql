-- How far this service has applied another one's feed. The cursor moves in the transaction that
-- applies the events, so each takes effect exactly once; the lease only keeps replicas from fetching
-- the same events at the same time.
CREATE TABLE consumer_cursors (
    feed text PRIMARY KEY,
    position text NOT NULL,
    owner text NOT NULL,
    leased_until timestamptz NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
