-- One row for each order that was ever charged or voided. It is kept as long as the order: the row is
-- the idempotency record, and a retry after its end would charge again.
CREATE TABLE payments (
    order_id        uuid        PRIMARY KEY,
    -- The provider's idempotency key, for ever.
    id              uuid        NOT NULL UNIQUE,
    -- NULL in a tombstone: a void that came before any charge knows no customer.
    customer_id     uuid,
    status          text        NOT NULL CHECK (status IN (
        'processing', 'captured', 'declined', 'voiding', 'voided', 'refunding', 'refunded')),
    amount_cents    bigint      NOT NULL CHECK (amount_cents >= 0),
    refunded_cents  bigint      NOT NULL DEFAULT 0,
    currency        text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    payment_method  text,
    provider_intent text,
    provider_refund text,
    decline_code    text,
    -- The reconciler's lease; liveness only, the compare and swap on status is what is safe.
    claimed_until   timestamptz NOT NULL DEFAULT '-infinity',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CHECK (status = 'voided' OR (customer_id IS NOT NULL AND amount_cents > 0 AND payment_method IS NOT NULL)),
    CHECK (refunded_cents = CASE WHEN status = 'refunded' THEN amount_cents ELSE 0 END),
    CHECK (status NOT IN ('captured', 'refunding', 'refunded') OR provider_intent IS NOT NULL),
    CHECK (status <> 'declined' OR decline_code IS NOT NULL)
) WITH (fillfactor = 85);

-- The reconciler's work list: only what has not ended.
CREATE INDEX payments_unsettled ON payments (updated_at)
    WHERE status IN ('processing', 'voiding', 'refunding');
