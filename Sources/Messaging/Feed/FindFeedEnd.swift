internal import Postgres

/// Finds the place behind everything that can be read now: whoever begins there sees what comes next.
///
/// What is still being written has a later transaction, and so lies behind this place as well.
struct FindFeedEnd: Statement {
    static let sql = "SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1)::text"

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> FeedCursor {
        let text: String = try row[0]
        guard let transaction = UInt64(text) else { throw .decoding("pg_current_snapshot()") }
        return FeedCursor(transaction: transaction, row: .max)
    }
}
