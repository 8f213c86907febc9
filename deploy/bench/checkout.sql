-- One checkout's SQL, statement by statement as the services send it one order at a time, in four
-- transactions: place, reserve, charge, confirm. What the payment provider's sandbox writes is part of
-- the third. pgbench knows no strings, so ids are made from numbers and texts have a usual length.
--
-- :run tells runs apart, :n counts a client's orders, :client_id is pgbench's own; :hot is 1 when every
-- order wants the same product and nothing else.
\set n :n + 1
\set order (:run * 1000000000000) + (:n * 1000) + :client_id
\set lines random(1, 3) * (1 - :hot) + :hot
\set a random(1, 16) * (1 - :hot) + :hot
\set b :a + random(1, 16)
\set c :b + random(1, 18)
\set quantity random(1, 2)
\set cents :quantity * :lines * 15900

BEGIN;
SELECT id, fingerprint, answer_status, answer FROM orders WHERE customer_id = ('0190000000007000' || lpad(to_hex(:client_id::bigint), 16, '0'))::uuid AND idempotency_key = 'load-' || :order::text;
SELECT id, title, price_cents FROM products WHERE id = ANY ((ARRAY[bench_id(:a), bench_id(:b), bench_id(:c)])[1:(:lines)::int]) AND withdrawn_at IS NULL;
INSERT INTO orders (id, customer_id, idempotency_key, fingerprint, status, total_cents, currency, payment_method, shipping_address, lines, created_at, updated_at) VALUES (bench_id(:order), ('0190000000007000' || lpad(to_hex(:client_id::bigint), 16, '0'))::uuid, 'load-' || :order::text, '\x96283df5866790aa91ec18f20f43d4a2f9648a3203358e8d936b1eadc2163b9c', 'pending', :cents, 'USD', 'pm_card_visa', '{"line1":"1 Loop Street","city":"Localhost","country":"US"}', '[{"product_id":"01900000-0000-7000-8000-000000000079","title":"Hollowbeck Two In / Two Out Audio Interface","quantity":2,"unit_price_cents":15900,"currency":"USD"},{"product_id":"01900000-0000-7000-8000-000000000080","title":"Hollowbeck Two In / Two Out Audio Interface","quantity":2,"unit_price_cents":15900,"currency":"USD"}]', now(), now());
INSERT INTO saga_pending (saga_id, kind, phase, epoch, driver, next_at, deadline) VALUES (bench_id(:order), 'place-order', 'running', 1, 'order.1#1234567890', clock_timestamp() + 5000 * interval '1 millisecond', clock_timestamp() + 30000 * interval '1 millisecond');
INSERT INTO outbox (event_id, type, subject, sequence, hlc, traceparent, data) VALUES (gen_random_uuid(), 'order.placed', bench_id(:order)::text, 1, :order, '00-792b5f5e16f4fd8636af9858b95a2e3e-3f6f55b85534c7ba-01', '{"total_cents":63600,"lines":[{"product_id":"01900000-0000-7000-8000-000000000079","title":"Hollowbeck Two In / Two Out Audio Interface","quantity":2,"unit_price_cents":15900,"currency":"USD"},{"product_id":"01900000-0000-7000-8000-000000000080","title":"Hollowbeck Two In / Two Out Audio Interface","quantity":2,"unit_price_cents":15900,"currency":"USD"}],"customer_id":"01a1fc8e-1bb9-72e6-a068-e7642634fcbc","order_id":"01a1fc8e-38da-7794-92f1-9ccfcf0b5681","currency":"USD"}');
COMMIT;

BEGIN;
SELECT outcome, short_product, short_requested, short_found FROM reserve_stock(bench_id(:order), (ARRAY[bench_id(:a), bench_id(:b), bench_id(:c)])[1:(:lines)::int], (ARRAY[:quantity::bigint, :quantity::bigint, :quantity::bigint])[1:(:lines)::int]);
COMMIT;

BEGIN;
INSERT INTO payments (order_id, id, customer_id, status, amount_cents, currency, payment_method) VALUES (bench_id(:order), bench_id(:order), ('0190000000007000' || lpad(to_hex(:client_id::bigint), 16, '0'))::uuid, 'processing', :cents, 'USD', 'pm_card_visa') ON CONFLICT (order_id) DO NOTHING;
WITH guard AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(hashtextextended(bench_id(:order)::text, 0)) AS is_free), claimed AS (INSERT INTO idempotency_keys (key, fingerprint, status, body) SELECT bench_id(:order)::text, sha256(convert_to('POST /v1/payment_intents?amount=63600&confirm=true&currency=usd&metadata', 'UTF8')), 200, '{"amount":31800,"amount_capturable":0,"amount_received":31800,"canceled_at": null,"capture_method":"automatic","confirmation_method":"automatic","created":1795238541,"currency":"usd","id":"pi_iew75akEdj8KclyK5DgpbOHA","last_payment_error": null,"latest_charge":"ch_urmRSRIKoTLxwjcSEmIzeR9m","livemode": false,"metadata":{"order_id":"01a1fc8e-38da-7794-92f1-9ccfcf0b5681","payment_id":"01a1fc8e-3962-76e9-918b-198882aba709"},"object":"payment_intent","payment_method":"pm_card_visa","payment_method_types":["card"],"status":"succeeded"}' FROM guard WHERE is_free ON CONFLICT (key) DO NOTHING RETURNING key), intent AS (INSERT INTO payment_intents (id, amount, currency, status, payment_method, order_id, metadata, latest_charge, created) SELECT 'pi_' || :order::text, :cents::bigint, 'usd', 'succeeded', 'pm_card_visa', bench_id(:order)::text, '{"order_id":"01a1fc8e-38da-7794-92f1-9ccfcf0b5681","payment_id":"01a1fc8e-3962-76e9-918b-198882aba709"}', 'ch_' || :order::text, 1795238541 FROM claimed), charge AS (INSERT INTO charges (id, payment_intent, amount, currency, status, created) SELECT 'ch_' || :order::text, 'pi_' || :order::text, :cents::bigint, 'usd', 'succeeded', 1795238541 FROM claimed) SELECT NOT is_free, EXISTS (SELECT FROM claimed) FROM guard;
WITH changed AS (UPDATE payments SET status = 'captured', provider_intent = 'pi_' || :order::text, updated_at = now() WHERE order_id = bench_id(:order) AND status = 'processing' RETURNING id) INSERT INTO ledger_entries (transaction_id, payment_id, kind, account, amount_cents) SELECT bench_id(:order), changed.id, 'capture', entry.account, entry.amount_cents FROM changed, unnest(ARRAY['provider_clearing', 'customer_receipts'], ARRAY[:cents::bigint, -:cents::bigint]) AS entry (account, amount_cents);
COMMIT;

BEGIN;
SELECT saga_end(bench_id(:order), 1, 'running');
INSERT INTO saga_log (saga_id, epoch, driver, entries) VALUES (bench_id(:order), 1, 'order.1', '[{"attempt":1,"outcome":"done","driver":"order.1","action":"execute","step":"reserve stock","milliseconds":43.21,"at":"2026-11-21T05:22:21.615Z","epoch":1},{"attempt":1,"outcome":"done","driver":"order.1","action":"execute","step":"charge payment","milliseconds":54.67,"at":"2026-11-21T05:22:21.658Z","epoch":1},{"attempt":1,"outcome":"done","driver":"order.1","action":"commit","step":"confirm order","milliseconds":0,"at":"2026-11-21T05:22:21.713Z","epoch":1}]');
UPDATE orders SET status = 'confirmed', reason = NULL, answer_status = 201, answer = '{"id":"01a1fc8e-38da-7794-92f1-9ccfcf0b5681","items":[{"title":"Hollowbeck Two In / Two Out Audio Interface","quantity":2,"product_id":"01900000-0000-7000-8000-000000000079","unit_price_cents":15900},{"title":"Hollowbeck Two In / Two Out Audio Interface","quantity":2,"product_id":"01900000-0000-7000-8000-000000000080","unit_price_cents":15900}],"status":"confirmed","currency":"USD","created_at":"2026-11-21T05:22:21.530Z","updated_at":"2026-11-21T05:22:21.713Z","total_cents":63600,"payment_method":"pm_card_visa","shipping_address":{"city":"Localhost","line1":"1 Loop Street","country":"US"}}', updated_at = now(), version = version + 1 WHERE id = bench_id(:order) AND status = 'pending';
INSERT INTO outbox (event_id, type, subject, sequence, hlc, traceparent, data) VALUES (gen_random_uuid(), 'order.confirmed', bench_id(:order)::text, 2, :order, '00-792b5f5e16f4fd8636af9858b95a2e3e-3f6f55b85534c7ba-01', '{"total_cents":63600,"lines":[{"product_id":"01900000-0000-7000-8000-000000000079","title":"Hollowbeck Two In / Two Out Audio Interface","quantity":2,"unit_price_cents":15900,"currency":"USD"},{"product_id":"01900000-0000-7000-8000-000000000080","title":"Hollowbeck Two In / Two Out Audio Interface","quantity":2,"unit_price_cents":15900,"currency":"USD"}],"customer_id":"01a1fc8e-1bb9-72e6-a068-e7642634fcbc","order_id":"01a1fc8e-38da-7794-92f1-9ccfcf0b5681","currency":"USD"}');
COMMIT;
