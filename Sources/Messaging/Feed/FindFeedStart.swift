internal import Postgres

/// Finds the place of the last event that was dropped: what is kept lies behind it.
struct FindFeedStart: Statement {
    static let sql = "SELECT dropped_txid::text, dropped_id FROM outbox_head"

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> FeedCursor {
        let text: String = try row[0]
        guard let transaction = UInt64(text) else { throw .decoding("outbox_head.dropped_txid") }
        return FeedCursor(transaction: transaction, row: try row[1])
    }
}
