-- Of what was parked before, the envelope is put together again as far as it is known. The sequence is
-- not: such an event goes before all others of its order.
INSERT INTO parked_events
    (feed, subject, sequence, event_id, type, event, reason, attempts, parked_at)
SELECT 'order', subject, 0, event_id, type,
    '{"specversion":"1.0","id":"' || event_id || '","source":"/order","type":' || to_json(type)
        || ',"subject":' || to_json(subject) || ',"time":"'
        || to_char(parked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
        || '","datacontenttype":"application/json","sequence":"0","hlc":"0","data":' || data || '}',
    reason, 1, parked_at
FROM parked_orders ORDER BY parked_at;

DROP TABLE parked_orders;
