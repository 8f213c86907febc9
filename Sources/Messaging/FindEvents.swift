internal import HTTP
internal import Postgres

/// An event and the place right behind it.
struct StoredEvent: Sendable {
    let event: CloudEvent
    let cursor: FeedCursor
}

/// Reads events behind a cursor, up to the oldest transaction that is still running.
///
/// Every transaction below that horizon has ended, so nothing can appear there any more: what was
/// read once never gets a predecessor. The order names the table's columns: a bare `txid` would be
/// the text in the list above, and text sorts 999 behind 1000.
struct FindEvents: Statement {
    static let sql = """
        SELECT $4::text, txid::text, id, event_id, type, subject, sequence, hlc,
            to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            traceparent, data
        FROM outbox
        WHERE (txid, id) > ($1::text::xid8, $2)
            AND txid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY outbox.txid, outbox.id LIMIT $3
        """
    let source: String
    let after: FeedCursor
    let limit: Int64

    func bind(_ parameters: inout Parameters) {
        parameters.append("\(after.transaction)", after.row, limit, source)
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
