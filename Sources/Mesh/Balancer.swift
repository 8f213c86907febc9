/// Chooses an instance: of two random ones, the one with fewer calls in flight.
public enum Balancer {
    /// What the choice depends on.
    public struct Candidate: Sendable {
        /// Calls in flight to the instance.
        public let inFlight: Int
        /// Whether health checks say it should get none.
        public let isOut: Bool
        /// Whether this call has tried it, or its breaker just refused.
        public let isExcluded: Bool

        /// Describes an instance.
        public init(inFlight: Int, isOut: Bool = false, isExcluded: Bool = false) {
            self.inFlight = inFlight
            self.isOut = isOut
            self.isExcluded = isExcluded
        }
    }

    /// Whether so many are out that health checks are no longer believed: more than half.
    public static func isPanic(_ candidates: [Candidate]) -> Bool {
        candidates.count { $0.isOut } * 2 > candidates.count
    }

    /// The index of the instance to call; `nil` when none is left.
    ///
    /// Instances that are out are passed over unless it is a panic, then all are used: better some
    /// failures than the few that are left drowned, or nobody asked at all.
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
        return candidates[other].inFlight < candidates[one].inFlight ? other : one
    }

    private static func isUsable(_ candidate: Candidate, _ panic: Bool) -> Bool {
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
