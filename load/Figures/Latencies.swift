internal import Reactor

/// Durations in buckets that are at most 0.1% wide, however long the durations, as HdrHistogram keeps
/// them with three digits: 1024 buckets for each power of two of microseconds.
struct Latencies: Sendable, Equatable {
    private static let subBits = 10
    private static let subBuckets = UInt64(1) << UInt64(subBits)
    /// Twelve days; whatever is longer counts as that.
    private static let longestMicroseconds = (UInt64(1) << 40) - 1

    /// As many buckets as the longest duration needed so far.
    private var counts: [UInt64] = []
    private(set) var count: UInt64 = 0
    private(set) var longest: Duration = .zero

    /// Counts one duration; a negative one counts as none.
    mutating func record(_ duration: Duration) {
        let microseconds = min(duration.wholeNanoseconds / 1000, Self.longestMicroseconds)
        let bucket = Self.bucket(of: microseconds)
        if bucket >= counts.count {
            counts += [UInt64](repeating: 0, count: bucket + 1 - counts.count)
        }
        counts[bucket] += 1
        count += 1
        longest = max(longest, duration)
    }

    /// Counts a duration, and those that were never begun because of it: who meant to ask every
    /// `interval` and waited longer for an answer would have waited the rest for the next one, and so on.
    ///
    /// This is HdrHistogram's correction of coordinated omission, for askers that wait for answers. Where
    /// each duration is counted from when its request was due, nothing is omitted.
    mutating func record(_ duration: Duration, expecting interval: Duration) {
        record(duration)
        guard interval > .zero else { return }
        var missed = duration - interval
        while missed >= interval {
            record(missed)
            missed -= interval
        }
    }

    /// Adds what another one counted.
    mutating func add(_ other: Latencies) {
        if other.counts.count > counts.count {
            counts += [UInt64](repeating: 0, count: other.counts.count - counts.count)
        }
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

    /// Below 1024 µs a bucket for each; above, the leading ten bits behind the first choose it.
    static func bucket(of microseconds: UInt64) -> Int {
        guard microseconds >= subBuckets else { return Int(microseconds) }
        let shift = 63 - microseconds.leadingZeroBitCount - subBits
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
