-- Streams tell notifications in an order that nobody can get into later: numbers are taken before their
-- transaction commits, so a later one may show before an earlier one. What is older than this counts as
-- one transaction, long over.
ALTER TABLE deliveries ADD COLUMN txid xid8 NOT NULL DEFAULT '0';
ALTER TABLE deliveries ALTER COLUMN txid SET DEFAULT pg_current_xact_id();

CREATE INDEX deliveries_in_order ON deliveries (user_id, txid, position);
