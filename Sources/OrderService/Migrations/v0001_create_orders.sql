-- Orders. What was bought is a snapshot in `lines`: later price changes do not reach back.
--
-- `answer` is what the client was told once the order's fate was known; the same key gets it again
-- for as long as the order exists. `status` is in no index, so changing it moves no index entry.
CREATE TABLE orders (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    fingerprint bytea NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'confirmed', 'rejected', 'cancelled')),
    version bigint NOT NULL DEFAULT 1,
    total_cents bigint NOT NULL CHECK (total_cents >= 0),
    currency text NOT NULL,
    payment_method text NOT NULL,
    shipping_address jsonb NOT NULL,
    lines jsonb NOT NULL,
    reason text,
    answer_status integer,
    answer jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT orders_customer_key UNIQUE (customer_id, idempotency_key)
) WITH (fillfactor = 85);

-- A customer's orders, newest first: ids are UUIDs of version 7, so they sort by time.
CREATE INDEX orders_customer ON orders (customer_id, id DESC);
