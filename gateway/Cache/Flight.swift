internal import HTTP
internal import Reactor
internal import Synchronization

/// One call to the origin that several requests wait for.
final class Flight: Sendable {
    /// What the call came to, for those who wait.
    enum Outcome: Sendable {
        /// The answer, which is for whoever it fits.
        case stored(StoredResponse)
        /// The answer is for nobody else: each asks for itself, all at once.
        case notShared
        /// The same, and the next one may well be shared.
        case notThisTime
        /// The origin did not answer.
        case failed(Problem)
        /// The origin answered that it fails, and what is kept stands in.
        case failing(Status)
        /// The one who asked has left.
        case abandoned
    }

    /// The most requests that wait for one call; more ask for themselves.
    static let followerLimit = 4096

    let outcome = OneShot<Outcome>()
    private let followers = Atomic<Int>(0)

    /// Takes a place among those who wait; false when there is none.
    func join() -> Bool {
        followers.add(1, ordering: .relaxed).newValue <= Self.followerLimit
    }
}

/// The duty to end a flight.
///
/// Whoever lets go of it without a word has left.
final class FlightLead: Sendable {
    private let key: CacheKey
    private let cache: EdgeCache
    private let flight: Flight

    init(_ key: CacheKey, _ flight: Flight, _ cache: EdgeCache) {
        self.key = key
        self.flight = flight
        self.cache = cache
    }

    deinit { finish(.abandoned) }

    /// Ends the flight; only the first word counts.
    func finish(_ outcome: Flight.Outcome) {
        cache.finish(key, flight, outcome)
        flight.outcome.resolve(outcome)
    }
}
