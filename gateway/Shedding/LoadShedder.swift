internal import HTTP
internal import Mesh
internal import Reactor
internal import Synchronization
internal import Telemetry

/// Refuses what an upstream could only answer late: one for each upstream.
final class LoadShedder: Sendable {
    /// What all upstreams of a gateway have in common: which priorities yield.
    final class Shared: Sendable {
        fileprivate let precedence = Mutex(Precedence())

        init() {}

        /// The shares that priorities have now.
        var shares: PerPriority<Double> {
            precedence.withLock { precedence in
                _ = precedence.share(of: .low, at: LoadShedder.now)
                return precedence.shares
            }
        }
    }

    private let state: Mutex<ConcurrencyLimit>
    private let shared: Shared
    private let refusals: PerPriority<Counter>

    init(
        _ upstream: String,
        policy: ConcurrencyLimit.Policy,
        shared: Shared,
        metrics: Metrics
    ) {
        state = Mutex(ConcurrencyLimit(policy: policy))
        self.shared = shared
        let family = metrics.counters(
            "gateway_shed_total",
            "Requests refused because their upstream has too much to do.",
            labels: ["upstream", "priority"]
        )
        refusals = PerPriority(
            low: family.with(upstream, Priority.low.rawValue),
            normal: family.with(upstream, Priority.normal.rawValue),
            high: family.with(upstream, Priority.high.rawValue)
        )
        metrics.collect(
            "gateway_concurrency_limit",
            "Requests that an upstream may have at once, as found out by their times.",
            labels: ["upstream"]
        ) { [weak self] in
            self.map { [Sample([upstream], $0.snapshot.limit)] } ?? []
        }
    }

    /// Lets a request go on.
    ///
    /// - Parameter lane: which of the upstream's routes it is.
    /// - Throws: 503 with `Retry-After`, at once.
    func enter(_ priority: Priority, lane: Int) throws(Problem) -> ConcurrencyLimit.Permit {
        let now = Self.now
        // Nothing is preferred to the highest.
        let share =
            priority == .high
            ? 1 : shared.precedence.withLock { $0.share(of: priority, at: now) }
        let permit = state.withLock {
            $0.enter(priority, lane: lane, yielding: share, at: now)
        }
        if let permit { return permit }
        shared.precedence.withLock { $0.refused(priority, at: now) }
        refusals[priority].increment()
        // Not all at the same moment, or they would only meet again.
        let wait = Int.random(in: 1...3)
        throw Problem(
            .serviceUnavailable,
            "overloaded",
            detail: "there is too much to do at the moment; try again in a few seconds",
            headers: [.retryAfter: String(wait)]
        )
    }

    /// Gives a place back when the call has ended.
    func leave(_ permit: ConcurrencyLimit.Permit, _ outcome: CallOutcome) {
        state.withLock {
            $0.leave(permit, isSample: Self.tellsOfLoad(outcome), at: Self.now)
        }
    }

    /// Whether a call's time says how busy its upstream is.
    ///
    /// One that had to be tried again was held up by an instance that failed, not by the load.
    private static func tellsOfLoad(_ outcome: CallOutcome) -> Bool {
        guard outcome.tries == 1 else { return false }
        switch outcome.result {
        case .success, .failure(.deadline): return true
        case .failure: return false
        }
    }

    /// The limit as it is now, for those who look.
    var snapshot: ConcurrencyLimit { state.withLock { $0 } }

    fileprivate static var now: Duration {
        .nanoseconds(Int64(clamping: Deadline.now.nanoseconds))
    }
}
