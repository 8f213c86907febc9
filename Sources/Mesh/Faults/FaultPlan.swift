public import HTTP

/// The rules in force, and what they make of each request.
///
/// Pure: times of a monotonic clock are passed in, and chance comes from the seed. Each rule draws from
/// a sequence of its own, which depends on the seed, its name and the number of requests that fitted it
/// before: the same requests in the same order meet the same faults, whatever other rules there are.
public struct FaultPlan: Sendable {
    /// A request, as far as rules ask.
    public struct Facts: Sendable {
        let side: FaultRule.Side
        let method: Method
        let path: [String]
        let peer: String?

        /// Describes a request; its path comes in segments, decoded.
        public init(_ side: FaultRule.Side, _ method: Method, path: [String], peer: String?) {
            (self.side, self.method, self.path, self.peer) = (side, method, path, peer)
        }
    }

    /// A rule and what became of it so far.
    public struct Entry: Sendable {
        /// The rule.
        public let rule: FaultRule
        /// Requests that fitted it while it was in force.
        public fileprivate(set) var seen = 0
        /// Requests to which it did something.
        public fileprivate(set) var fired = 0
        fileprivate var generator: SplitMix64
        fileprivate let end: Duration?

        /// Whether it may still do something.
        public func isActive(at now: Duration) -> Bool {
            fired < rule.count ?? .max && end.map { now < $0 } ?? true
        }

        /// How long it stays in force; nil for ever.
        public func remaining(at now: Duration) -> Duration? { end.map { max(.zero, $0 - now) } }
    }

    /// The most rules.
    public static let limit = 100

    /// What chance depends on.
    public private(set) var seed: UInt64
    /// All rules, in the order in which they came.
    public private(set) var entries: [Entry] = []

    /// No rules.
    public init(seed: UInt64 = 1) { self.seed = seed }

    /// Adds a rule, in place of one with the same name; false when there are too many.
    ///
    /// Rules that have done their work make room for new ones.
    public mutating func add(_ rule: FaultRule, at now: Duration) -> Bool {
        let entry = Entry(
            rule: rule,
            generator: SplitMix64(seed: seed, name: rule.name),
            end: rule.duration.map { now + $0 }
        )
        if let index = entries.firstIndex(where: { $0.rule.name == rule.name }) {
            entries[index] = entry
            return true
        }
        if entries.count >= Self.limit { entries.removeAll { !$0.isActive(at: now) } }
        guard entries.count < Self.limit else { return false }
        entries.append(entry)
        return true
    }

    /// Takes a rule away; false when there is none of that name.
    public mutating func remove(_ name: String) -> Bool {
        guard let index = entries.firstIndex(where: { $0.rule.name == name }) else { return false }
        entries.remove(at: index)
        return true
    }

    /// What is to be done with a request; counts it.
    public mutating func decide(_ facts: Facts, at now: Duration) -> FaultActions {
        var decided = FaultActions()
        let hits = entries.indices.filter { isHit($0, facts, at: now) }
        var fired: Set<Int> = []
        for index in hits {
            for action in entries[index].rule.actions {
                let isDone = decided.begin(action, using: &entries[index].generator)
                if isDone { fired.insert(index) }
            }
        }
        // What is done to an answer needs one.
        for index in hits where decided.fate == .proceed {
            for action in entries[index].rule.actions where decided.end(action) {
                fired.insert(index)
            }
        }
        for index in fired { entries[index].fired += 1 }
        return decided
    }

    /// How far the process's clock is to be off, with all rules together, and for how long.
    public func clockOffset(at now: Duration) -> (by: Duration, until: Duration?) {
        var offset = Duration.zero
        var end: Duration?
        for entry in entries where entry.isActive(at: now) {
            for case .clockOffset(let duration) in entry.rule.actions {
                offset += duration
                if let ends = entry.end { end = min(end ?? ends, ends) }
            }
        }
        return (offset, end)
    }

    private mutating func isHit(_ index: Int, _ facts: Facts, at now: Duration) -> Bool {
        let rule = entries[index].rule
        guard entries[index].isActive(at: now), rule.fits(facts) else { return false }
        entries[index].seen += 1
        // Drawn for every request that fits, so that the sequence does not depend on the rest.
        let chance = Double.random(in: 0..<100, using: &entries[index].generator)
        return entries[index].seen > rule.skip && chance < rule.percent
    }
}

extension FaultRule {
    func fits(_ facts: FaultPlan.Facts) -> Bool {
        guard side == facts.side, peer == nil || peer == facts.peer, !isForClock else {
            return false
        }
        // A process that answers no health check is soon asked nothing at all.
        guard let route else { return facts.path.first != "health" }
        return route.matches(facts.method, facts.path)
    }

    private var isForClock: Bool {
        if case .clockOffset = actions.first { true } else { false }
    }
}

/// What is to be done with one request.
public struct FaultActions: Sendable, Equatable {
    /// Whether a request is handled, and if not, what takes the place of an answer.
    public enum Fate: Sendable, Equatable {
        /// It is handled.
        case proceed
        /// This status.
        case answer(Status)
        /// A reset connection.
        case reset
        /// A connection that ends.
        case drop
    }

    /// How long it waits first.
    public var delay = Duration.zero
    /// What comes then.
    public var fate = Fate.proceed
    /// Whether it is handled twice.
    public var duplicates = false
    /// Whether its answer is lost.
    public var dropsReply = false
    /// How fast its answer's content comes; nil for as fast as it can.
    public var bytesPerSecond: Int?

    /// Nothing.
    public init() {}

    /// Whether all goes its usual way.
    public var isNothing: Bool { self == FaultActions() }

    /// What happens before a request is handled; false when the action is not of that kind, or comes too
    /// late.
    mutating func begin(
        _ action: FaultRule.Action,
        using generator: inout SplitMix64
    ) -> Bool {
        switch action {
        case .latency(let latency):
            delay = min(delay + latency.sample(using: &generator), FaultLatency.most)
            return true
        case .error(let status): return end(with: .answer(status))
        case .reset: return end(with: .reset)
        case .dropRequest: return end(with: .drop)
        case .dropReply, .duplicate, .slowBody, .clockOffset: return false
        }
    }

    private mutating func end(with fate: Fate) -> Bool {
        guard self.fate == .proceed else { return false }
        self.fate = fate
        return true
    }

    /// What happens to a request that is handled; false when the action is not of that kind.
    mutating func end(_ action: FaultRule.Action) -> Bool {
        switch action {
        case .dropReply: dropsReply = true
        case .duplicate: duplicates = true
        case .slowBody(let rate): bytesPerSecond = min(bytesPerSecond ?? rate, rate)
        case .latency, .error, .reset, .dropRequest, .clockOffset: return false
        }
        return true
    }
}
