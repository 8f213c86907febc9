internal import HTTP
internal import Reactor
internal import Synchronization
internal import Telemetry

/// The answers that are kept, for all routes and loops together.
///
/// Keys are spread over shards with a lock each, held for no longer than a lookup takes, so that loops
/// seldom meet.
final class EdgeCache: Sendable {
    /// A shard and what is under way for its keys.
    private final class Cell: Sendable {
        struct State {
            var shard: CacheShard
            var flights: [CacheKey: Flight] = [:]
            /// Keys whose answers were not for sharing, and until when that is taken to be so.
            var unshared: [CacheKey: Int64] = [:]
        }

        let state: Mutex<State>

        init(capacity: Int) { state = Mutex(State(shard: CacheShard(capacity: capacity))) }
    }

    /// What is kept now, and what has happened.
    struct Snapshot: Sendable {
        var entries = 0
        var bytes = 0
        var evictions = 0
        var flights = 0
    }

    /// What a request may do about a call that it needs.
    enum Joining: Sendable {
        /// Make it, for others too.
        case lead(FlightLead)
        /// Wait for it.
        case follow(Flight)
        /// Make it for itself.
        case alone
    }

    private static let shards = 16
    private static let flightLimit = 4096
    private static let unsharedLimit = 1024
    private static let unsharedTime: Int64 = 10_000_000_000
    private static let refreshLimit = 64

    let limits: CacheLimits
    let measures: CacheMeasures
    private let cells: [Cell]
    private let purges = Mutex(PurgeLog())
    private let lastPurge = Atomic<Int64>(.min)
    private let refreshes = Atomic<Int>(0)

    init(_ limits: CacheLimits = CacheLimits(), metrics: Metrics) {
        self.limits = limits
        measures = CacheMeasures(metrics)
        // A shard must have room for several of the longest.
        let count = max(1, min(Self.shards, limits.bytes / max(1, 4 * limits.entryBytes)))
        cells = (0..<count).map { _ in Cell(capacity: limits.bytes / count) }
        measures.collect(from: self, metrics)
    }

    static var now: Int64 { Int64(clamping: Deadline.now.nanoseconds) }

    // MARK: Answers

    /// The variants kept for a key.
    func find(_ key: CacheKey) -> [StoredResponse] {
        cell(key).state.withLock { $0.shard.find(key) }
    }

    /// What has become of an answer since it was asked for.
    func effect(on stored: StoredResponse, _ key: CacheKey) -> PurgeLog.Effect {
        guard stored.requested <= lastPurge.load(ordering: .acquiring) else { return .none }
        return purges.withLock { $0.effect(on: key.path, requested: stored.requested) }
    }

    /// Keeps an answer; one that was purged while it was on its way is not kept.
    func insert(_ stored: StoredResponse, for key: CacheKey) -> Bool {
        guard effect(on: stored, key) != .gone else { return false }
        return cell(key).state.withLock { state in
            state.unshared[key.narrowed(to: stored.variant)] = nil
            return state.shard.insert(stored, for: key)
        }
    }

    func remove(_ stored: StoredResponse, for key: CacheKey) {
        cell(key).state.withLock { $0.shard.remove(stored, for: key) }
    }

    // MARK: Purging

    /// Purges what is kept at a path, with any query and authority.
    func purge(path: String, _ effect: PurgeLog.Effect) {
        purges.withLock { log in
            log.purge(path: path, effect, at: Self.now)
            lastPurge.store(log.last, ordering: .releasing)
        }
        measures.purges.increment()
    }

    /// Purges all there is; what is gone gives its room back at once.
    func purgeEverything(_ effect: PurgeLog.Effect) {
        purges.withLock { log in
            log.purgeEverything(effect, at: Self.now)
            lastPurge.store(log.last, ordering: .releasing)
        }
        measures.purges.increment()
        guard effect == .gone else { return }
        for cell in cells { _ = cell.state.withLock { $0.shard.removeAll { _ in true } } }
    }

    // MARK: Calls under way

    /// - Parameters:
    ///   - key: narrowed to the variant that is wanted.
    ///   - anyhow: whether to lead even where answers were not for sharing.
    func join(_ key: CacheKey, anyhow: Bool = false) -> Joining {
        cell(key).state.withLock { state in
            if !anyhow, let until = state.unshared[key] {
                guard until < Self.now else { return .alone }
                state.unshared[key] = nil
            }
            if let flight = state.flights[key] { return flight.join() ? .follow(flight) : .alone }
            guard state.flights.count < Self.flightLimit else { return .alone }
            let flight = Flight()
            state.flights[key] = flight
            return .lead(FlightLead(key, flight, self))
        }
    }

    /// Takes a flight out of the table before those who wait learn of its end.
    func finish(_ key: CacheKey, _ flight: Flight, _ outcome: Flight.Outcome) {
        cell(key).state.withLock { state in
            guard state.flights[key] === flight else { return }
            state.flights[key] = nil
            guard case .notShared = outcome else { return }
            if state.unshared.count >= Self.unsharedLimit { state.unshared = [:] }
            state.unshared[key] = Self.now + Self.unsharedTime
        }
    }

    /// Takes a place for asking in the background; `endRefresh` follows if there is one.
    func beginRefresh() -> Bool {
        guard refreshes.add(1, ordering: .relaxed).newValue <= Self.refreshLimit else {
            endRefresh()
            return false
        }
        return true
    }

    func endRefresh() { refreshes.subtract(1, ordering: .relaxed) }

    var snapshot: Snapshot {
        cells.reduce(into: Snapshot()) { sum, cell in
            cell.state.withLock { state in
                sum.entries += state.shard.count
                sum.bytes += state.shard.bytes
                sum.evictions += state.shard.evictions
                sum.flights += state.flights.count
            }
        }
    }

    private func cell(_ key: CacheKey) -> Cell { cells[key.shard(of: cells.count)] }
}
