internal import Postgres

/// What a feed can be read of: what is kept, as far as the database has come.
struct FeedReach: Sendable, Equatable {
    /// The place of the last event that was dropped: what is kept lies behind it.
    let start: FeedCursor
    /// The transaction after all that the database has begun: no event has it, or a later one.
    let nextTransaction: UInt64

    /// Whether a place can have been told by this feed: by this database, as long as its history goes.
    ///
    /// A standby that took over without its primary's last transactions, or a database that was made anew,
    /// gives the same numbers again to other events, which a reader from before would step over.
    func hasBeen(at cursor: FeedCursor) -> Bool { cursor.transaction < nextTransaction }
}

/// Finds where a feed begins and how far it has come.
struct FindFeedReach: Statement {
    static let sql = """
        SELECT dropped_txid::text, dropped_id, pg_snapshot_xmax(pg_current_snapshot())::text
        FROM outbox_head
        """

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> FeedReach {
        let (dropped, next): (String, String) = (try row[0], try row[2])
        guard let transaction = UInt64(dropped) else { throw .decoding("outbox_head.dropped_txid") }
        guard let nextTransaction = UInt64(next) else { throw .decoding("pg_current_snapshot()") }
        return FeedReach(
            start: FeedCursor(transaction: transaction, row: try row[1]),
            nextTransaction: nextTransaction
        )
    }
}
