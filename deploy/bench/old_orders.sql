-- Finished orders of last month, as many as :count, in the tables of each service. Their events lie
-- before every reader's cursor.

-- in order
INSERT INTO orders (id, customer_id, idempotency_key, fingerprint, status, version, total_cents,
    currency, payment_method, shipping_address, lines, answer_status, answer, created_at, updated_at)
SELECT lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n % 10000), 32, '0')::uuid, 'old-' || n,
    sha256(n::text::bytea), 'confirmed', 2, 15900, 'USD', 'pm_card_visa',
    '{"line1":"1 Loop Street","city":"Localhost","country":"US"}',
    '[{"product_id":"01900000-0000-7000-8000-000000000079","title":"Hollowbeck Two In / Two Out Audio Interface","quantity":1,"unit_price_cents":15900,"currency":"USD"}]',
    201, '{"status":"confirmed","total_cents":15900}', now() - interval '30 days',
    now() - interval '30 days'
FROM generate_series(1, :count) n;
INSERT INTO saga_log (saga_id, epoch, driver, entries)
SELECT lpad(to_hex(n), 32, '0')::uuid, 1, 'order.1',
    '[{"attempt":1,"outcome":"done","driver":"order.1","action":"execute","step":"reserve stock","milliseconds":43.21,"at":"2026-10-21T05:22:21.615Z","epoch":1}]'
FROM generate_series(1, :count) n;
INSERT INTO outbox (txid, event_id, type, subject, sequence, hlc, data)
SELECT '3'::xid8, gen_random_uuid(), 'order.confirmed', lpad(to_hex(n), 32, '0')::uuid::text, 2, 1,
    '{"total_cents":15900,"currency":"USD"}'
FROM generate_series(1, :count) n;
VACUUM ANALYZE;

-- in product
INSERT INTO reservations (order_id, status, created_at)
SELECT lpad(to_hex(n), 32, '0')::uuid, 'held', now() - interval '30 days'
FROM generate_series(1, :count) n;
INSERT INTO reservation_lines (order_id, product_id, quantity)
SELECT lpad(to_hex(n), 32, '0')::uuid, '01900000-0000-7000-8000-000000000079', 1
FROM generate_series(1, :count) n;
VACUUM ANALYZE;

-- in payment
INSERT INTO payments (order_id, id, customer_id, status, amount_cents, currency, payment_method,
    provider_intent, created_at, updated_at)
SELECT lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n), 32, '0')::uuid,
    lpad(to_hex(n % 10000), 32, '0')::uuid, 'captured', 15900, 'USD', 'pm_card_visa', 'pi_old_' || n,
    now() - interval '30 days', now() - interval '30 days'
FROM generate_series(1, :count) n;
INSERT INTO ledger_entries (transaction_id, payment_id, kind, account, amount_cents)
SELECT lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n), 32, '0')::uuid, 'capture', e.account, e.cents
FROM generate_series(1, :count) n,
    (VALUES ('provider_clearing', 15900), ('customer_receipts', -15900)) AS e (account, cents);
VACUUM ANALYZE;

-- in provider
INSERT INTO idempotency_keys (key, fingerprint, status, body)
SELECT 'old-' || n, sha256(n::text::bytea), 200, '{"object":"payment_intent","status":"succeeded"}'
FROM generate_series(1, :count) n;
INSERT INTO payment_intents (id, amount, currency, status, payment_method, order_id, metadata,
    latest_charge, created)
SELECT 'pi_old_' || n, 15900, 'usd', 'succeeded', 'pm_card_visa',
    lpad(to_hex(n), 32, '0')::uuid::text, '{}', 'ch_old_' || n, 1792646541
FROM generate_series(1, :count) n;
INSERT INTO charges (id, payment_intent, amount, currency, status, created)
SELECT 'ch_old_' || n, 'pi_old_' || n, 15900, 'usd', 'succeeded', 1792646541
FROM generate_series(1, :count) n;
VACUUM ANALYZE;
