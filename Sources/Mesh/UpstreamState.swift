internal import Reactor

/// Everything a process knows of an upstream: its instances, and how its calls are limited.
///
/// Pure: times and random numbers are passed in. ``Upstream`` guards it with a mutex, makes the
/// calls and reports how they ended.
struct UpstreamState: Sendable {
    /// One instance.
    struct Instance: Sendable {
        let id: UInt64
        let address: SocketAddress
        var breaker: CircuitBreaker
        var health: InstanceHealth
        var inFlight = 0
        var calls = 0
        var failures = 0
        var nextProbe: Duration
        /// Since when it warms up; nil when it does not.
        var warmsSince: Duration?
    }

    /// An instance chosen for a try, to be given back to ``finish(_:_:at:)`` exactly once.
    struct Choice: Sendable, Equatable {
        let address: SocketAddress
        fileprivate let id: UInt64
        fileprivate let permit: CircuitBreaker.Permit
    }

    /// Why there is no instance for a try.
    enum Refusal: Error, Equatable {
        /// The upstream has none: its name resolves to nothing.
        case noInstances
        /// The breakers of all that are left are open.
        case breakersOpen
    }

    /// How a try ended, as far as it says something about the instance.
    enum TryEnd: Sendable, Equatable {
        /// Any answer that is not a server error.
        case answered
        /// An answer that is one.
        case serverError
        /// No connection could be made.
        case connectFailed
        /// There was a connection, but no answer, or not in time.
        case noAnswer
        /// The caller went away, or the failure was the caller's own.
        case cancelled
    }

    /// What changed for others to see: worth a log line.
    enum Change: Sendable, Equatable {
        case opened, halfOpened, closed, out, back
    }

    let policy: MeshPolicy
    private(set) var instances: [Instance] = []
    private var ring = HashRing([])
    var bulkhead: Bulkhead
    var budget: RetryBudget
    private var lastID: UInt64 = 0
    private var scratch: [Balancer.Candidate] = []

    init(policy: MeshPolicy) {
        self.policy = policy
        bulkhead = Bulkhead(limit: policy.maxInFlight, queueLimit: policy.maxQueue)
        budget = RetryBudget(policy: policy.retryBudget)
    }

    /// Makes these the upstream's instances; what is known of those that stay is kept.
    ///
    /// New ones get calls at once, few at first unless there was none before, and are probed at once.
    mutating func replace(with addresses: [SocketAddress], at now: Duration) {
        var kept: [Instance] = []
        for address in addresses.prefix(policy.maxInstances)
        where !kept.contains(where: { $0.address == address }) {
            if let known = instances.first(where: { $0.address == address }) {
                kept.append(known)
                continue
            }
            lastID += 1
            kept.append(
                Instance(
                    id: lastID,
                    address: address,
                    breaker: CircuitBreaker(policy: policy.breaker),
                    health: InstanceHealth(policy: policy.health),
                    nextProbe: now,
                    warmsSince: instances.isEmpty ? nil : now
                )
            )
        }
        if policy.balancing == .ring, kept.map(\.address) != instances.map(\.address) {
            ring = HashRing(kept.map(\.address.description))
        }
        instances = kept
    }

    /// Chooses an instance for a try and counts the try as in flight.
    ///
    /// Those in `tried` are passed over; when all were tried, they are used again rather than none.
    ///
    /// - Parameter key: what decides where the upstream is balanced by a ring.
    mutating func select(
        tried: [SocketAddress],
        key: String = "",
        at now: Duration,
        using generator: inout some RandomNumberGenerator
    ) -> Result<Choice, Refusal> {
        guard !instances.isEmpty else { return .failure(.noInstances) }
        if let choice = select(excluding: tried, key, at: now, using: &generator) {
            return .success(choice)
        }
        if !tried.isEmpty, let choice = select(excluding: [], key, at: now, using: &generator) {
            return .success(choice)
        }
        return .failure(.breakersOpen)
    }

    private mutating func select(
        excluding tried: [SocketAddress],
        _ key: String,
        at now: Duration,
        using generator: inout some RandomNumberGenerator
    ) -> Choice? {
        // Taken out and put back, so that its memory serves every call.
        var candidates: [Balancer.Candidate] = []
        swap(&candidates, &scratch)
        defer {
            candidates.removeAll(keepingCapacity: true)
            swap(&candidates, &scratch)
        }
        for index in instances.indices {
            candidates.append(
                Balancer.Candidate(
                    inFlight: instances[index].inFlight,
                    isOut: instances[index].health.isOut,
                    isExcluded: !tried.isEmpty && tried.contains(instances[index].address),
                    weight: weight(index, at: now)
                )
            )
        }
        while let index = choose(candidates, key, using: &generator) {
            if let permit = instances[index].breaker.permit(at: now) {
                instances[index].inFlight += 1
                instances[index].calls += 1
                return Choice(
                    address: instances[index].address,
                    id: instances[index].id,
                    permit: permit
                )
            }
            candidates[index].isExcluded = true
        }
        return nil
    }

    private func choose(
        _ candidates: [Balancer.Candidate],
        _ key: String,
        using generator: inout some RandomNumberGenerator
    ) -> Int? {
        switch policy.balancing {
        case .leastRequests: Balancer.choose(candidates, using: &generator)
        case .ring: ring.choose(key, among: candidates)
        }
    }

    /// The share of its calls that an instance should get now.
    private mutating func weight(_ index: Int, at now: Duration) -> Double {
        guard let since = instances[index].warmsSince else { return 1 }
        let weight = policy.slowStart.weight(after: now - since)
        if weight == 1 { instances[index].warmsSince = nil }
        return weight
    }

    /// Takes note of how a try ended, when its breaker should judge it.
    ///
    /// The try stays in flight until ``release(_:)``; the answer's content may come after that.
    mutating func finish(_ choice: Choice, _ end: TryEnd, at now: Duration) -> [Change] {
        guard let index = instances.firstIndex(where: { $0.id == choice.id }) else { return [] }
        var changes: [Change] = []
        let before = instances[index].breaker.state(at: now)
        let outcome: CircuitBreaker.Outcome
        switch end {
        case .answered: outcome = .success
        case .cancelled: outcome = .cancelled
        case .serverError, .connectFailed, .noAnswer:
            outcome = .failure
            instances[index].failures += 1
        }
        switch instances[index].breaker.record(outcome, of: choice.permit, at: now) {
        case .open: changes.append(.opened)
        case .closed:
            instances[index].warmsSince = now
            changes.append(.closed)
        case .halfOpen, nil:
            if case .halfOpen(true, 0) = before, end == .answered { changes.append(.halfOpened) }
        }
        switch end {
        case .answered: note(.answered, index, at: now, &changes)
        case .connectFailed: note(.connectFailed, index, at: now, &changes)
        case .serverError, .noAnswer, .cancelled: break
        }
        return changes
    }

    /// Counts a try as ended.
    mutating func release(_ choice: Choice) {
        guard let index = instances.firstIndex(where: { $0.id == choice.id }) else { return }
        instances[index].inFlight -= 1
    }

    /// The instances whose probe is due; each is due again after its interval.
    mutating func dueProbes(at now: Duration) -> [SocketAddress] {
        var due: [SocketAddress] = []
        for index in instances.indices where instances[index].nextProbe <= now {
            instances[index].nextProbe = now + instances[index].health.probeInterval
            due.append(instances[index].address)
        }
        return due
    }

    /// Takes note of a probe's result.
    mutating func probed(_ address: SocketAddress, succeeded: Bool, at now: Duration) -> [Change] {
        guard let index = instances.firstIndex(where: { $0.address == address }) else { return [] }
        var changes: [Change] = []
        note(succeeded ? .probeSucceeded : .probeFailed, index, at: now, &changes)
        return changes
    }

    private mutating func note(
        _ sign: InstanceHealth.Sign,
        _ index: Int,
        at now: Duration,
        _ changes: inout [Change]
    ) {
        guard instances[index].health.note(sign) else { return }
        let isOut = instances[index].health.isOut
        instances[index].nextProbe = now + instances[index].health.probeInterval
        if !isOut { instances[index].warmsSince = now }
        changes.append(isOut ? .out : .back)
    }
}
