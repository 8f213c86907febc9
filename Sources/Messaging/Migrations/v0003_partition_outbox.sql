-- The outbox in partitions, one for each day, so that old days go at once and without a trace.
--
-- Which partition an event goes to is not its writer's clock's say: all write to the one that
-- outbox_head names, and the head only goes forward, to a partition that was made before. A clock
-- that is wrong can therefore neither find a partition missing nor write behind a reader's back.
--
-- Readers still go by (txid, id). Transactions overlap, so neighbouring partitions overlap in txid; a
-- partition can be skipped by a reader only once it is sealed: nothing can be added to it any more,
-- and its last place is known.
CREATE TABLE outbox_days (
    day date PRIMARY KEY,
    -- The partition's table.
    partition text NOT NULL,
    -- The last event's place, once it is sealed (0 for an empty one); NULL before.
    last_txid xid8,
    last_id bigint,
    CHECK ((last_txid IS NULL) = (last_id IS NULL))
);

CREATE TABLE outbox_head (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    -- Where events are written.
    day date NOT NULL,
    -- The place of the last event that was dropped: readers before it have missed something.
    dropped_txid xid8 NOT NULL DEFAULT '0',
    dropped_id bigint NOT NULL DEFAULT 0
);

-- For writers of the release before, which name no day.
CREATE FUNCTION outbox_day() RETURNS date LANGUAGE sql STABLE AS 'SELECT day FROM outbox_head';

-- What is there becomes the first partition as it stands: its rows are not copied.
ALTER TABLE outbox RENAME TO outbox_before;
-- An index over subjects had no reader and cost every event a write.
DROP INDEX outbox_subject;
CREATE SEQUENCE outbox_number;
SELECT setval('outbox_number', coalesce(max(id), 0) + 1, false) FROM outbox_before;
ALTER TABLE outbox_before
    ADD COLUMN day date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
    ALTER COLUMN id DROP IDENTITY,
    DROP CONSTRAINT outbox_pkey,
    ADD CONSTRAINT outbox_before_pkey PRIMARY KEY (txid, id, day);

CREATE TABLE outbox (
    txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id bigint NOT NULL DEFAULT nextval('outbox_number'),
    event_id uuid NOT NULL,
    type text NOT NULL,
    subject text NOT NULL,
    sequence bigint NOT NULL,
    hlc bigint NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    traceparent text,
    data text NOT NULL,
    day date NOT NULL DEFAULT outbox_day(),
    PRIMARY KEY (txid, id, day)
) PARTITION BY RANGE (day);
ALTER SEQUENCE outbox_number OWNED BY outbox.id;

-- Makes the partition of a day, if it is not there. Attaching a table that was made beside the outbox
-- holds up neither its readers nor its writers.
CREATE FUNCTION outbox_open(wanted date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := 'outbox_' || to_char(wanted, 'YYYYMMDD');
BEGIN
    IF EXISTS (SELECT FROM outbox_days WHERE day = wanted) THEN RETURN; END IF;
    EXECUTE format('CREATE TABLE %I (LIKE outbox INCLUDING DEFAULTS INCLUDING INDEXES)', name);
    EXECUTE format('ALTER TABLE outbox ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        name, wanted, wanted + 1);
    INSERT INTO outbox_days (day, partition) VALUES (wanted, name);
END $$;

-- Makes today's partition and tomorrow's, and sends writers to today's. Never goes back.
CREATE FUNCTION outbox_turn(today date) RETURNS date LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
DECLARE
    head date;
BEGIN
    -- One replica at a time.
    SELECT greatest(day, today) INTO head FROM outbox_head FOR UPDATE;
    PERFORM outbox_open(head);
    PERFORM outbox_open(head + 1);
    UPDATE outbox_head SET day = head WHERE day < head;
    RETURN head;
END $$;

-- A writer that read the head before it moved, and comes once its partition is sealed, tries again:
-- 40001 makes it repeat its transaction, which will read the new head.
CREATE FUNCTION outbox_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the day''s outbox is sealed' USING ERRCODE = '40001';
END $$;

-- Seals the oldest partition before the head that is not sealed; returns its day, NULL if there is
-- none. The trigger's lock waits for the writers that are in it, and they for nobody.
CREATE FUNCTION outbox_seal() RETURNS date LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
DECLARE
    old outbox_days;
    last record;
BEGIN
    PERFORM FROM outbox_head FOR UPDATE;
    SELECT * INTO old FROM outbox_days
    WHERE last_txid IS NULL AND day < (SELECT day FROM outbox_head) ORDER BY day LIMIT 1;
    IF old.day IS NULL THEN RETURN NULL; END IF;
    EXECUTE format('CREATE TRIGGER outbox_sealed BEFORE INSERT ON %I FOR EACH ROW '
        'EXECUTE FUNCTION outbox_refuse()', old.partition);
    EXECUTE format('SELECT txid, id FROM %I ORDER BY txid DESC, id DESC LIMIT 1', old.partition)
    INTO last;
    UPDATE outbox_days SET last_txid = coalesce(last.txid, '0'), last_id = coalesce(last.id, 0)
    WHERE day = old.day;
    RETURN old.day;
END $$;

-- Drops the oldest sealed partition that is more than `keep` days old; returns its day, NULL if there
-- is none. As many written days are kept however old they are: a shop that was switched off for a
-- month must not lose its last day before anybody has read it.
CREATE FUNCTION outbox_drop(today date, keep integer) RETURNS date
LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
DECLARE
    old outbox_days;
BEGIN
    PERFORM FROM outbox_head FOR UPDATE;
    SELECT * INTO old FROM outbox_days AS d
    WHERE last_txid IS NOT NULL AND day < today - keep
        AND (SELECT count(*) FROM outbox_days AS later
             WHERE later.day > d.day AND later.day <= (SELECT day FROM outbox_head)
                AND later.last_txid IS DISTINCT FROM '0') > keep
    ORDER BY day LIMIT 1;
    IF old.day IS NULL THEN RETURN NULL; END IF;
    EXECUTE format('DROP TABLE %I', old.partition);
    DELETE FROM outbox_days WHERE day = old.day;
    UPDATE outbox_head SET dropped_txid = old.last_txid, dropped_id = old.last_id
    WHERE dropped_txid < old.last_txid OR (dropped_txid = old.last_txid AND dropped_id < old.last_id);
    RETURN old.day;
END $$;

INSERT INTO outbox_head (day) VALUES ((now() AT TIME ZONE 'UTC')::date);
DO $$
DECLARE
    today date := outbox_day();
BEGIN
    EXECUTE format('ALTER TABLE outbox ATTACH PARTITION outbox_before FOR VALUES FROM (%L) TO (%L)',
        today, today + 1);
    INSERT INTO outbox_days (day, partition) VALUES (today, 'outbox_before');
    PERFORM outbox_turn(today);
END $$;
