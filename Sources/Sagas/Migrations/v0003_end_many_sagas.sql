-- Ends many sagas at once, each if it is still the caller's. One that is not fails them all, and its
-- caller learns which by ending them one by one.
CREATE FUNCTION saga_end_many(
    ended uuid[], of_kinds text[], at_epochs bigint[], in_phases text[]
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    count_ended bigint;
BEGIN
    DELETE FROM saga_pending s
    USING unnest(ended, of_kinds, at_epochs, in_phases) AS e (saga_id, kind, epoch, phase)
    WHERE s.saga_id = e.saga_id AND s.kind = e.kind AND s.epoch = e.epoch AND s.phase = e.phase;
    GET DIAGNOSTICS count_ended = ROW_COUNT;
    IF count_ended <> cardinality(ended) THEN
        RAISE EXCEPTION 'a saga has another driver' USING ERRCODE = 'SG001';
    END IF;
END
$$;
