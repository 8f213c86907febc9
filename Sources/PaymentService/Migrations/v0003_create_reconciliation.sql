-- How far the provider's records were compared with ours: one row per list of the provider's.
CREATE TABLE reconciliations (
    list         text        PRIMARY KEY CHECK (list IN ('payment_intents', 'refunds')),
    -- Everything the provider created before then was compared, in seconds since 1970; NULL until
    -- the first comparison.
    through      bigint,
    -- How much one comparison takes in; halved when that turns out to be too much.
    span_seconds bigint      NOT NULL DEFAULT 600 CHECK (span_seconds > 0),
    -- One replica compares at a time; the owner is also part of every change of the row.
    owner        text        NOT NULL DEFAULT '',
    leased_until timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO reconciliations (list) VALUES ('payment_intents'), ('refunds');

-- Where the provider and we did not agree, and what became of it.
CREATE TABLE discrepancies (
    id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind            text        NOT NULL,
    -- NULL when the provider's record does not say whose it is.
    order_id        uuid,
    provider_intent text        NOT NULL,
    our_cents       bigint      NOT NULL,
    provider_cents  bigint      NOT NULL,
    -- open: somebody must look; repaired: done by us; settled: gone without us.
    state           text        NOT NULL CHECK (state IN ('open', 'repaired', 'settled')),
    found_at        timestamptz NOT NULL DEFAULT now(),
    seen_at         timestamptz NOT NULL DEFAULT now(),
    UNIQUE (provider_intent, kind)
);
CREATE INDEX discrepancies_open ON discrepancies (seen_at) WHERE state = 'open';

-- What one comparison reads of our side. Payments are appended in the order of their creation, so a
-- summary of each block range finds a span of time; refunds are few.
CREATE INDEX payments_created ON payments USING brin (created_at)
    WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX payments_refunded ON payments (updated_at) WHERE status = 'refunded';
