internal import Postgres

/// Takes or renews the right to follow a feed; no row comes back while another replica has it.
struct ClaimCursor: Statement {
    static let sql = """
        INSERT INTO consumer_cursors AS held (feed, position, owner, leased_until)
        VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond')
        ON CONFLICT (feed) DO UPDATE
        SET owner = excluded.owner, leased_until = excluded.leased_until
        WHERE held.owner = excluded.owner OR held.leased_until < clock_timestamp()
        RETURNING position
        """
    let feed: String
    let start: FeedCursor
    let owner: String
    let leaseMilliseconds: Int64

    func bind(_ parameters: inout Parameters) {
        parameters.append(feed, start.description, owner, leaseMilliseconds)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> FeedCursor {
        let text: String = try row[0]
        guard let cursor = FeedCursor(text) else { throw .decoding("consumer_cursors.position") }
        return cursor
    }
}

/// Moves the cursor over a batch, in the transaction that applies it.
///
/// It counts only from where the batch was read: a replica that lost its lease while it was paused
/// affects no row, and its batch is dropped.
struct MoveCursor: Statement {
    static let sql = """
        UPDATE consumer_cursors SET position = $3, moved_at = clock_timestamp()
        WHERE feed = $1 AND position = $2 AND owner = $4
        """
    let feed: String
    let from: FeedCursor
    let to: String
    let owner: String

    func bind(_ parameters: inout Parameters) {
        parameters.append(feed, from.description, to, owner)
    }
}

/// Lets go of a feed, so that another replica need not wait.
struct ReleaseCursor: Statement {
    static let sql = """
        UPDATE consumer_cursors SET leased_until = clock_timestamp()
        WHERE feed = $1 AND owner = $2
        """
    let feed: String
    let owner: String

    func bind(_ parameters: inout Parameters) { parameters.append(feed, owner) }
}
