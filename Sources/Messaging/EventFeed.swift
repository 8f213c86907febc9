public import HTTP
public import Postgres
internal import Reactor

/// Serves a service's outbox to those who may read it: `GET /events?after=CURSOR&limit=500&wait=20`.
///
/// Reading changes nothing here, so any number of consumers can follow, each at its own pace, and any
/// of them can start over from the beginning.
public struct EventFeed: Sendable {
    /// The most events one answer holds.
    static let maxLimit = 1000
    /// The longest an answer is held back for an event to come, in seconds.
    static let maxWait = 30

    private let database: Database
    private let source: String
    private let pollInterval: Duration
    private let isStopping: @Sendable () -> Bool

    /// Describes a feed.
    ///
    /// - Parameters:
    ///   - service: whose events these are, such as `order`.
    ///   - pollInterval: how soon a waiting reader sees an event that another replica wrote.
    ///   - isStopping: whether held answers should be given now because the process is about to end.
    public init(
        of service: String,
        in database: Database,
        pollInterval: Duration = .milliseconds(100),
        isStopping: @escaping @Sendable () -> Bool
    ) {
        self.database = database
        source = "/\(service)"
        self.pollInterval = pollInterval
        self.isStopping = isStopping
    }

    /// Adds the route, for these readers alone.
    public func add(to router: inout Router, readers: Callers) {
        router.on(.get, "/events", from: readers) { request throws(Problem) in
            try await read(request)
        }
    }

    private func read(_ request: Request) async throws(Problem) -> Response {
        let text = request.query.first("after") ?? FeedCursor.start.description
        guard let after = FeedCursor(text) else {
            throw .badRequest("after: '\(text)' is not a cursor of this feed")
        }
        let limit = try number(request, "limit", in: 1...Self.maxLimit, default: 500)
        let wait = try number(request, "wait", in: 0...Self.maxWait, default: 0)
        let end = Deadline.after(.seconds(wait))
        while true {
            let found = try await find(after, limit)
            if let last = found.last {
                return .json(EventPage(events: found.map(\.event), next: "\(last.cursor)"))
            }
            let isCancelled = (try? await EventLoop.sleep(for: pollInterval)) == nil
            if end.hasPassed || isCancelled || isStopping() {
                return .json(EventPage(events: [], next: "\(after)"))
            }
        }
    }

    private func find(_ after: FeedCursor, _ limit: Int) async throws(Problem) -> [StoredEvent] {
        do throws(DatabaseError) {
            return try await database.all(
                FindEvents(source: source, after: after, limit: Int64(limit))
            )
        } catch {
            var problem = Problem.unavailable("the feed cannot be read", retryAfter: .seconds(1))
            problem.cause = "\(error)"
            throw problem
        }
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
