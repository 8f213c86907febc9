-- Carts. A line is what a product's latest write said; zero pieces tell that it was taken out, for as long
-- as an older write may still arrive. Stamps compare as bytes do. See Domain/Cart.swift.
--
-- Whoever changes lines changes or locks the cart's own row first, and so comes after the others.
CREATE TABLE carts (
    customer_id uuid PRIMARY KEY,
    version bigint NOT NULL,
    settled bigint NOT NULL
) WITH (fillfactor = 85);

CREATE TABLE cart_lines (
    customer_id uuid NOT NULL REFERENCES carts,
    product_id uuid NOT NULL,
    quantity bigint NOT NULL CHECK (quantity >= 0),
    stamp text COLLATE "C" NOT NULL,
    PRIMARY KEY (customer_id, product_id)
) WITH (fillfactor = 85);

-- Takes lines that were bought out of their carts, each if it is still the one that was seen. One that
-- is not fails them all, so that no line is ever bought twice.
CREATE FUNCTION cart_take(buyers uuid[], products uuid[], seen text[], taken text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    count_taken bigint;
BEGIN
    -- In order, so that batches with the same carts wait for each other in one direction.
    PERFORM 1 FROM carts c WHERE c.customer_id = ANY (buyers)
    ORDER BY c.customer_id FOR NO KEY UPDATE;
    UPDATE cart_lines l SET quantity = 0, stamp = t.taken
    FROM unnest(buyers, products, seen, taken) AS t (customer_id, product_id, seen, taken)
    WHERE l.customer_id = t.customer_id AND l.product_id = t.product_id AND l.stamp = t.seen
        AND l.quantity > 0;
    GET DIAGNOSTICS count_taken = ROW_COUNT;
    IF count_taken <> cardinality(products) THEN
        RAISE EXCEPTION 'a cart has changed' USING ERRCODE = 'CT001';
    END IF;
    UPDATE carts c SET version = version + 1 WHERE c.customer_id = ANY (buyers);
END
$$;

-- Puts back what an order took out that came to nothing, unless the line was written since. The stamp is
-- later than that of the taking, and earlier than any write after it.
CREATE FUNCTION cart_put_back(
    buyers uuid[], taken_by text[], products uuid[], quantities bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM carts c WHERE c.customer_id = ANY (buyers)
    ORDER BY c.customer_id FOR NO KEY UPDATE;
    -- Most orders were not made of a cart.
    IF NOT FOUND THEN RETURN; END IF;
    WITH back AS (
        UPDATE cart_lines l SET quantity = b.quantity, stamp = l.stamp || '+'
        FROM unnest(buyers, taken_by, products, quantities)
            AS b (customer_id, taken_by, product_id, quantity)
        WHERE l.customer_id = b.customer_id AND l.product_id = b.product_id AND l.quantity = 0
            AND split_part(l.stamp, '@', 2) = b.taken_by
        RETURNING l.customer_id
    )
    UPDATE carts c SET version = version + 1
    WHERE c.customer_id IN (SELECT b.customer_id FROM back b);
END
$$;
