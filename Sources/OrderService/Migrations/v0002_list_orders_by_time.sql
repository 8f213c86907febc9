-- An order's id follows from its customer and idempotency key, so ids no longer sort by time.
CREATE INDEX orders_customer_newest ON orders (customer_id, created_at DESC, id DESC);
DROP INDEX orders_customer;
