internal import Postgres
internal import Reactor
internal import Synchronization
internal import Telemetry

/// What a process tells about its database: calls by outcome, their times, connections in use; and a
/// span for each call that belongs to a trace.
final class DatabaseMeasures: Sendable {
    private let seconds: Histogram
    private let failures: Family<Counter>
    private let use = Mutex(PoolUse())

    init(_ metrics: Metrics) {
        seconds = metrics.histogram(
            "db_call_seconds",
            "Time of a round trip to the database, waiting for a connection included."
        )
        failures = metrics.counters(
            "db_failures_total",
            "Round trips to the database that failed, by kind.",
            labels: ["kind"]
        )
        let gauges: [(String, String, @Sendable (PoolUse) -> Int)] = [
            ("db_connections_open", "Connections to the database.", { $0.open }),
            ("db_connections_limit", "Most connections there may be.", { $0.limit }),
            ("db_connections_leased", "Connections that transactions hold.", { $0.leased }),
            (
                "db_statements_in_flight", "Statements on the way on shared connections.",
                {
                    $0.inFlight
                }
            ),
            ("db_callers_waiting", "Callers that wait for a connection.", { $0.waiting }),
        ]
        for (name, help, read) in gauges {
            metrics.collect(name, help) { [weak self] in
                guard let use = self?.use.withLock({ $0 }) else { return [] }
                return [Sample([], Double(read(use)))]
            }
        }
    }

    /// Takes one call into account; runs on the caller's loop.
    func note(_ call: DatabaseCall) {
        // Waiting for a group is not a round trip: the group's own is counted.
        if !call.isShared {
            seconds.observe(Double(Deadline.now.nanoseconds &- call.start.nanoseconds) / 1e9)
            if let error = call.error { failures.with(Self.kind(error)).increment() }
        }
        guard let span = TraceContext.current?.begin(at: call.start) else { return }
        let types = call.types
        let name: SpanName =
            switch types.count {
            case 0: .words("COMMIT", "")
            case 1: types.first.map { .statement($0) } ?? .words("statement", "")
            default: .statements(types)
            }
        var sqlState: String?
        if case .server(let state, _) = call.error { sqlState = state }
        span.end(
            name,
            .client,
            .statements(count: max(1, types.count), sqlState: sqlState),
            failure: call.error?.summary
        )
    }

    /// Looks at the connections until the task is cancelled.
    func watch(_ database: Database) async {
        while !Task.isCancelled {
            let now = await database.use()
            use.withLock { $0 = now }
            do { try await EventLoop.sleep(for: .seconds(1)) } catch { return }
        }
    }

    private static func kind(_ error: DatabaseError) -> String {
        switch error {
        case .unavailable: "unavailable"
        case .timedOut: "timed-out"
        case .cancelled: "cancelled"
        case .overloaded: "overloaded"
        case .constraint: "constraint"
        case .serialization: "serialization"
        case .server: "server"
        case .decoding: "decoding"
        case .outcomeUnknown: "outcome-unknown"
        }
    }
}
