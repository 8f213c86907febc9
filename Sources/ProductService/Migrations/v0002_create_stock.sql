-- What can be sold now. One small row per product, updated on every sale: half of each page is kept
-- free so that updates stay on their page and touch no index (HOT).
CREATE TABLE stock (
    product_id uuid PRIMARY KEY REFERENCES products (id),
    available integer NOT NULL CHECK (available BETWEEN 0 AND 1000000000)
) WITH (fillfactor = 50);

-- Every unit that ever came in, append-only. At all times
--   sum(stock_movements.quantity) = stock.available + lines of held reservations.
CREATE TABLE stock_movements (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    product_id uuid NOT NULL REFERENCES products (id),
    quantity integer NOT NULL,
    reason text NOT NULL CHECK (reason IN ('initial', 'delivery')),
    available_after integer NOT NULL,
    recorded_by uuid,
    idempotency_key text CHECK (char_length(idempotency_key) BETWEEN 1 AND 255),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CHECK (quantity > 0 OR (reason = 'initial' AND quantity = 0)),
    CONSTRAINT stock_movements_once UNIQUE (recorded_by, idempotency_key)
);

CREATE INDEX stock_movements_by_product ON stock_movements (product_id, recorded_at);
