internal import HTTP
public import Mesh
public import Postgres
internal import Reactor
public import Telemetry

/// Follows another service's feed and applies each event exactly once.
///
/// The cursor is this service's own and moves in the transaction that applies the events, so a crash
/// at any instant either repeats a batch that had no effect or goes on behind one that had. Of
/// several replicas one follows at a time; a lease decides which, the cursor's value makes it safe.
public struct EventConsumer: Sendable {
    /// Applies one event inside the transaction that moves the cursor.
    public typealias Apply =
        @Sendable (CloudEvent, Transaction<DatabaseError>) async throws(DatabaseError) -> Void

    /// How one turn went.
    enum Turn: Equatable {
        case applied(Int)
        case idle
        /// Another replica follows.
        case notOurs
        case failed
    }

    private let feed: String
    private let upstream: Upstream
    private let database: Database
    private let outbox: Outbox
    private let owner: String
    private let log: Logger
    private let apply: Apply
    private let applied: Counter
    private let lease = Duration.seconds(15)
    private let waitSeconds = 5

    /// Describes a consumer; `run` starts it.
    ///
    /// - Parameters:
    ///   - feed: whose events, such as `order`.
    ///   - owner: this replica's own name, such as `notification.2`.
    ///   - outbox: its clock takes in the readings that events carry.
    public init(
        of feed: String,
        from upstream: Upstream,
        into database: Database,
        outbox: Outbox,
        owner: String,
        log: Logger,
        metrics: Metrics,
        apply: @escaping Apply
    ) {
        self.feed = feed
        self.upstream = upstream
        self.database = database
        self.outbox = outbox
        self.owner = owner
        self.log = log.with(["feed": .string(feed)])
        self.apply = apply
        applied = metrics.counters(
            "events_applied_total",
            "Events applied, by feed.",
            labels: ["feed"]
        ).with(feed)
    }

    /// Follows the feed until the task is cancelled.
    public func run() async {
        var failures = 0
        while !Task.isCancelled {
            switch await turn() {
            case .applied, .idle: failures = 0
            case .notOurs: await pause(.milliseconds(500))
            case .failed:
                failures = min(failures + 1, 7)
                await pause(.milliseconds(50 << failures))
            }
        }
        await release()
    }

    private func pause(_ longest: Duration) async {
        try? await EventLoop.sleep(for: longest * Double.random(in: 0.5...1))
    }

    /// Reads one page and applies it.
    private func turn() async -> Turn {
        do throws(DatabaseError) {
            let claim = ClaimCursor(
                feed: feed,
                start: .start,
                owner: owner,
                leaseMilliseconds: Int64(lease.wholeMilliseconds)
            )
            guard let cursor = try await database.one(claim) else { return .notOurs }
            guard let page = await fetch(after: cursor) else { return .failed }
            guard !page.events.isEmpty else { return .idle }
            try await apply(page, from: cursor)
            applied.increment(by: page.events.count)
            return .applied(page.events.count)
        } catch {
            log.warning("events could not be applied", ["error": .string("\(error)")])
            return .failed
        }
    }

    private func fetch(after cursor: FeedCursor) async -> EventPage? {
        let request = ClientRequest(
            .get,
            "/events?after=\(cursor)&limit=500&wait=\(waitSeconds)"
        )
        let limit = Duration.seconds(waitSeconds + 3)
        let options = CallOptions(isIdempotent: true, timeout: limit, tryTimeout: limit)
        do throws(MeshError) {
            let response = try await upstream.call(request, options)
            guard response.status == .ok else {
                log.warning("the feed refused", ["status": .int(response.status.code)])
                return nil
            }
            do throws(ClientError) {
                return try await response.json(EventPage.self)
            } catch {
                log.warning("the feed's answer is broken", ["error": .string("\(error)")])
                return nil
            }
        } catch {
            log.debug("the feed did not answer", ["error": .string("\(error)")])
            return nil
        }
    }

    private func apply(_ page: EventPage, from cursor: FeedCursor) async throws(DatabaseError) {
        let move = MoveCursor(feed: feed, from: cursor, to: page.next, owner: owner)
        try await database.transaction { (tx: Transaction<DatabaseError>) throws(DatabaseError) in
            // Nothing moved: another replica has applied this page since we read the cursor.
            guard try await tx.run(move) == 1 else { return }
            for event in page.events { try await apply(event, tx) }
        }
        for event in page.events { outbox.receive(event.hlc) }
    }

    /// Runs in a task of its own because the one that calls is cancelled already, and waits for it.
    private func release() async {
        let statement = ReleaseCursor(feed: feed, owner: owner)
        await Task(executorPreference: EventLoop.required) { [database] in
            _ = try? await database.run(statement)
        }.value
    }
}
