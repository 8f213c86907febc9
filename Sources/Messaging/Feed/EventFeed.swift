public import HTTP
public import Postgres
internal import Reactor

/// Serves a service's outbox to those who may read it: `GET /events?after=CURSOR&limit=500&wait=20`,
/// and `&types=order.confirmed,order.rejected` for who wants only those.
///
/// Reading changes nothing here, so any number of consumers can follow, each at its own pace, and any
/// of them can start over from the beginning, or begin with what comes next (`after=newest`, answered at
/// once with the place).
public struct EventFeed: Sendable {
    /// The most events one answer holds.
    static let maxLimit = 1000
    /// The longest an answer is held back for an event to come, in seconds.
    static let maxWait = 30
    /// The most types that a reader can name.
    static let maxTypes = 32
    /// Bytes of content after which an answer takes in no further event.
    static let maxBytes = 1 << 20

    private let database: Database
    private let source: String
    private let pollInterval: Duration
    private let waitsForWriters: Bool
    private let isStopping: @Sendable () -> Bool

    /// Describes a feed.
    ///
    /// - Parameters:
    ///   - service: whose events these are, such as `order`.
    ///   - pollInterval: how soon a waiting reader sees an event that another replica wrote.
    ///   - waitsForWriters: stop at the oldest transaction that is still running. Without it an event that
    ///     is committed late is stepped over, and nobody ever sees it.
    ///   - isStopping: whether held answers should be given now because the process is about to end.
    public init(
        of service: String,
        in database: Database,
        pollInterval: Duration = .milliseconds(100),
        waitsForWriters: Bool = true,
        isStopping: @escaping @Sendable () -> Bool
    ) {
        self.database = database
        source = "/\(service)"
        self.pollInterval = pollInterval
        self.waitsForWriters = waitsForWriters
        self.isStopping = isStopping
    }

    /// Adds the route, for these readers alone.
    public func add(to router: inout Router, readers: Callers) {
        router.on(.get, "/events", from: readers) { request throws(Problem) in
            try await read(request)
        }
    }

    private func read(_ request: Request) async throws(Problem) -> Response {
        let text = request.query.first("after") ?? FeedPosition.oldest.description
        if text == "newest" { return try await nothing(next: try await end()) }
        guard var position = FeedPosition(text) else {
            throw .badRequest("after: '\(text)' is not a cursor of this feed")
        }
        let limit = try number(request, "limit", in: 1...Self.maxLimit, default: 500)
        let wait = try number(request, "wait", in: 0...Self.maxWait, default: 0)
        let types = try Self.types(request)
        let end = Deadline.after(.seconds(wait))
        while true {
            let (page, start) = try await find(position, types, limit)
            if let page {
                guard page.count == 0 else {
                    return .bytes(page.json, type: "application/json")
                }
                // Only what this reader does not want: no reason to wake it.
                position = .behind(page.cursor)
                if page.seen == limit, !end.hasPassed, !isStopping() { continue }
            }
            let isCancelled = (try? await EventLoop.sleep(for: pollInterval)) == nil
            if end.hasPassed || isCancelled || isStopping() {
                switch position {
                case .oldest: return try await nothing(next: start)
                case .behind(let cursor): return try await nothing(next: cursor)
                }
            }
        }
    }

    /// The types that a reader wants; none for all.
    private static func types(_ request: Request) throws(Problem) -> [String] {
        guard let text = request.query.first("types") else { return [] }
        let types = text.split(separator: ",").map(String.init)
        guard !types.isEmpty, types.count <= maxTypes else {
            throw .badRequest("types must name 1 to \(maxTypes) types, with commas between")
        }
        return types
    }

    /// What lies behind the position, and where the feed begins.
    ///
    /// The feed's reach is read last: had a day been dropped before the events were read, it would show.
    private func find(
        _ position: FeedPosition,
        _ types: [String],
        _ limit: Int
    ) async throws(Problem) -> (StoredPage?, FeedCursor) {
        let cursor: FeedCursor
        switch position {
        case .oldest: cursor = .start
        case .behind(let place): cursor = place
        }
        let events = FindEvents(
            source: source,
            after: cursor,
            types: types,
            limit: Int64(limit),
            bytes: Int64(Self.maxBytes),
            waitsForWriters: waitsForWriters
        )
        let found: ([StoredPage], [FeedReach])
        do throws(DatabaseError) {
            found = try await database.pipeline(events, FindFeedReach())
        } catch {
            throw Self.unreadable(error)
        }
        guard let reach = found.1.first else { throw .internalError }
        if position != .oldest {
            guard reach.hasBeen(at: cursor) else { throw Self.ahead(cursor, reach) }
            if cursor < reach.start { throw Self.gone(cursor, reach.start) }
        }
        return (found.0.first, reach.start)
    }

    private func end() async throws(Problem) -> FeedCursor {
        do throws(DatabaseError) {
            return try await database.one(FindFeedEnd()) ?? .start
        } catch {
            throw Self.unreadable(error)
        }
    }

    private func nothing(next: FeedCursor) async throws(Problem) -> Response {
        let backlog: Backlog?
        do throws(DatabaseError) {
            backlog = try await database.one(FindBacklog(after: next))
        } catch {
            throw Self.unreadable(error)
        }
        return .json(EventPage(events: [], next: "\(next)", behind: backlog))
    }

    private static func unreadable(_ error: DatabaseError) -> Problem {
        var problem = Problem.unavailable("the feed cannot be read", retryAfter: .seconds(1))
        problem.cause = "\(error)"
        return problem
    }

    /// 410: what follows this cursor was dropped before it was read.
    private static func gone(_ cursor: FeedCursor, _ start: FeedCursor) -> Problem {
        Problem(
            .gone,
            "events-gone",
            detail: "the events behind \(cursor) are no longer kept; "
                + "what is kept begins behind \(start)",
            members: ["oldest": .string("\(start)")]
        )
    }

    /// 410: this cursor is from a history that the database does not have, or no longer.
    private static func ahead(_ cursor: FeedCursor, _ reach: FeedReach) -> Problem {
        Problem(
            .gone,
            "events-gone",
            detail: "\(cursor) is ahead of this feed, whose database has not come to transaction "
                + "\(reach.nextTransaction): it was put back or is another one, and what this cursor "
                + "has passed is not what is here",
            members: ["oldest": .string("\(reach.start)")]
        )
    }

    private func number(
        _ request: Request,
        _ name: String,
        in range: ClosedRange<Int>,
        default standard: Int
    ) throws(Problem) -> Int {
        guard let number = try request.queryValue(name, as: Int.self) else { return standard }
        guard range.contains(number) else {
            throw .badRequest("\(name) must be from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
