internal import HTTP
internal import Postgres

/// An event and the place right behind it.
struct StoredEvent: Sendable {
    let event: CloudEvent
    let cursor: FeedCursor
}

/// Reads a page of events behind a cursor, up to the oldest transaction that is still running.
///
/// Every transaction below that horizon has ended, so nothing can appear there any more: what was
/// read once never gets a predecessor. The order names the tables' columns: a bare `txid` would be
/// the text in the list above, and text sorts 999 behind 1000. The days leave partitions out that
/// hold nothing behind the cursor, so that a reader pays for what it reads and not for what is kept.
struct FindEvents: Statement {
    static let sql = """
        SELECT $4::text, txid::text, id, event_id, type, subject, sequence, hlc,
            to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            traceparent, data
        FROM (
            SELECT page.*, sum(octet_length(data)) OVER (
                ORDER BY page.txid, page.id ROWS UNBOUNDED PRECEDING
            ) - octet_length(data) AS bytes_before
            FROM (
                SELECT txid, id, event_id, type, subject, sequence, hlc, occurred_at, traceparent,
                    data
                FROM outbox
                WHERE (txid, id) > ($1::text::xid8, $2)
                    AND txid < pg_snapshot_xmin(pg_current_snapshot())
                    AND day >= (SELECT min(day) FROM outbox_days
                        WHERE last_txid IS NULL OR last_txid >= $1::text::xid8)
                    AND day <= (SELECT day FROM outbox_head)
                ORDER BY outbox.txid, outbox.id LIMIT $3
            ) AS page
        ) AS counted
        WHERE bytes_before < $5
        ORDER BY counted.txid, counted.id
        """
    let source: String
    let after: FeedCursor
    /// The most events.
    let limit: Int64
    /// No event begins behind so many bytes of content; one is given however large it is.
    let bytes: Int64

    func bind(_ parameters: inout Parameters) {
        parameters.append("\(after.transaction)", after.row, limit, source, bytes)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> StoredEvent {
        let text: String = try row[1]
        guard let transaction = UInt64(text) else { throw .decoding("outbox.txid") }
        let data: String = try row[10]
        let content: JSONValue
        do {
            content = try JSON.decode(JSONValue.self, from: Array(data.utf8))
        } catch {
            throw .decoding("outbox.data")
        }
        return StoredEvent(
            event: CloudEvent(
                id: try row[3],
                source: try row[0],
                type: try row[4],
                subject: try row[5],
                time: try row[8],
                sequence: try row[6],
                hlc: try row[7],
                traceparent: try row[9],
                data: content
            ),
            cursor: FeedCursor(transaction: transaction, row: try row[2])
        )
    }
}
