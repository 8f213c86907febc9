internal import Glibc
public import Reactor

/// Turns the monotonic clock's readings into times of day, for those who compare processes.
///
/// Spans are measured with the monotonic clock, which no step of the wall clock moves.
public struct SpanClock: Sendable {
    private let offset: Int64

    /// The clock as it stands now.
    public init() {
        var time = timespec()
        // The kernel fills the struct that lives on this stack frame.
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        let wall = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        offset = wall - Int64(clamping: Deadline.now.nanoseconds)
    }

    /// A clock that is ahead of the monotonic one by so many nanoseconds.
    public init(offset: Int64) { self.offset = offset }

    /// Nanoseconds since 1970.
    public func unixNanoseconds(_ instant: Deadline) -> UInt64 {
        UInt64(clamping: Int64(clamping: instant.nanoseconds) + offset)
    }
}
