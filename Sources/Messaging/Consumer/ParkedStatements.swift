internal import FoundationEssentials
internal import HTTP
internal import Postgres

/// Sets an event aside: one that cannot be applied, with the reason, or one that waits behind it.
struct ParkEvent: Statement {
    static let sql = """
        INSERT INTO parked_events (feed, subject, sequence, event_id, type, event, reason, attempts)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (feed, event_id) DO NOTHING
        """
    let feed: String
    let event: CloudEvent
    /// Nil for an event that waits.
    let reason: String?
    let attempts: Int

    func bind(_ parameters: inout Parameters) {
        // What came as JSON goes as JSON; the envelope alone stands in for what cannot be written.
        let json = (try? JSON.encode(event)) ?? Array("{}".utf8)
        parameters.append(feed, event.subject, event.sequence, event.id, event.type)
        parameters.append(String(decoding: json, as: UTF8.self), reason, attempts)
    }
}

/// Counts a feed's parked events.
struct CountParked: Statement {
    static let sql = "SELECT count(*) FROM parked_events WHERE feed = $1"
    let feed: String

    func bind(_ parameters: inout Parameters) { parameters.append(feed) }
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int { try row[0] }
}

/// Finds which of these subjects have events parked.
struct FindParkedSubjects: Statement {
    static let sql = """
        SELECT DISTINCT subject FROM parked_events WHERE feed = $1 AND subject = ANY($2)
        """
    let feed: String
    let subjects: [String]

    func bind(_ parameters: inout Parameters) { parameters.append(feed, subjects) }
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> String { try row[0] }
}

/// A subject with parked events, as an operator sees it.
struct ParkedSubject: Sendable, Codable, Equatable {
    let feed: String
    let subject: String
    /// How many events, with those that wait.
    let events: Int
    /// The first one's type; it holds up the others.
    let type: String
    /// Why the first could not be applied.
    let reason: String?
    let attempts: Int
    let since: Date
}

/// Lists the subjects with parked events, those that have waited longest first.
struct FindParked: Statement {
    static let sql = """
        SELECT feed, subject, count(*), (array_agg(type ORDER BY sequence, number))[1],
            (array_agg(reason ORDER BY sequence, number) FILTER (WHERE reason IS NOT NULL))[1],
            coalesce(max(attempts), 0), min(parked_at)
        FROM parked_events GROUP BY feed, subject ORDER BY min(parked_at), feed, subject LIMIT $1
        """
    let limit: Int

    func bind(_ parameters: inout Parameters) { parameters.append(limit) }
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> ParkedSubject {
        ParkedSubject(
            feed: try row[0],
            subject: try row[1],
            events: try row[2],
            type: try row[3],
            reason: try row[4],
            attempts: try row[5],
            since: try row[6]
        )
    }
}

/// Holds a feed's cursor, so that no page of it is applied meanwhile.
struct HoldCursor: Statement {
    static let sql = "SELECT feed FROM consumer_cursors WHERE feed = $1 FOR UPDATE"
    let feed: String

    func bind(_ parameters: inout Parameters) { parameters.append(feed) }
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> String { try row[0] }
}

/// Takes a subject's first parked event out.
struct TakeFirstParked: Statement {
    static let sql = """
        DELETE FROM parked_events WHERE (feed, subject, sequence, number) = (
            SELECT feed, subject, sequence, number FROM parked_events
            WHERE feed = $1 AND subject = $2 ORDER BY sequence, number LIMIT 1
        )
        RETURNING event_id, event
        """
    let feed: String
    let subject: String

    func bind(_ parameters: inout Parameters) { parameters.append(feed, subject) }
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> (id: UUID, json: String) {
        (id: try row[0], json: try row[1])
    }
}

/// Writes down that a parked event could not be applied once more.
struct NoteFailedReplay: Statement {
    static let sql = """
        UPDATE parked_events SET reason = $3, attempts = attempts + 1
        WHERE (feed, subject, sequence, number) = (
            SELECT feed, subject, sequence, number FROM parked_events
            WHERE feed = $1 AND subject = $2 ORDER BY sequence, number LIMIT 1
        )
        """
    let feed: String
    let subject: String
    let reason: String

    func bind(_ parameters: inout Parameters) { parameters.append(feed, subject, reason) }
}

/// Counts a subject's parked events.
struct CountParkedOfSubject: Statement {
    static let sql = "SELECT count(*) FROM parked_events WHERE feed = $1 AND subject = $2"
    let feed: String
    let subject: String

    func bind(_ parameters: inout Parameters) { parameters.append(feed, subject) }
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int { try row[0] }
}
