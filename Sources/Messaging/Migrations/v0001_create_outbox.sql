-- What has happened, appended in the transaction that made it happen. The table is the log itself:
-- consumers read it over HTTP and keep their own cursors, so nothing is marked or deleted here.
--
-- Readers go by (txid, id) and stop before the oldest transaction still running. An id alone would not
-- do: ids are taken before the commit, so a smaller one can become visible after a larger one was read.
CREATE TABLE outbox (
    txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id bigint GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL,
    type text NOT NULL,
    subject text NOT NULL,
    sequence bigint NOT NULL,
    hlc bigint NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    traceparent text,
    data text NOT NULL,
    PRIMARY KEY (txid, id)
);

CREATE INDEX outbox_subject ON outbox (subject);
