-- The three operations on stock, each one statement for the caller: one round trip, one transaction,
-- and row locks held only while the server works, never while the network does.
--
-- All of them rely on READ COMMITTED, where every statement inside a volatile function sees what was
-- committed before that statement began. Locks are always taken in the same order, so operations
-- cannot deadlock: first the order's own row in `reservations`, then `stock` rows by product id.

-- Takes all lines from stock, or none. Safe to repeat and to race with itself and with release_stock:
-- the INSERT decides. A second caller waits there until the first one commits (then it reads the
-- recorded answer) or rolls back (then it goes first).
-- Products must be distinct and sorted; quantities are theirs, position by position.
-- Returns one row 'held', 'released' or 'mismatch', or one row 'short' for each line that was short.
CREATE FUNCTION reserve_stock(wanted_order uuid, wanted_products uuid[], wanted_quantities bigint[])
RETURNS TABLE (outcome text, short_product uuid, short_requested integer, short_found integer)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    recorded text;
    same_lines boolean;
    lines_in_stock bigint;
BEGIN
    INSERT INTO reservations (order_id, status) VALUES (wanted_order, 'held')
    ON CONFLICT (order_id) DO NOTHING;

    IF NOT FOUND THEN
        SELECT r.status INTO recorded FROM reservations r WHERE r.order_id = wanted_order;
        IF recorded = 'released' THEN
            RETURN QUERY SELECT 'released', NULL::uuid, NULL::integer, NULL::integer;
            RETURN;
        END IF;
        SELECT array_agg(l.product_id ORDER BY l.product_id) = wanted_products
            AND array_agg(l.quantity::bigint ORDER BY l.product_id) = wanted_quantities
        INTO same_lines FROM reservation_lines l WHERE l.order_id = wanted_order;
        IF same_lines IS NOT TRUE THEN
            RETURN QUERY SELECT 'mismatch', NULL::uuid, NULL::integer, NULL::integer;
        ELSIF recorded = 'held' THEN
            RETURN QUERY SELECT 'held', NULL::uuid, NULL::integer, NULL::integer;
        ELSE
            RETURN QUERY SELECT 'short', l.product_id, l.quantity, l.short_available
                FROM reservation_lines l
                WHERE l.order_id = wanted_order AND l.short_available IS NOT NULL
                ORDER BY l.product_id;
        END IF;
        RETURN;
    END IF;

    INSERT INTO reservation_lines (order_id, product_id, quantity)
    SELECT wanted_order, w.product_id, w.quantity
    FROM unnest(wanted_products, wanted_quantities) AS w (product_id, quantity);

    -- The rows many orders want are locked last and in order; what is read here cannot change
    -- before this transaction ends.
    SELECT count(*) FILTER (WHERE locked.available >= locked.quantity) INTO lines_in_stock
    FROM (
        SELECT s.available, w.quantity
        FROM unnest(wanted_products, wanted_quantities) AS w (product_id, quantity)
        JOIN stock s ON s.product_id = w.product_id
        ORDER BY s.product_id
        FOR NO KEY UPDATE OF s
    ) AS locked;

    IF lines_in_stock = cardinality(wanted_products) THEN
        UPDATE stock s SET available = s.available - w.quantity
        FROM unnest(wanted_products, wanted_quantities) AS w (product_id, quantity)
        WHERE s.product_id = w.product_id;
        RETURN QUERY SELECT 'held', NULL::uuid, NULL::integer, NULL::integer;
        RETURN;
    END IF;

    UPDATE reservations SET status = 'short' WHERE order_id = wanted_order;
    UPDATE reservation_lines l SET short_available = found.available
    FROM (
        SELECT w.product_id, coalesce(s.available, 0) AS available
        FROM unnest(wanted_products, wanted_quantities) AS w (product_id, quantity)
        LEFT JOIN stock s ON s.product_id = w.product_id
        WHERE coalesce(s.available, 0) < w.quantity
    ) AS found
    WHERE l.order_id = wanted_order AND l.product_id = found.product_id;
    RETURN QUERY SELECT 'short', l.product_id, l.quantity, l.short_available
        FROM reservation_lines l
        WHERE l.order_id = wanted_order AND l.short_available IS NOT NULL
        ORDER BY l.product_id;
END
$$;

-- Gives a held order's lines back, once. If the order never reserved, leaves a tombstone that refuses
-- a reserve still under way or yet to come. Always succeeds.
-- Returns what it found: 'none' (now a tombstone), 'held' (now released), 'released' or 'short'.
CREATE FUNCTION release_stock(unwanted_order uuid) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    recorded text;
BEGIN
    INSERT INTO reservations (order_id, status, released_at)
    VALUES (unwanted_order, 'released', now())
    ON CONFLICT (order_id) DO NOTHING;
    IF FOUND THEN
        RETURN 'none';
    END IF;

    -- The lock lets one of several releases through; the others read 'released' when it is done.
    SELECT r.status INTO recorded FROM reservations r
    WHERE r.order_id = unwanted_order FOR NO KEY UPDATE;
    IF recorded = 'held' THEN
        UPDATE reservations SET status = 'released', released_at = now()
        WHERE order_id = unwanted_order;
        PERFORM FROM stock s
        WHERE s.product_id IN (
            SELECT l.product_id FROM reservation_lines l WHERE l.order_id = unwanted_order)
        ORDER BY s.product_id
        FOR NO KEY UPDATE OF s;
        UPDATE stock s SET available = s.available + l.quantity
        FROM reservation_lines l
        WHERE l.order_id = unwanted_order AND s.product_id = l.product_id;
    END IF;
    RETURN recorded;
END
$$;

-- Books a delivery once per person and idempotency key.
-- Returns 'recorded', or 'replayed' with what was recorded then, or 'mismatch' when the key was used
-- for another delivery, or 'unknown' when there is no such product.
CREATE FUNCTION deliver_stock(
    delivery uuid, delivered_product uuid, delivered_quantity integer, person uuid, key text)
RETURNS TABLE (
    outcome text, movement uuid, recorded_quantity integer, stock_after integer, at timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    before integer;
BEGIN
    SELECT s.available INTO before FROM stock s JOIN products p ON p.id = s.product_id
    WHERE s.product_id = delivered_product AND p.withdrawn_at IS NULL
    FOR NO KEY UPDATE OF s;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'unknown', NULL::uuid, NULL::integer, NULL::integer, NULL::timestamptz;
        RETURN;
    END IF;

    INSERT INTO stock_movements
        (id, product_id, quantity, reason, available_after, recorded_by, idempotency_key)
    VALUES (
        delivery, delivered_product, delivered_quantity, 'delivery', before + delivered_quantity,
        person, key)
    ON CONFLICT (recorded_by, idempotency_key) DO NOTHING;
    IF FOUND THEN
        UPDATE stock SET available = available + delivered_quantity
        WHERE product_id = delivered_product;
        RETURN QUERY SELECT 'recorded', m.id, m.quantity, m.available_after, m.recorded_at
            FROM stock_movements m WHERE m.id = delivery;
        RETURN;
    END IF;

    RETURN QUERY
        SELECT CASE WHEN m.product_id = delivered_product AND m.quantity = delivered_quantity
                    THEN 'replayed' ELSE 'mismatch' END,
            m.id, m.quantity, m.available_after, m.recorded_at
        FROM stock_movements m WHERE m.recorded_by = person AND m.idempotency_key = key;
END
$$;
