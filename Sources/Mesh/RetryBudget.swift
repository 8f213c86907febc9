/// Keeps retries to a share of the calls, so that a failing upstream is not flooded by them.
///
/// A retry is taken from the budget when it is decided, before its back-off: retries that wait
/// count, or they would all be let in at once.
public struct RetryBudget: Sendable {
    /// How many retries there may be.
    public struct Policy: Sendable {
        /// Retries for each call in the window.
        public var ratio = 0.2
        /// Retries that the window has room for however few calls there were: a share of few is none.
        public var minimum = 10
        /// The sliding window that is counted.
        public var window: Duration = .seconds(10)

        /// The defaults of the design.
        public init() {}
    }

    private let policy: Policy
    private var counts: SlidingCounts

    /// A fresh budget: only the minimum can be taken.
    public init(policy: Policy = Policy()) {
        self.policy = policy
        self.counts = SlidingCounts(window: policy.window)
    }

    /// Notes a call's first try.
    public mutating func call(at now: Duration) { counts.add(first: 1, at: now) }

    /// Retries that could be taken now.
    public mutating func left(at now: Duration) -> Int {
        counts.advance(to: now)
        return left
    }

    private var left: Int {
        max(0, max(policy.minimum, Int(policy.ratio * Double(counts.first))) - counts.second)
    }

    /// Takes one retry; `false` when none is left.
    public mutating func take(at now: Duration) -> Bool {
        counts.advance(to: now)
        guard left > 0 else { return false }
        counts.add(second: 1, at: now)
        return true
    }
}

/// How long to wait before a retry: exponential with full jitter.
public struct Backoff: Sendable {
    /// The longest wait before the first retry.
    public var base: Duration = .milliseconds(25)
    /// The longest wait before any retry.
    public var cap: Duration = .seconds(1)

    /// The defaults of the design.
    public init() {}

    /// A delay between zero and `base · 2^retry`, but no more than the cap; the first retry is 0.
    public func delay(
        retry: Int,
        using generator: inout some RandomNumberGenerator
    ) -> Duration {
        var ceiling = base
        var doublings = retry
        while doublings > 0, ceiling < cap {
            ceiling = ceiling * 2
            doublings -= 1
        }
        return min(ceiling, cap) * Double.random(in: 0...1, using: &generator)
    }
}
