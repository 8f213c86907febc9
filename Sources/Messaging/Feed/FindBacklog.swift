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
    static let sql = """
        SELECT coalesce(greatest(newest.id - $2, 1), 0),
            coalesce(greatest(
                extract(epoch FROM clock_timestamp() - oldest.occurred_at) * 1000, 0
            ), 0)::bigint
        FROM (SELECT 1) AS always
        LEFT JOIN (
            SELECT occurred_at FROM outbox
            WHERE (txid, id) > ($1::text::xid8, $2)
                AND day >= (SELECT min(day) FROM outbox_days
                    WHERE last_txid IS NULL OR last_txid >= $1::text::xid8)
                AND day <= (SELECT day FROM outbox_head)
            ORDER BY txid, id LIMIT 1
        ) AS oldest ON true
        LEFT JOIN (
            SELECT id FROM outbox
            WHERE day <= (SELECT day FROM outbox_head)
            ORDER BY txid DESC, id DESC LIMIT 1
        ) AS newest ON oldest.occurred_at IS NOT NULL
        """
    let after: FeedCursor

    func bind(_ parameters: inout Parameters) {
        parameters.append("\(after.transaction)", after.row)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Backlog {
        Backlog(events: try row[0], milliseconds: try row[1])
    }
}
