internal import Glibc

/// Ctrl-C, SIGTERM and a lost terminal, taken when we wait and never in between.
///
/// `stack up` blocks these signals and looks for them at every pause, so that no half-started
/// process is forgotten: whatever was started is in the state file by the time a signal counts.
enum Interrupts {
    private static let watched: [Int32] = [SIGINT, SIGTERM, SIGHUP]

    /// From here on the watched signals wait until somebody pauses.
    static func block() {
        var set = emptySet()
        // Safe: both calls only read or write the set, which outlives them.
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// A broken pipe is an error to report, not a reason to die.
    static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits; throws when a watched signal came before or meanwhile.
    static func pause(_ length: Duration) throws(StackError) {
        var set = emptySet()
        var limit = timespec(length)
        // Safe: set and limit outlive the call; no siginfo is asked for.
        let signal = unsafe sigtimedwait(&set, nil, &limit)
        if signal > 0 { throw .interrupted(signal) }
    }

    /// Waits, signals or not: for the way down, which must be finished.
    static func rest(_ length: Duration) {
        var limit = timespec(length)
        // Safe: limit outlives the call; the remainder is not wanted.
        unsafe nanosleep(&limit, nil)
    }

    private static func emptySet() -> sigset_t {
        var set = sigset_t()
        // Safe: the set is a local value that outlives each call.
        unsafe sigemptyset(&set)
        for signal in watched {
            unsafe sigaddset(&set, signal)
        }
        return set
    }
}

extension timespec {
    /// The same length of time for the kernel.
    init(_ length: Duration) {
        let (seconds, attoseconds) = length.components
        self.init(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    }
}
