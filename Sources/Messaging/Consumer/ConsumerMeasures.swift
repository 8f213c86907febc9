internal import Reactor
internal import Synchronization
internal import Telemetry

/// What a consumer tells the outside about itself: how far behind it is, and what it has set aside.
final class ConsumerMeasures: Sendable {
    private struct State {
        /// Nil while another replica follows.
        var backlog: Backlog?
        /// When the feed said so.
        var saidAt = ContinuousClock.now
        var parked = 0
        var stopped: String?
    }

    /// An answer older than this is no answer: the time since then counts as being behind.
    private static let fresh = Duration.seconds(15)

    let applied: Counter
    let parkedTotal: Counter
    private let state = Mutex(State())

    init(_ metrics: Metrics, feed: String) {
        applied = metrics.counters(
            "events_applied_total",
            "Events applied, by feed.",
            labels: ["feed"]
        ).with(feed)
        parkedTotal = metrics.counters(
            "events_parked_total",
            "Events set aside because they, or one before them of their subject, cannot be applied.",
            labels: ["feed"]
        ).with(feed)
        let gauges: [(String, String, @Sendable (State) -> Double?)] = [
            (
                "events_behind", "Events of a feed that were not applied yet, about.",
                { $0.backlog.map { Double($0.events) } }
            ),
            (
                "events_behind_seconds", "How long the oldest event not applied yet has waited.",
                Self.seconds
            ),
            (
                "events_parked", "Events that are set aside and wait for an operator.",
                { $0.backlog == nil ? nil : Double($0.parked) }
            ),
            (
                "events_consumer_stopped", "1 when the consumer waits for an operator.",
                { $0.stopped == nil ? 0 : 1 }
            ),
        ]
        for (name, help, read) in gauges {
            metrics.collect(name, help, labels: ["feed"]) { [weak self] in
                guard let self, let value = self.state.withLock({ read($0) }) else { return [] }
                return [Sample([feed], value)]
            }
        }
    }

    private static func seconds(_ state: State) -> Double? {
        guard let backlog = state.backlog else { return nil }
        let waited = Double(backlog.milliseconds) / 1000
        let silence = ContinuousClock.now - state.saidAt
        guard backlog.events > 0 || silence > fresh else { return waited }
        return waited + silence / .seconds(1)
    }

    /// What lies behind the page that was applied.
    func note(_ backlog: Backlog?) {
        state.withLock { state in
            state.backlog = backlog ?? Backlog(events: 0, milliseconds: 0)
            state.saidAt = .now
            state.stopped = nil
        }
    }

    /// Another replica follows, and tells.
    func noteNotOurs() {
        state.withLock { state in
            state.backlog = nil
            state.stopped = nil
        }
    }

    func note(parked: Int) { state.withLock { $0.parked = parked } }

    /// The consumer waits for an operator; true when it did not before.
    func noteStopped(_ reason: String) -> Bool {
        state.withLock { state in
            defer { state.stopped = reason }
            return state.stopped != reason
        }
    }
}
