-- Double entry: each transaction is two or more rows whose signed amounts (debit +, credit -) add up to
-- zero. Rows are never changed or deleted; a mistake is corrected by another transaction.
CREATE TABLE ledger_entries (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id uuid        NOT NULL,
    payment_id     uuid        NOT NULL REFERENCES payments (id),
    kind           text        NOT NULL CHECK (kind IN ('capture', 'refund')),
    account        text        NOT NULL CHECK (account IN ('provider_clearing', 'customer_receipts')),
    amount_cents   bigint      NOT NULL CHECK (amount_cents <> 0),
    created_at     timestamptz NOT NULL DEFAULT now(),
    -- A payment is captured at most once and refunded at most once, whatever the code above does.
    CONSTRAINT ledger_entries_once UNIQUE (payment_id, kind, account)
);

CREATE FUNCTION check_ledger_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM posted GROUP BY transaction_id HAVING sum(amount_cents) <> 0) THEN
        RAISE EXCEPTION 'a ledger transaction must add up to zero' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER ledger_entries_balance AFTER INSERT ON ledger_entries
    REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION check_ledger_balance();

CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger rows are never changed or deleted' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();
