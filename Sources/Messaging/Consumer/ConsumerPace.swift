internal import Postgres

/// How many events a consumer takes at a time, and what it does about a failure.
///
/// A page that fails is halved until the event that fails stands alone; that one is tried again a few
/// times and then given up, so that it costs the others seconds, not for ever. What is only weather,
/// such as a database that is away, is waited for without end.
struct ConsumerPace: Sendable, Equatable {
    /// What to do after a failure.
    enum Verdict: Sendable, Equatable {
        /// Wait so long (before jitter), then ask again, for `limit` events.
        case wait(Duration)
        /// The page's only event is given up after so many tries.
        case park(attempts: Int)
    }

    /// The most events of a page.
    static let maxLimit = 500
    /// Tries of one event before it is parked.
    static let maxAttempts = 5
    /// The first wait; it doubles with each failure.
    static let firstWait = Duration.milliseconds(100)
    /// The longest wait: a producer that comes back is followed again this soon.
    static let maxWait = Duration.seconds(1)

    /// The time between the beginnings of two turns while there is less than a page to take: each turn
    /// costs the same however few events it brings.
    static let rhythm = Duration.milliseconds(200)

    /// How many events to ask for.
    private(set) var limit = maxLimit
    private var failures = 0
    private var attempts = 0

    /// A page was applied, or there was nothing to apply.
    mutating func succeeded() {
        limit = min(limit * 2, Self.maxLimit)
        failures = 0
        attempts = 0
    }

    /// A page was applied, and about so many events lie behind it; how long after its beginning the next
    /// turn is due.
    mutating func applied(behind: Int64) -> Duration {
        let isFull = behind >= Int64(limit)
        succeeded()
        return isFull ? .zero : Self.rhythm
    }

    /// The feed could not be asked.
    mutating func missed() -> Duration {
        failures += 1
        return Self.wait(failures)
    }

    /// A page of so many events could not be applied.
    mutating func failed(_ error: DatabaseError, events: Int) -> Verdict {
        guard Self.isTheEvents(error) else { return .wait(missed()) }
        failures = 0
        guard events == 1 else {
            limit = max(1, min(limit, events) / 2)
            return .wait(.zero)
        }
        attempts += 1
        guard attempts < Self.maxAttempts else { return .park(attempts: attempts) }
        return .wait(Self.wait(attempts))
    }

    /// Whether trying the same events again is likely to fail again.
    ///
    /// A timeout counts: an event whose statements never end in time would stop the feed for ever,
    /// and a database that is slow for all is too slow to park anything as well.
    static func isTheEvents(_ error: DatabaseError) -> Bool {
        switch error {
        case .constraint, .server, .decoding, .timedOut: true
        case .unavailable, .cancelled, .overloaded, .serialization, .outcomeUnknown: false
        }
    }

    private static func wait(_ failures: Int) -> Duration {
        min(firstWait * (1 << min(failures - 1, 10)), maxWait)
    }
}
