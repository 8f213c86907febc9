/// Consistent hashing with bounded loads: each key has an instance of its own, and keeps it when others
/// come and go.
///
/// Instances lie at many points of a ring of numbers, by the hash of their address, so that every
/// process that calls them makes the same ring. A key belongs to the first instance from its own hash
/// on. Who has more than a quarter over the average in flight is passed over (Mirrokni, Thorup and
/// Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2016): a favourite key spills over to the
/// next instance, always the same one, rather than drown its own.
struct HashRing: Sendable {
    /// Points of each instance: shares differ by about a tenth.
    private static let pointsEach = 128
    /// How much more than the average an instance may have in flight.
    private static let excess = 1.25

    private var points: [(hash: UInt64, index: Int)] = []

    /// A ring of instances, by what tells them apart; its answers are their positions.
    init(_ names: [String]) {
        points.reserveCapacity(names.count * Self.pointsEach)
        for (index, name) in names.enumerated() {
            let base = Self.hash(name)
            for point in 0..<UInt64(Self.pointsEach) {
                points.append((Self.mix(base &+ point &* 0x9E37_79B9_7F4A_7C15), index))
            }
        }
        points.sort { $0.hash < $1.hash }
    }

    /// The key's instance; nil when all are out or excluded.
    ///
    /// A candidate that is warming up gets those of its keys whose hash falls into its share, so that
    /// they come over one by one and each for good.
    func choose(_ key: String, among candidates: [Balancer.Candidate]) -> Int? {
        let panic = Balancer.isPanic(candidates)
        let usable = candidates.count { Balancer.isUsable($0, panic) }
        guard usable > 0, !points.isEmpty else { return nil }
        let hash = Self.hash(key)
        let most = Self.mostInFlight(candidates, usable, panic)
        let share = Double(Self.mix(hash) >> 11) / Double(1 << 53)
        var fallback: Int?
        var seen = 0
        var passed = [Bool](repeating: false, count: candidates.count)
        let start = position(hash)
        for step in 0..<points.count where seen < usable {
            let index = points[(start + step) % points.count].index
            guard !passed[index], Balancer.isUsable(candidates[index], panic) else {
                continue
            }
            passed[index] = true
            seen += 1
            guard candidates[index].inFlight < most else { continue }
            if share < candidates[index].weight { return index }
            fallback = fallback ?? index
        }
        return fallback
    }

    /// With one more call than there are, no instance has more than this, and so one always has room.
    private static func mostInFlight(
        _ candidates: [Balancer.Candidate],
        _ usable: Int,
        _ panic: Bool
    ) -> Int {
        var total = 1
        for candidate in candidates where Balancer.isUsable(candidate, panic) {
            total += candidate.inFlight
        }
        return Int((excess * Double(total) / Double(usable)).rounded(.up))
    }

    /// The first point at or behind a hash, by bisection.
    private func position(_ hash: UInt64) -> Int {
        var low = 0
        var high = points.count
        while low < high {
            let middle = (low + high) / 2
            if points[middle].hash < hash { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// FNV-1a, mixed: the same in every process, unlike Swift's own hashes.
    private static func hash(_ text: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return mix(hash)
    }

    /// The finisher of SplitMix64.
    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
