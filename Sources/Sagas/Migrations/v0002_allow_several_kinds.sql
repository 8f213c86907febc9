-- Several sagas may be about one thing, one of each kind: an order is placed, and then cancelled. Each
-- says which version of its steps it began with: a process that does not know the version leaves the
-- saga to those that do.
ALTER TABLE saga_pending
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    DROP CONSTRAINT saga_pending_pkey,
    ADD PRIMARY KEY (saga_id, kind);

-- A process from before knows the old functions alone. Its commits are refused from here on, instead
-- of ending another kind of saga by chance; what it drove is taken over.
DROP FUNCTION saga_end(uuid, bigint, text);
DROP FUNCTION saga_move(uuid, bigint, text, text, text, text, bigint);

-- Ends a saga, if it is still the caller's: an error rolls back everything sent along with it.
CREATE FUNCTION saga_end(ended uuid, of_kind text, at_epoch bigint, in_phase text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM saga_pending
    WHERE saga_id = ended AND kind = of_kind AND epoch = at_epoch AND phase = in_phase;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'saga % has another driver', ended USING ERRCODE = 'SG001';
    END IF;
END
$$;

-- Moves a saga to another phase, if it is still the caller's, and renews the lease.
CREATE FUNCTION saga_move(
    moved uuid, of_kind text, at_epoch bigint, from_phase text, to_phase text, because text,
    because_detail text, lease_ms bigint
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE saga_pending
    SET phase = to_phase, attempts = 0, last_error = NULL, reason = coalesce(because, reason),
        detail = coalesce(because_detail, detail),
        next_at = clock_timestamp() + lease_ms * interval '1 millisecond'
    WHERE saga_id = moved AND kind = of_kind AND epoch = at_epoch AND phase = from_phase;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'saga % has another driver', moved USING ERRCODE = 'SG001';
    END IF;
END
$$;
