/// How long to wait before the next attempt: doubling up to a limit, half of it random.
struct Backoff {
    let first: Duration
    let limit: Duration
    private(set) var attempts = 0

    init(first: Duration = .milliseconds(50), limit: Duration = .seconds(1)) {
        self.first = first
        self.limit = limit
    }

    /// The next wait; the random half keeps callers that failed together from coming back together.
    mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
        var wait = first
        for _ in 0..<min(attempts, 16) where wait < limit { wait *= 2 }
        attempts += 1
        return min(wait, limit) * Double.random(in: 0.5...1, using: &random)
    }

    mutating func reset() {
        attempts = 0
    }
}
