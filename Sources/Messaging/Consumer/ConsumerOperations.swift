internal import FoundationEssentials
public import HTTP
public import Postgres
internal import Telemetry

/// How a consumer is, as an operator sees it.
struct ConsumerReport: Sendable, Encodable {
    /// The feed that it follows.
    let name: String
    let position: String
    /// The replica that follows now; nil when none does.
    let followedBy: String?
    let movedAt: Date
    /// Why it waits for an operator; nil while it follows.
    let stopped: String?
    /// How many events are set aside.
    let parked: Int

    enum CodingKeys: String, CodingKey {
        case name, position, stopped, parked
        case followedBy = "followed_by"
        case movedAt = "moved_at"
    }
}

/// What operators can see and do about a service's consumers.
///
/// | route | does |
/// |---|---|
/// | `GET /ops/consumers` | where each stands, who follows, and why one has stopped |
/// | `POST /ops/consumers/{name}/rewind` | sends one back to the oldest event that is kept |
/// | `GET /ops/events/parked` | the subjects with events set aside, and why |
/// | `POST /ops/events/parked/{subject}/replay` | applies a subject's parked events, in order |
public struct ConsumerOperations: Sendable {
    /// Refuses whoever is no operator.
    public typealias Gate = @Sendable (Request) throws(Problem) -> Void

    /// The most subjects of one answer.
    static let maxSubjects = 200

    private struct ConsumerList: Encodable {
        let consumers: [ConsumerReport]
    }

    private struct ParkedList: Encodable {
        let parked: [ParkedSubject]
    }

    private struct ReplayList: Encodable {
        let replayed: [ReplayReport]
    }

    private struct Rewound: Encodable {
        let name: String
        let position: String
    }

    private let consumers: [EventConsumer]
    private let database: Database
    private let gate: Gate

    /// Describes the operations on consumers that share a database.
    public init(
        on consumers: [EventConsumer],
        in database: Database,
        gate: @escaping Gate
    ) {
        self.consumers = consumers
        self.database = database
        self.gate = gate
    }

    /// Adds the routes, for the gateway alone.
    public func add(to router: inout Router) {
        router.on(.get, "/ops/consumers", from: "gateway", list)
        router.on(.post, "/ops/consumers/{name}/rewind", from: "gateway", rewind)
        router.on(.get, "/ops/events/parked", from: "gateway", listParked)
        router.on(.post, "/ops/events/parked/{subject}/replay", from: "gateway", replay)
    }

    private func list(_ request: Request) async throws(Problem) -> Response {
        try gate(request)
        let found = try await ask { () async throws(DatabaseError) in
            try await database.all(FindConsumers())
        }
        return .json(ConsumerList(consumers: found))
    }

    private func rewind(_ request: Request) async throws(Problem) -> Response {
        try gate(request)
        let name = try request.parameter("name")
        let count = try await ask { () async throws(DatabaseError) in
            try await database.run(RewindCursor(feed: name))
        }
        guard count == 1 else { throw .notFound("no consumer follows '\(name)'") }
        consumers.first { $0.feed == name }?.log.warning("rewound to the oldest event", [:])
        return .json(Rewound(name: name, position: FeedPosition.oldest.description))
    }

    private func listParked(_ request: Request) async throws(Problem) -> Response {
        try gate(request)
        let found = try await ask { () async throws(DatabaseError) in
            try await database.all(FindParked(limit: Self.maxSubjects))
        }
        return .json(ParkedList(parked: found))
    }

    private func replay(_ request: Request) async throws(Problem) -> Response {
        try gate(request)
        let subject = try request.parameter("subject")
        var reports: [ReplayReport] = []
        for consumer in consumers {
            let report = try await ask { () async throws(DatabaseError) in
                try await consumer.replay(subject)
            }
            if report.applied + report.left > 0 { reports.append(report) }
        }
        guard !reports.isEmpty else { throw .notFound("no event of '\(subject)' is parked") }
        return .json(ReplayList(replayed: reports))
    }

    private func ask<Answer>(
        _ body: () async throws(DatabaseError) -> Answer
    ) async throws(Problem) -> Answer {
        do throws(DatabaseError) {
            return try await body()
        } catch {
            var problem = Problem.unavailable(
                "the database does not answer",
                retryAfter: .seconds(1)
            )
            problem.cause = "\(error)"
            throw problem
        }
    }
}
