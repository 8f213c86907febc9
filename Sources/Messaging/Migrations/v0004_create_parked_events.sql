-- Events that could not be applied, and those of the same subject that came after and wait behind
-- them, each as it came; an operator has them applied again, in order, when the reason is gone.
CREATE TABLE parked_events (
    feed text NOT NULL,
    subject text NOT NULL,
    -- The order of the events of one subject.
    sequence bigint NOT NULL,
    -- The order of arrival, which decides between events that claim the same sequence.
    number bigint GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL,
    type text NOT NULL,
    -- The whole event, JSON as text: jsonb refuses some of what JSON allows, and here nothing is
    -- refused.
    event text NOT NULL,
    -- Why it could not be applied; NULL for one that only waits.
    reason text,
    attempts bigint NOT NULL DEFAULT 0,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (feed, subject, sequence, number),
    UNIQUE (feed, event_id)
);

-- Why a consumer has stopped and waits for an operator; NULL while it follows.
ALTER TABLE consumer_cursors ADD COLUMN stopped text;
