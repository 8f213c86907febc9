/// When the key set is fetched again: every minute, and on an unknown key at most every five seconds.
///
/// Pure: the caller passes the time of a monotonic clock.
struct KeyRefresh: Sendable {
    /// How old keys get when nothing happens.
    var interval: Duration = .seconds(60)
    /// The least time between two looks on the word of tokens, which anybody can make up.
    var leastPause: Duration = .seconds(5)
    /// The first wait after a failure; it doubles up to a twelfth of the interval, but not before a first
    /// fetch has succeeded: a gateway without keys lets nobody in.
    var firstRetry: Duration = .milliseconds(250)

    private var lastAsked: Duration?
    private var failures = 0
    private var hasKeys = false

    init() {}

    /// Whether a token's unknown key justifies a look now; notes the look if so.
    mutating func mayAsk(at now: Duration) -> Bool {
        if let lastAsked, now < lastAsked + leastPause { return false }
        lastAsked = now
        return true
    }

    /// Takes note of a fetch's result; returns the wait until the next.
    mutating func fetched(_ succeeded: Bool) -> Duration {
        guard !succeeded else {
            failures = 0
            hasKeys = true
            return interval
        }
        guard hasKeys else { return firstRetry }
        failures = min(failures + 1, 16)
        return min(firstRetry * (1 << (failures - 1)), interval / 12)
    }
}
