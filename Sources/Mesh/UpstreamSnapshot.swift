internal import Reactor

/// An upstream as a process sees it at one moment, for metrics, the control room and `stack status`.
public struct UpstreamSnapshot: Sendable, Encodable {
    /// One instance.
    public struct Instance: Sendable, Encodable {
        /// `host:port`.
        public let address: String
        /// `closed`, `open` or `half-open`.
        public let breaker: String
        /// Whether health checks took it out.
        public let isOut: Bool
        /// Tries in flight.
        public let inFlight: Int
        /// Tries since it is known.
        public let calls: Int
        /// Tries that failed.
        public let failures: Int

        enum CodingKeys: String, CodingKey {
            case address, breaker, calls, failures
            case isOut = "out"
            case inFlight = "in_flight"
        }
    }

    /// The service's name.
    public let name: String
    /// Calls in flight.
    public let inFlight: Int
    /// Calls that wait for a place.
    public let waiting: Int
    /// Whether so many instances are out that all are used.
    public let isPanic: Bool
    /// Retries that the budget has room for.
    public let retriesLeft: Int
    /// All instances.
    public let instances: [Instance]

    enum CodingKeys: String, CodingKey {
        case name, waiting, instances
        case inFlight = "in_flight"
        case isPanic = "panic"
        case retriesLeft = "retries_left"
    }

    init(_ name: String, _ state: UpstreamState, at now: Duration) {
        self.name = name
        inFlight = state.bulkhead.inFlight
        waiting = state.bulkhead.waiting
        var budget = state.budget
        retriesLeft = budget.left(at: now)
        isPanic = state.instances.count { $0.health.isOut } * 2 > state.instances.count
        instances = state.instances.map { instance in
            Instance(
                address: instance.address.description,
                breaker: Self.name(of: instance.breaker.state(at: now)),
                isOut: instance.health.isOut,
                inFlight: instance.inFlight,
                calls: instance.calls,
                failures: instance.failures
            )
        }
    }

    private static func name(of state: CircuitBreaker.State) -> String {
        switch state {
        case .closed: "closed"
        case .open: "open"
        case .halfOpen: "half-open"
        }
    }
}
