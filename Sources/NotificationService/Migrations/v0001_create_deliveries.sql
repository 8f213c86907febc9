-- What customers were told, one row for each event that is worth telling. The event's id is the key,
-- so an event that is read again, even from the beginning of the feed, is told once.
CREATE TABLE deliveries (
    event_id uuid PRIMARY KEY,
    -- Counts up in the order of the feed; lists page by it.
    position bigint GENERATED ALWAYS AS IDENTITY,
    user_id uuid NOT NULL,
    order_id uuid NOT NULL,
    kind text NOT NULL,
    channel text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    traceparent text,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX deliveries_of_user ON deliveries (user_id, position DESC);

-- Events that should have been told but could not be understood, kept for an operator: one broken
-- event must not keep those behind it waiting.
CREATE TABLE parked_events (
    event_id uuid PRIMARY KEY,
    type text NOT NULL,
    subject text NOT NULL,
    -- JSON, but as text: jsonb refuses some of what JSON allows, and this table refuses nothing.
    data text NOT NULL,
    reason text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now()
);
