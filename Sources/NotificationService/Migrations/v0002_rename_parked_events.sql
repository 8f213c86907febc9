-- Parking is the consumer's now, for any event; its table takes this name.
ALTER TABLE parked_events RENAME TO parked_orders;
ALTER TABLE parked_orders RENAME CONSTRAINT parked_events_pkey TO parked_orders_pkey;
