internal import Glibc

/// What signals ask of an experiment, which may have broken something that is to be mended first.
struct Interruption: Sendable, Equatable {
    /// Ctrl-C, the polite request to end, and the loss of the terminal.
    static let signals = [SIGINT, SIGTERM, SIGHUP]

    /// What is done about a signal.
    enum Answer: Sendable, Equatable {
        /// End what goes on, and mend.
        case mend
        /// Nothing new: it is being mended already.
        case goOn
        /// End at once, mended or not: somebody at the keyboard insists.
        case leave
    }

    /// The first signal that came.
    private(set) var first: Int32?

    /// Takes the next signal.
    mutating func take(_ signal: Int32) -> Answer {
        guard first != nil else {
            first = signal
            return .mend
        }
        // A terminal that goes says so several times, and supervisors repeat themselves.
        return signal == SIGINT ? .leave : .goOn
    }

    /// What a shell expects of whom a signal ended.
    static func code(_ signal: Int32) -> Int32 { 128 + signal }
}
