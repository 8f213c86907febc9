internal import Postgres

/// What lies behind a cursor, up to a limit.
struct StoredPage: Sendable {
    /// The place behind the last event that was looked at, wanted or not.
    let cursor: FeedCursor
    /// How many events were looked at.
    let seen: Int
    /// How many of those the reader wants.
    let count: Int
    /// An `EventPage` of these, as JSON.
    let json: [UInt8]
}

/// Reads a page of events behind a cursor, up to the oldest transaction that is still running; no row
/// comes back when nothing is there.
///
/// Every transaction below that horizon has ended, so nothing can appear there any more: what was
/// read once never gets a predecessor. The order names the tables' columns: a bare `txid` would be
/// the text in the list above, and text sorts 999 behind 1000. The days leave partitions out that
/// hold nothing behind the cursor, so that a reader pays for what it reads and not for what is kept.
///
/// The answer's JSON is written here: an event's content is JSON text already, and goes into it as
/// it is, with no need to be understood on the way.
struct FindEvents: Statement {
    static let sql = """
        WITH page AS MATERIALIZED (
            SELECT counted.*
            FROM (
                SELECT found.*, sum(bytes) OVER (
                    ORDER BY found.txid, found.id ROWS UNBOUNDED PRECEDING
                ) - bytes AS bytes_before
                FROM (
                    SELECT txid, id, event_id, type, subject, sequence, hlc, occurred_at,
                        traceparent, data, is_wanted,
                        CASE WHEN is_wanted THEN octet_length(data) ELSE 0 END AS bytes
                    FROM outbox
                    CROSS JOIN LATERAL (
                        SELECT cardinality($6::text[]) = 0 OR type = ANY ($6::text[]) AS is_wanted
                    ) AS choice
                    WHERE (txid, id) > ($1::text::xid8, $2)
                        AND txid < CASE WHEN $7 THEN pg_snapshot_xmin(pg_current_snapshot())
                            ELSE pg_snapshot_xmax(pg_current_snapshot()) END
                        AND day >= (SELECT min(day) FROM outbox_days
                            WHERE last_txid IS NULL OR last_txid >= $1::text::xid8)
                        AND day <= (SELECT day FROM outbox_head)
                    ORDER BY outbox.txid, outbox.id LIMIT $3
                ) AS found
            ) AS counted
            WHERE bytes_before < $5
        ), last AS (
            SELECT txid, id FROM page ORDER BY page.txid DESC, page.id DESC LIMIT 1
        )
        SELECT last.txid::text, last.id, (SELECT count(*) FROM page), wanted.count, json_build_object(
            'events', wanted.events,
            'next', last.txid::text || '-' || last.id,
            'behind', json_build_object(
                'events', behind.events, 'milliseconds', behind.milliseconds
            )
        )::text
        FROM last
        CROSS JOIN (
            SELECT count(*), coalesce(json_agg(json_build_object(
                'specversion', '1.0',
                'id', event_id,
                'source', $4::text,
                'type', type,
                'subject', subject,
                'time', to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                'datacontenttype', 'application/json',
                'sequence', sequence::text,
                'hlc', hlc::text,
                'traceparent', traceparent,
                'data', data::json
            ) ORDER BY page.txid, page.id), '[]'::json) AS events
            FROM page WHERE is_wanted
        ) AS wanted
        CROSS JOIN LATERAL (
            \(FindBacklog.query(behind: "last.txid", "last.id", startingAt: "$1::text::xid8"))
        ) AS behind
        """
    let source: String
    let after: FeedCursor
    /// The types that the reader wants; none for all.
    var types: [String] = []
    /// The most events that are looked at.
    let limit: Int64
    /// No event begins behind so many bytes of content; one is given however large it is.
    let bytes: Int64
    /// Whether the horizon is kept to; false where it is left out on purpose.
    var waitsForWriters = true

    func bind(_ parameters: inout Parameters) {
        parameters.append("\(after.transaction)", after.row, limit, source, bytes, types)
        parameters.append(waitsForWriters)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> StoredPage {
        let text: String = try row[0]
        guard let transaction = UInt64(text) else { throw .decoding("outbox.txid") }
        let json: String = try row[4]
        return StoredPage(
            cursor: FeedCursor(transaction: transaction, row: try row[1]),
            seen: try row[2],
            count: try row[3],
            json: Array(json.utf8)
        )
    }
}
