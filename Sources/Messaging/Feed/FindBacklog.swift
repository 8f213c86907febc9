internal import Postgres

/// How much lies behind a place in the feed.
struct Backlog: Sendable, Hashable, Codable {
    /// About how many events; numbers that were taken and not used count too.
    let events: Int64
    /// How long the first of them has been waiting, by the clock of the feed's database.
    let milliseconds: Int64
}

/// Looks behind a place in the feed, beyond the horizon too: what a long transaction holds up is late
/// although no reader can have it yet.
struct FindBacklog: Statement {
    static let sql = query(behind: "$1::text::xid8", "$2", startingAt: "$1::text::xid8")
    let after: FeedCursor

    /// The query, for other statements to look with as well: `events` and `milliseconds`.
    ///
    /// - Parameters:
    ///   - transaction: the place's transaction, in SQL.
    ///   - row: the place's row, in SQL.
    ///   - start: a transaction that does not come later, in SQL that is known before the statement
    ///     runs: it leaves sealed days out.
    static func query(
        behind transaction: String,
        _ row: String,
        startingAt start: String
    ) -> String {
        """
        SELECT coalesce(greatest(newest.id - \(row), 1), 0) AS events,
            coalesce(greatest(
                extract(epoch FROM clock_timestamp() - oldest.occurred_at) * 1000, 0
            ), 0)::bigint AS milliseconds
        FROM (SELECT 1) AS always
        LEFT JOIN (
            SELECT occurred_at FROM outbox
            WHERE (outbox.txid, outbox.id) > (\(transaction), \(row))
                AND day >= (SELECT min(day) FROM outbox_days
                    WHERE last_txid IS NULL OR last_txid >= \(start))
                AND day <= (SELECT day FROM outbox_head)
            ORDER BY outbox.txid, outbox.id LIMIT 1
        ) AS oldest ON true
        LEFT JOIN (
            SELECT id FROM outbox
            WHERE day <= (SELECT day FROM outbox_head)
            ORDER BY txid DESC, id DESC LIMIT 1
        ) AS newest ON oldest.occurred_at IS NOT NULL
        """
    }

    func bind(_ parameters: inout Parameters) {
        parameters.append("\(after.transaction)", after.row)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Backlog {
        Backlog(events: try row[0], milliseconds: try row[1])
    }
}
