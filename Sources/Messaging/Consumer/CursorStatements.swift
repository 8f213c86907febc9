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
    /// Where a consumer begins that is new.
    let start: FeedPosition
    let owner: String
    let leaseMilliseconds: Int64

    func bind(_ parameters: inout Parameters) {
        parameters.append(feed, start.description, owner, leaseMilliseconds)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> FeedPosition {
        let text: String = try row[0]
        guard let position = FeedPosition(text) else {
            throw .decoding("consumer_cursors.position")
        }
        return position
    }
}

/// Holds the cursor for the length of the transaction, if it is still where the page was read from.
///
/// A replica that lost its lease while it was paused gets no row, and its page is dropped; so does one
/// whose consumer was rewound meanwhile.
struct LockCursor: Statement {
    static let sql = """
        SELECT feed FROM consumer_cursors
        WHERE feed = $1 AND position = $2 AND owner = $3 FOR UPDATE
        """
    let feed: String
    let from: FeedPosition
    let owner: String

    func bind(_ parameters: inout Parameters) {
        parameters.append(feed, from.description, owner)
    }
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> String { try row[0] }
}

/// Moves the cursor over a page, in the transaction that applies it and holds the cursor.
struct MoveCursor: Statement {
    static let sql = """
        UPDATE consumer_cursors SET position = $2, moved_at = clock_timestamp(), stopped = NULL
        WHERE feed = $1
        """
    let feed: String
    let to: String

    func bind(_ parameters: inout Parameters) { parameters.append(feed, to) }
}

/// Says why a consumer has stopped, or that it goes on, where every replica can read it.
struct NoteStopped: Statement {
    static let sql = """
        UPDATE consumer_cursors SET stopped = $2
        WHERE feed = $1 AND stopped IS DISTINCT FROM $2
        """
    let feed: String
    let reason: String?

    func bind(_ parameters: inout Parameters) { parameters.append(feed, reason) }
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

/// Sends a consumer back to the oldest event that is kept; whoever follows drops the page it has.
struct RewindCursor: Statement {
    static let sql = """
        UPDATE consumer_cursors SET position = 'oldest', moved_at = clock_timestamp(), stopped = NULL
        WHERE feed = $1
        """
    let feed: String

    func bind(_ parameters: inout Parameters) { parameters.append(feed) }
}

/// Lists a service's consumers and how each of them is.
struct FindConsumers: Statement {
    static let sql = """
        SELECT feed, position, CASE WHEN leased_until > clock_timestamp() THEN owner END, moved_at,
            stopped, (SELECT count(*) FROM parked_events WHERE parked_events.feed = held.feed)
        FROM consumer_cursors AS held ORDER BY feed
        """

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> ConsumerReport {
        ConsumerReport(
            name: try row[0],
            position: try row[1],
            followedBy: try row[2],
            movedAt: try row[3],
            stopped: try row[4],
            parked: try row[5]
        )
    }
}
