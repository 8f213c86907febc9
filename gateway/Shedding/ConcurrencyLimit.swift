internal import Glibc

/// How many requests an upstream may have at once, found out by how long they take.
///
/// Pure: times of a monotonic clock are passed in. The limit follows a gradient: the time that
/// requests should take at most, over the time that they take. Beyond what the upstream can do at
/// once requests only wait for each other, the gradient falls below one, and so does the limit. Times
/// are compared route by route with what the route takes in calm, so a change of what is asked for
/// is no change of load.
struct ConcurrencyLimit: Sendable {
    /// The numbers; see decision 23.
    struct Policy: Sendable, Equatable {
        /// Where the limit begins.
        var initial = 128.0
        /// Where it stays.
        var range = 4.0...1000
        /// How many times its calm time a request may take, beside the slack.
        var tolerance = 1.5
        /// A wait that is no overload: work in batches needs some to be worth it.
        var slack: Duration = .milliseconds(200)
        /// How much of a step is made at once.
        var smoothing = 0.2
        /// The least time and number of samples that a step is based on.
        var window: Duration = .milliseconds(50)
        var samples = 20
        /// Up to which share of the limit each priority is let in.
        var shares = PerPriority(low: 0.8, normal: 0.9, high: 1)
        /// Which share each has for itself, even when those above it take all the rest.
        var floors = PerPriority(low: 1.0 / 16, normal: 1.0 / 8, high: 0)
        /// Up to which share of the limit there is calm.
        var calm = 0.1
        /// How long an upstream may be crowded until calm is made, for how long at most, and the
        /// calm samples that end it.
        var probeInterval: Duration = .seconds(30)
        var probeTime: Duration = .milliseconds(500)
        var probeSamples = 32

        init() {}
    }

    /// A request's leave to go on; it goes back to ``leave(_:isSample:at:)`` exactly once.
    struct Permit: Sendable, Equatable {
        let priority: Priority
        /// Which of the upstream's routes it is.
        let lane: Int
        let startedAt: Duration
        let isCalm: Bool
    }

    private struct Lane {
        var calm = CalmLatency()
        /// The logarithm of the seconds that a request should take at most.
        var target = 0.0
    }

    private struct Window {
        var start: Duration?
        var sum = 0.0
        var count = 0
        var peak = 0
        var wasFull = false
    }

    let policy: Policy
    private(set) var limit: Double
    private(set) var inFlight = PerPriority(0)
    private(set) var refused = PerPriority(0)
    /// The last window's times over what they should be at most.
    private(set) var slowdown = 0.0
    private var total = 0
    private var lanes: [Int: Lane] = [:]
    private var window = Window()
    private var calmSamples = 0
    private var lastCalm: Duration?
    private var probeEnd: Duration?

    init(policy: Policy = Policy()) {
        self.policy = policy
        limit = policy.initial
    }

    /// Whether requests are held back to see how long they take in calm.
    var isProbing: Bool { probeEnd != nil }

    /// Seconds that each route takes in calm, as far as it is known.
    var calmSeconds: [Int: Double] { lanes.compactMapValues(\.calm.seconds) }

    // MARK: Letting in

    /// Asks for a place; nil when the request is better refused at once than served late.
    ///
    /// - Parameter yielding: how much of its share the priority gets while others are preferred.
    mutating func enter(
        _ priority: Priority,
        lane: Int,
        yielding: Double = 1,
        at now: Duration
    ) -> Permit? {
        if let probeEnd, now >= probeEnd { endProbe(at: now) }
        guard hasRoom(for: priority, yielding) else {
            refused[priority] += 1
            window.wasFull = true
            return nil
        }
        total += 1
        inFlight[priority] += 1
        window.peak = max(window.peak, total)
        return Permit(
            priority: priority,
            lane: lane,
            startedAt: now,
            isCalm: Double(total) <= calmLevel
        )
    }

    private var calmLevel: Double { max(policy.range.lowerBound, limit * policy.calm) }

    private func hasRoom(for priority: Priority, _ yielding: Double) -> Bool {
        guard total > 0 else { return true }
        let share = limit * policy.shares[priority] * yielding
        // What matters most waits for a measurement only where it is the crowd itself.
        if isProbing, priority == .high { return Double(inFlight[.high]) < min(share, calmLevel) }
        if isProbing { return Double(total) < min(share, calmLevel) }
        let floor = limit * policy.floors[priority]
        return Double(total) < share || (floor > 0 && Double(inFlight[priority]) < max(1, floor))
    }

    // MARK: Learning

    /// Gives a place back.
    ///
    /// - Parameter isSample: whether the time that it took says something about load.
    mutating func leave(_ permit: Permit, isSample: Bool, at now: Duration) {
        precondition(inFlight[permit.priority] > 0, "a place is given back once")
        // What began in calm and ended in a crowd was slowed down by the crowd.
        let isCalm = permit.isCalm && Double(total) <= calmLevel
        total -= 1
        inFlight[permit.priority] -= 1
        guard isSample else { return }
        let seconds = max((now - permit.startedAt) / .seconds(1), 1e-6)
        var lane = lanes[permit.lane] ?? Lane()
        if lane.calm.note(seconds, isCalm: isCalm), let calm = lane.calm.seconds {
            lane.target = log(policy.tolerance * calm + policy.slack / .seconds(1))
            lanes[permit.lane] = lane
        }
        if isCalm { noteCalm(at: now) }
        let start = window.start ?? now
        window.start = start
        window.sum += log(seconds) - lane.target
        window.count += 1
        if window.count >= policy.samples, now - start >= policy.window { step(at: now) }
    }

    private mutating func noteCalm(at now: Duration) {
        calmSamples += 1
        guard calmSamples >= policy.probeSamples else { return }
        calmSamples = 0
        lastCalm = now
        if isProbing { endProbe(at: now) }
    }

    /// Moves the limit by what the window's requests took.
    private mutating func step(at now: Duration) {
        defer { restart(at: now) }
        let mean = window.sum / Double(window.count)
        slowdown = exp(mean)
        guard !isProbing else { return }
        // While it is not used, nothing can be learned about the limit.
        if Double(window.peak) >= limit / 2 {
            let gradient = min(max(exp(-mean), 0.5), 1)
            let next = limit * gradient + limit.squareRoot()
            limit += policy.smoothing * (next - limit)
            limit = min(max(limit, policy.range.lowerBound), policy.range.upperBound)
        }
        if window.wasFull, lastCalm.map({ now - $0 >= policy.probeInterval }) ?? true {
            calmSamples = 0
            probeEnd = now + policy.probeTime
        }
    }

    private mutating func endProbe(at now: Duration) {
        probeEnd = nil
        lastCalm = now
        restart(at: now)
    }

    private mutating func restart(at now: Duration) {
        window = Window()
        window.start = now
        window.peak = total
    }
}
