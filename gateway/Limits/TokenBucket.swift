/// A token bucket in one number: when it will be full again (the generic cell rate algorithm).
///
/// Pure. A refused request takes nothing, so that whoever floods still gets the bucket's rate.
struct TokenBucket: Sendable, Equatable {
    /// How much a bucket holds and how fast it fills.
    struct Policy: Sendable, Equatable {
        /// Requests that a full bucket lets through at once.
        let quota: Int
        /// How long an empty bucket takes to be full.
        let window: Duration

        /// What one request takes, in nanoseconds.
        fileprivate let cost: Int64
        /// The bucket's size, in nanoseconds: worked out once, because to divide what takes 128 bits costs
        /// more than the rest of a request's count.
        let span: Int64

        init(quota: Int, window: Duration) {
            self.quota = quota
            self.window = window
            span = Int64(window / .nanoseconds(1))
            cost = max(1, span / Int64(max(1, quota)))
        }
    }

    /// What came of a request.
    struct Decision: Sendable, Equatable {
        let isAllowed: Bool
        /// Requests that would be let through now.
        let remaining: Int
        /// Nanoseconds until the bucket is full.
        let resetNanoseconds: Int64
        /// Nanoseconds until the next request is let through; zero when it would be now.
        let retryNanoseconds: Int64

        /// Until the bucket is full.
        var reset: Duration { .nanoseconds(resetNanoseconds) }
        /// Until the next request is let through.
        var retryAfter: Duration { .nanoseconds(retryNanoseconds) }
    }

    private var fullAt: Int64 = .min

    /// Asks for one request at a time of a monotonic clock, in nanoseconds.
    ///
    /// - Parameter gateways: how many share the policy: each has buckets that hold and get their
    ///   share of it, so that all together give what it says. One request at a time there always is.
    mutating func take(_ policy: Policy, gateways: Int = 1, at now: Int64) -> Decision {
        let cost = policy.cost * Int64(max(1, gateways))
        let span = max(policy.span, cost)
        let from = max(fullAt, now)
        let wanted = from + cost
        let isAllowed = wanted - now <= span
        if isAllowed { fullAt = wanted }
        let used = max(0, fullAt - now)
        let free = max(0, span - used)
        return Decision(
            isAllowed: isAllowed,
            remaining: Int(free / cost),
            resetNanoseconds: used,
            retryNanoseconds: max(0, cost - free)
        )
    }

    /// Whether this one is full sooner than another.
    func isFuller(than other: TokenBucket) -> Bool { fullAt < other.fullAt }

    /// Whether the bucket says no more than a fresh one.
    func isFull(at now: Int64) -> Bool { fullAt <= now }
}
