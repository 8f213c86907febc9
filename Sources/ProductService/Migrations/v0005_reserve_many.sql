-- Reserves for many orders in one transaction, so that they share its commit, and a product that all
-- of them want is updated once. What v0004 says of locks holds here as well: first the orders' own rows,
-- in order, then `stock` rows by product id.

-- The answer that was recorded for an order, given again for the same lines.
CREATE FUNCTION recorded_reservation(
    asked_order uuid, asked_products uuid[], asked_quantities bigint[])
RETURNS TABLE (outcome text, short_product uuid, short_requested integer, short_found integer)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    recorded text;
    same_lines boolean;
BEGIN
    SELECT r.status INTO recorded FROM reservations r WHERE r.order_id = asked_order;
    IF recorded = 'released' THEN
        RETURN QUERY SELECT 'released', NULL::uuid, NULL::integer, NULL::integer;
        RETURN;
    END IF;
    SELECT array_agg(l.product_id ORDER BY l.product_id) = asked_products
        AND array_agg(l.quantity::bigint ORDER BY l.product_id) = asked_quantities
    INTO same_lines FROM reservation_lines l WHERE l.order_id = asked_order;
    IF same_lines IS NOT TRUE THEN
        RETURN QUERY SELECT 'mismatch', NULL::uuid, NULL::integer, NULL::integer;
    ELSIF recorded = 'held' THEN
        RETURN QUERY SELECT 'held', NULL::uuid, NULL::integer, NULL::integer;
    ELSE
        RETURN QUERY SELECT 'short', l.product_id, l.quantity, l.short_available
            FROM reservation_lines l
            WHERE l.order_id = asked_order AND l.short_available IS NOT NULL
            ORDER BY l.product_id;
    END IF;
END
$$;

-- Takes each order's lines from stock, all of an order or none, as if one order came after the other
-- in the order given. Safe to repeat and to race with itself and with release_stock: the INSERT
-- decides.
-- Orders must be distinct. Line by line: which order it is of (its place, from 1), the product, how
-- many; within an order products must be distinct and sorted.
-- Returns for each order, by its place, one row 'held', 'released' or 'mismatch', or one row 'short'
-- for each line that was short.
CREATE FUNCTION reserve_stock_many(
    wanted_orders uuid[], line_places integer[], line_products uuid[], line_quantities bigint[])
RETURNS TABLE (
    place integer, outcome text, short_product uuid, short_requested integer, short_found integer)
LANGUAGE plpgsql VOLATILE
-- Plans are kept: rows are looked up by key even if the tables were small when the plan was made.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    -- The places of the orders that nobody has asked about before.
    fresh integer[];
    is_plenty boolean;
    current integer;
BEGIN
    -- Sorted, so that batches which share orders wait for each other in one direction.
    WITH added AS (
        INSERT INTO reservations (order_id, status)
        SELECT w.order_id, 'held' FROM unnest(wanted_orders) AS w (order_id) ORDER BY w.order_id
        ON CONFLICT (order_id) DO NOTHING
        RETURNING order_id
    )
    SELECT coalesce(array_agg(array_position(wanted_orders, a.order_id)), '{}') INTO fresh
    FROM added a;

    IF cardinality(fresh) < cardinality(wanted_orders) THEN
        RETURN QUERY
            SELECT w.number::integer, r.outcome, r.short_product, r.short_requested, r.short_found
            FROM unnest(wanted_orders) WITH ORDINALITY AS w (order_id, number),
                LATERAL (
                    SELECT array_agg(l.product_id ORDER BY l.product_id) AS products,
                        array_agg(l.quantity ORDER BY l.product_id) AS quantities
                    FROM unnest(line_places, line_products, line_quantities)
                        AS l (number, product_id, quantity)
                    WHERE l.number = w.number) AS asked,
                LATERAL recorded_reservation(w.order_id, asked.products, asked.quantities) AS r
            WHERE w.number <> ALL (fresh);
    END IF;

    INSERT INTO reservation_lines (order_id, product_id, quantity)
    SELECT wanted_orders[l.number], l.product_id, l.quantity
    FROM unnest(line_places, line_products, line_quantities) AS l (number, product_id, quantity)
    WHERE l.number = ANY (fresh);

    -- The rows many orders want are locked last and in order; what is read here cannot change before
    -- this transaction ends.
    SELECT count(*) FILTER (WHERE locked.available >= locked.wanted) = (
        SELECT count(DISTINCT l.product_id)
        FROM unnest(line_places, line_products) AS l (number, product_id)
        WHERE l.number = ANY (fresh)
    ) INTO is_plenty
    FROM (
        SELECT s.available, w.wanted
        FROM (
            SELECT l.product_id, sum(l.quantity) AS wanted
            FROM unnest(line_places, line_products, line_quantities)
                AS l (number, product_id, quantity)
            WHERE l.number = ANY (fresh) GROUP BY l.product_id) AS w
        JOIN stock s ON s.product_id = w.product_id
        ORDER BY s.product_id
        FOR NO KEY UPDATE OF s
    ) AS locked;

    IF is_plenty THEN
        UPDATE stock s SET available = s.available - w.wanted
        FROM (
            SELECT l.product_id, sum(l.quantity) AS wanted
            FROM unnest(line_places, line_products, line_quantities)
                AS l (number, product_id, quantity)
            WHERE l.number = ANY (fresh) GROUP BY l.product_id) AS w
        WHERE s.product_id = w.product_id;
        RETURN QUERY SELECT f.number, 'held', NULL::uuid, NULL::integer, NULL::integer
            FROM unnest(fresh) AS f (number);
        RETURN;
    END IF;

    -- Not all can have what they want: one after the other, with every row locked already.
    FOR current IN SELECT f.number FROM unnest(fresh) AS f (number) ORDER BY f.number LOOP
        UPDATE reservation_lines l SET short_available = found.available
        FROM (
            SELECT w.product_id, coalesce(s.available, 0) AS available
            FROM unnest(line_places, line_products, line_quantities)
                AS w (number, product_id, quantity)
            LEFT JOIN stock s ON s.product_id = w.product_id
            WHERE w.number = current AND coalesce(s.available, 0) < w.quantity
        ) AS found
        WHERE l.order_id = wanted_orders[current] AND l.product_id = found.product_id;
        IF FOUND THEN
            UPDATE reservations SET status = 'short' WHERE order_id = wanted_orders[current];
            RETURN QUERY SELECT current, 'short', l.product_id, l.quantity, l.short_available
                FROM reservation_lines l
                WHERE l.order_id = wanted_orders[current] AND l.short_available IS NOT NULL
                ORDER BY l.product_id;
        ELSE
            UPDATE stock s SET available = s.available - w.quantity
            FROM unnest(line_places, line_products, line_quantities)
                AS w (number, product_id, quantity)
            WHERE w.number = current AND s.product_id = w.product_id;
            RETURN QUERY SELECT current, 'held', NULL::uuid, NULL::integer, NULL::integer;
        END IF;
    END LOOP;
END
$$;

-- One order alone.
CREATE OR REPLACE FUNCTION reserve_stock(
    wanted_order uuid, wanted_products uuid[], wanted_quantities bigint[])
RETURNS TABLE (outcome text, short_product uuid, short_requested integer, short_found integer)
LANGUAGE sql VOLATILE AS $$
    SELECT r.outcome, r.short_product, r.short_requested, r.short_found
    FROM reserve_stock_many(
        ARRAY[wanted_order], array_fill(1, ARRAY[cardinality(wanted_products)]), wanted_products,
        wanted_quantities) AS r
$$;
