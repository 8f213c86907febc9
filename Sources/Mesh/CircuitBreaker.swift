/// Stops calls to an instance that mostly fails, and tries it again one call at a time.
///
/// Pure: the caller passes the time of a monotonic clock and carries each ``Permit`` back with the
/// call's outcome. Outcomes of calls that began before the last change of state are ignored, so
/// that stragglers neither close nor reopen anything.
public struct CircuitBreaker: Sendable {
    /// When to open and when to close.
    public struct Policy: Sendable {
        /// Opens when at least this share of the window's calls failed.
        public var failureRatio = 0.5
        /// The sliding window over which calls are judged.
        public var window: Duration = .seconds(10)
        /// Calls the window must hold before it is judged.
        public var minimumCalls = 20
        /// How long an open breaker lets no call through.
        public var openTime: Duration = .seconds(30)
        /// Successful probes in a row that close a half-open breaker.
        public var successesToClose = 3

        /// The defaults of the design.
        public init() {}
    }

    /// What the breaker does with calls.
    public enum State: Sendable, Equatable {
        /// Calls pass and are judged.
        case closed
        /// No call passes until the given time of the monotonic clock.
        case open(until: Duration)
        /// One call at a time passes as a probe.
        case halfOpen(isProbing: Bool, successes: Int)
    }

    /// A call's leave to happen; it goes back to ``record(_:of:at:)`` exactly once.
    public struct Permit: Sendable, Equatable {
        fileprivate let epoch: Int
        /// Whether this call decides if the instance is back.
        public let isProbe: Bool
    }

    /// How a permitted call ended.
    public enum Outcome: Sendable, Equatable {
        /// The instance answered as it should.
        case success
        /// The instance did not answer, too late, or with a server error.
        case failure
        /// Nobody waited for the end: says nothing about the instance, returns the permit.
        case cancelled
    }

    private let policy: Policy
    private var counts: SlidingCounts
    private var epoch = 0
    private var stored: State = .closed

    /// A closed breaker.
    public init(policy: Policy = Policy()) {
        self.policy = policy
        self.counts = SlidingCounts(window: policy.window)
    }

    /// Asks leave for a call that starts now; `nil` when the breaker refuses it.
    public mutating func permit(at now: Duration) -> Permit? {
        switch state(at: now) {
        case .closed:
            return Permit(epoch: epoch, isProbe: false)
        case .open, .halfOpen(isProbing: true, _):
            return nil
        case .halfOpen(isProbing: false, let successes):
            if case .open = stored { epoch += 1 }
            stored = .halfOpen(isProbing: true, successes: successes)
            return Permit(epoch: epoch, isProbe: true)
        }
    }

    /// Takes back a permit with its call's outcome; returns the new state when it changed.
    @discardableResult
    public mutating func record(
        _ outcome: Outcome,
        of permit: Permit,
        at now: Duration
    ) -> State? {
        guard permit.epoch == epoch else { return nil }
        switch stored {
        case .closed: return judge(outcome, at: now)
        case .halfOpen(_, let successes):
            switch outcome {
            case .success where successes + 1 >= policy.successesToClose: return close(at: now)
            case .success: stored = .halfOpen(isProbing: false, successes: successes + 1)
            case .failure: return open(at: now)
            case .cancelled: stored = .halfOpen(isProbing: false, successes: successes)
            }
            return nil
        case .open: return nil
        }
    }

    /// The state now: an open breaker is half-open once its time is over.
    public func state(at now: Duration) -> State {
        if case .open(let until) = stored, now >= until {
            return .halfOpen(isProbing: false, successes: 0)
        }
        return stored
    }

    private mutating func judge(_ outcome: Outcome, at now: Duration) -> State? {
        switch outcome {
        case .success: counts.add(first: 1, at: now)
        case .failure: counts.add(second: 1, at: now)
        case .cancelled: return nil
        }
        let calls = counts.first + counts.second
        guard outcome == .failure, calls >= policy.minimumCalls,
            Double(counts.second) >= policy.failureRatio * Double(calls)
        else { return nil }
        return open(at: now)
    }

    private mutating func open(at now: Duration) -> State {
        epoch += 1
        stored = .open(until: now + policy.openTime)
        return stored
    }

    private mutating func close(at now: Duration) -> State {
        epoch += 1
        counts.clear(at: now)
        stored = .closed
        return stored
    }
}
