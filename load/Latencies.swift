/// Durations in buckets that are at most 1.6% wide, however long the durations: 64 for each power of
/// two of microseconds, so memory stays constant.
struct Latencies: Sendable, Equatable {
    private static let subBuckets: UInt64 = 64
    private var counts = [UInt64](repeating: 0, count: 64 * 40)
    private(set) var count: UInt64 = 0
    private(set) var longest: Duration = .zero

    /// Counts one duration; a negative one counts as none.
    mutating func record(_ duration: Duration) {
        let microseconds = UInt64(max(0, duration / .microseconds(1)))
        let bucket = min(Self.bucket(of: microseconds), counts.count - 1)
        counts[bucket] += 1
        count += 1
        longest = max(longest, duration)
    }

    /// Adds what another one counted.
    mutating func add(_ other: Latencies) {
        for (index, more) in other.counts.enumerated() { counts[index] += more }
        count += other.count
        longest = max(longest, other.longest)
    }

    /// The duration that this share of all stayed below or at, to the bucket's upper end; zero when
    /// nothing was counted.
    ///
    /// - Parameter share: from 0 to 1; 0.99 is the 99th percentile.
    func percentile(_ share: Double) -> Duration {
        guard count > 0 else { return .zero }
        let rank = max(1, UInt64((Double(count) * share).rounded(.up)))
        var seen: UInt64 = 0
        for (bucket, count) in counts.enumerated() {
            seen += count
            if seen >= rank { return min(.microseconds(Self.upperEnd(of: bucket)), longest) }
        }
        return longest
    }

    /// Below 64 µs a bucket for each; above, the leading six bits behind the first choose it.
    static func bucket(of microseconds: UInt64) -> Int {
        guard microseconds >= subBuckets else { return Int(microseconds) }
        let exponent = 63 - microseconds.leadingZeroBitCount
        let shift = exponent - 6
        let sub = (microseconds >> UInt64(shift)) - subBuckets
        return (shift + 1) * Int(subBuckets) + Int(sub)
    }

    static func upperEnd(of bucket: Int) -> Int64 {
        let width = Int(subBuckets)
        guard bucket >= width else { return Int64(bucket) }
        let shift = bucket / width - 1
        let sub = bucket % width + width
        return Int64((sub + 1) << shift) - 1
    }
}
