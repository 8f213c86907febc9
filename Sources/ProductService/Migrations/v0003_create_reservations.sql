-- One row per order that ever asked for stock, or whose release came first. The row is the
-- operation's log: whoever asks again reads its answer here.
--   held      the lines were taken from stock; for a confirmed order this is what was sold
--   short     some line was not available; nothing was taken, and that answer is final
--   released  given back, or refused in advance (a tombstone: no lines, and a late reserve finds it)
-- `status` is in no index, so moving from held to released is a HOT update.
CREATE TABLE reservations (
    order_id uuid PRIMARY KEY,
    status text NOT NULL CHECK (status IN ('held', 'short', 'released')),
    created_at timestamptz NOT NULL DEFAULT now(),
    released_at timestamptz
) WITH (fillfactor = 85);

-- No foreign key to stock or products: a check would lock the hottest product row once more, and an
-- order may name a product that does not exist (that line is short).
CREATE TABLE reservation_lines (
    order_id uuid NOT NULL REFERENCES reservations (order_id),
    product_id uuid NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    -- What there was, on a line that was short; NULL on every other line.
    short_available integer,
    PRIMARY KEY (order_id, product_id)
);
