internal import Glibc
internal import Synchronization

/// The time of day as this process believes it: what tokens, events and orders are stamped with.
///
/// It is the machine's, unless an injected fault says otherwise: services must stay right when their
/// clocks are wrong. A process has one clock, so this is the one value that is shared by all of it.
public enum ProcessClock {
    private static let offset = Atomic<Int64>(0)
    private static let end = Atomic<UInt64>(.max)

    /// Milliseconds since 1970.
    public static var milliseconds: Int64 {
        var time = timespec()
        // The kernel fills the struct that lives on this stack frame.
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        let real = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        let offset = offset.load(ordering: .relaxed)
        guard offset != 0, Deadline.now.nanoseconds < end.load(ordering: .relaxed) else {
            return real
        }
        return real + offset
    }

    /// Whole seconds since 1970.
    public static var seconds: Int64 {
        let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        return rest < 0 ? seconds - 1 : seconds
    }

    /// Puts the clock wrong by so much until a deadline; zero puts it right.
    public static func shift(by offset: Duration, until deadline: Deadline = .never) {
        Self.offset.store(Int64(offset / .milliseconds(1)), ordering: .relaxed)
        end.store(deadline.nanoseconds, ordering: .relaxed)
    }
}
