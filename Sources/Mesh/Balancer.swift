/// Chooses an instance: of two random ones, the one with fewer calls in flight.
public enum Balancer {
    /// How the instance for a call is found.
    public enum Kind: String, Sendable, CaseIterable {
        /// The less busy of two random ones.
        case leastRequests = "least-requests"
        /// The one that a hash of the request's target names, by ``HashRing``: where each instance
        /// profits from seeing the same requests again, because it caches.
        case ring
    }

    /// What the choice depends on.
    public struct Candidate: Sendable {
        /// Calls in flight to the instance.
        public let inFlight: Int
        /// Whether health checks say it should get none.
        public let isOut: Bool
        /// Whether this call has tried it, or its breaker just refused.
        public var isExcluded: Bool
        /// The share of its calls that it should get, less than 1 while it warms up.
        public let weight: Double

        /// Describes an instance.
        public init(
            inFlight: Int,
            isOut: Bool = false,
            isExcluded: Bool = false,
            weight: Double = 1
        ) {
            self.inFlight = inFlight
            self.isOut = isOut
            self.isExcluded = isExcluded
            self.weight = weight
        }
    }

    /// Whether so many are out that health checks are no longer believed: more than half.
    public static func isPanic(_ candidates: [Candidate]) -> Bool {
        var out = 0
        for candidate in candidates where candidate.isOut { out += 1 }
        return out * 2 > candidates.count
    }

    /// The index of the instance to call; `nil` when none is left.
    ///
    /// Instances that are out are passed over unless it is a panic, then all are used: better some
    /// failures than the few that are left drowned, or nobody asked at all. One that warms up passes
    /// some of the calls that it would get on to the other of its pair.
    public static func choose(
        _ candidates: [Candidate],
        using generator: inout some RandomNumberGenerator
    ) -> Int? {
        let panic = isPanic(candidates)
        var usable = 0
        for candidate in candidates where isUsable(candidate, panic) { usable += 1 }
        guard usable > 0 else { return nil }
        let first = Int.random(in: 0..<usable, using: &generator)
        guard usable > 1 else { return index(of: first, in: candidates, panic) }
        // Two different ones, each pair as likely as any other.
        var second = Int.random(in: 0..<(usable - 1), using: &generator)
        if second >= first { second += 1 }
        guard let one = index(of: first, in: candidates, panic),
            let other = index(of: second, in: candidates, panic)
        else { return nil }
        let isOther = candidates[other].inFlight < candidates[one].inFlight
        let (chosen, spare) = isOther ? (other, one) : (one, other)
        let weight = candidates[chosen].weight
        guard weight < candidates[spare].weight else { return chosen }
        return Double.random(in: 0..<1, using: &generator) < weight ? chosen : spare
    }

    static func isUsable(_ candidate: Candidate, _ panic: Bool) -> Bool {
        !candidate.isExcluded && (panic || !candidate.isOut)
    }

    private static func index(of position: Int, in candidates: [Candidate], _ panic: Bool) -> Int? {
        var seen = 0
        for (index, candidate) in candidates.enumerated() where isUsable(candidate, panic) {
            if seen == position { return index }
            seen += 1
        }
        return nil
    }
}
