-- Sagas that have not ended. The row is inserted in the transaction that starts a saga and deleted in
-- the one that ends it, so the table stays as small as what is in flight.
--
-- `next_at` is the lease: until then the saga belongs to `driver`. Whoever takes it over counts
-- `epoch` up, and every later write of the former driver finds no row with its epoch: leases make
-- sagas live, epochs make them safe.
CREATE TABLE saga_pending (
    saga_id uuid PRIMARY KEY,
    kind text NOT NULL,
    phase text NOT NULL CHECK (phase IN ('running', 'compensating', 'finishing')),
    epoch bigint NOT NULL,
    driver text NOT NULL,
    next_at timestamptz NOT NULL,
    deadline timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    reason text,
    detail text,
    last_error text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 70);

CREATE INDEX saga_pending_next_at ON saga_pending (next_at);

-- What a driver did with a saga, a few entries at a time. Steps that succeed at once are written with
-- the commit that ends the saga, so a smooth saga costs no transaction of its own for its history.
CREATE TABLE saga_log (
    saga_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    epoch bigint NOT NULL,
    driver text NOT NULL,
    entries text NOT NULL,
    PRIMARY KEY (saga_id, id)
);

-- Ends a saga, if it is still the caller's: an error rolls back everything sent along with it.
CREATE FUNCTION saga_end(ended uuid, at_epoch bigint, in_phase text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM saga_pending WHERE saga_id = ended AND epoch = at_epoch AND phase = in_phase;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'saga % has another driver', ended USING ERRCODE = 'SG001';
    END IF;
END
$$;

-- Moves a saga to another phase, if it is still the caller's, and renews the lease.
CREATE FUNCTION saga_move(
    moved uuid, at_epoch bigint, from_phase text, to_phase text, because text, because_detail text,
    lease_ms bigint
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE saga_pending
    SET phase = to_phase, attempts = 0, reason = coalesce(because, reason),
        detail = coalesce(because_detail, detail),
        next_at = clock_timestamp() + lease_ms * interval '1 millisecond'
    WHERE saga_id = moved AND epoch = at_epoch AND phase = from_phase;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'saga % has another driver', moved USING ERRCODE = 'SG001';
    END IF;
END
$$;
