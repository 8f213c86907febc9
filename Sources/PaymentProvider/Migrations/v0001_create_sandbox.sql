-- The sandbox's state, in Stripe's words. Everything an answer says is committed before it is given.
CREATE TABLE payment_intents (
    id             text   PRIMARY KEY,
    -- Lists are newest first by this, not by the clock.
    number         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    amount         bigint NOT NULL CHECK (amount > 0),
    currency       text   NOT NULL,
    status         text   NOT NULL CHECK (status IN (
        'requires_payment_method', 'requires_confirmation', 'succeeded', 'canceled')),
    payment_method text,
    -- metadata[order_id], which lists can ask for.
    order_id       text,
    metadata       text   NOT NULL,
    latest_charge  text,
    failure_code         text,
    failure_decline_code text,
    failure_message      text,
    canceled_at    bigint,
    created        bigint NOT NULL
);
CREATE INDEX payment_intents_order ON payment_intents (order_id, number DESC) WHERE order_id IS NOT NULL;

CREATE TABLE charges (
    id              text   PRIMARY KEY,
    payment_intent  text   NOT NULL REFERENCES payment_intents (id),
    amount          bigint NOT NULL CHECK (amount > 0),
    amount_refunded bigint NOT NULL DEFAULT 0 CHECK (amount_refunded BETWEEN 0 AND amount),
    currency        text   NOT NULL,
    status          text   NOT NULL CHECK (status IN ('succeeded', 'failed')),
    created         bigint NOT NULL
);
-- An intent is paid at most once.
CREATE UNIQUE INDEX charges_succeeded_once ON charges (payment_intent) WHERE status = 'succeeded';

CREATE TABLE refunds (
    id             text   PRIMARY KEY,
    number         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    payment_intent text   NOT NULL REFERENCES payment_intents (id),
    charge         text   NOT NULL REFERENCES charges (id),
    amount         bigint NOT NULL CHECK (amount > 0),
    currency       text   NOT NULL,
    metadata       text   NOT NULL,
    created        bigint NOT NULL
);
CREATE INDEX refunds_intent ON refunds (payment_intent, number DESC);

-- A key, what it was first used for, and the answer that was given. Written in the transaction of the
-- effect, and kept for ever: a key that was forgotten would charge again.
CREATE TABLE idempotency_keys (
    key         text        PRIMARY KEY,
    fingerprint bytea       NOT NULL,
    status      integer     NOT NULL,
    body        text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
