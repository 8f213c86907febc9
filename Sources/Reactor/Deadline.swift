import Glibc

/// A point in time by which something must have ended.
///
/// It counts nanoseconds of `CLOCK_MONOTONIC`, so a step of the wall clock moves no deadline.
/// Deadlines travel down: a call takes the earlier of its own limit and its caller's.
public struct Deadline: Sendable, Hashable, Comparable {
    /// Nanoseconds of the monotonic clock.
    public let nanoseconds: UInt64

    /// Makes the deadline that lies at `nanoseconds` of the monotonic clock.
    public init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// The deadline of whoever called; `.never` when nobody set one.
    @TaskLocal public static var current: Deadline = .never

    /// No deadline at all.
    public static let never = Deadline(nanoseconds: .max)

    /// The present instant.
    public static var now: Deadline {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Deadline(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    /// The instant that lies `duration` ahead; a negative duration means now.
    public static func after(_ duration: Duration) -> Deadline {
        now.advanced(by: duration)
    }

    /// The instant `duration` later, saturating at `.never`.
    public func advanced(by duration: Duration) -> Deadline {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return overflow ? .never : Deadline(nanoseconds: sum)
    }

    /// The instant so many nanoseconds later, saturating at `.never`: for hot paths, because dividing
    /// a `Duration` costs more than reading the clock.
    public func advanced(byNanoseconds nanoseconds: UInt64) -> Deadline {
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
        return overflow ? .never : Deadline(nanoseconds: sum)
    }

    /// Whether the instant has come.
    public var hasPassed: Bool { self != .never && Deadline.now >= self }

    /// What is left until the instant: zero once it has passed, about 292 years for `.never`.
    public var remaining: Duration {
        let now = Deadline.now
        guard self > now else { return .zero }
        return .nanoseconds(Int64(clamping: nanoseconds - now.nanoseconds))
    }

    /// The earlier one of the two.
    public func or(earlier other: Deadline) -> Deadline { min(self, other) }

    /// Whether `left` comes first.
    public static func < (left: Deadline, right: Deadline) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

extension Duration {
    /// The duration in whole nanoseconds, zero when negative, saturating at the largest number.
    public var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (scaled, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return .max }
        let (sum, carried) = scaled.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000)
        return carried ? .max : sum
    }

    /// The duration in whole milliseconds, rounded down, zero when negative.
    public var wholeMilliseconds: UInt64 { wholeNanoseconds / 1_000_000 }
}
