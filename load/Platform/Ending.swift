internal import Glibc
internal import Reactor

extension Program {
    /// When a program is told to end.
    struct Limits: Sendable {
        /// How long it may take.
        var time = Duration.seconds(120)
        /// How long it may take to end once it is told to; then it is killed.
        ///
        /// A client of Docker stops its container meanwhile.
        var grace = Duration.seconds(20)
        /// Whether it ends with the task that waits for it: for what only looks.
        ///
        /// Whatever changes something is left to finish, so that there is something whole to mend.
        var endsWithTask = false

        /// For what only looks.
        static let looking = Limits(endsWithTask: true)

        /// For the oracle, which waits for so many seconds before it looks.
        static func verifying(_ wait: Int) -> Limits {
            Limits(time: .seconds(wait + 300), endsWithTask: true)
        }
    }

    /// Decides which signal a program that goes on is due: politely first, and each once.
    struct Ending: Sendable {
        private let end: Deadline
        private let grace: Duration
        private var killing: Deadline?

        init(_ limits: Limits, since start: Deadline = .now) {
            end = start.advanced(by: limits.time)
            grace = limits.grace
        }

        /// The signal that is due now; nil while there is time.
        ///
        /// - Parameter isInterrupted: whether nobody waits for the program any more.
        mutating func due(isInterrupted: Bool, at now: Deadline = .now) -> Int32? {
            guard let killing else {
                guard isInterrupted || end <= now else { return nil }
                killing = now.advanced(by: grace)
                return SIGTERM
            }
            return killing <= now ? SIGKILL : nil
        }
    }
}
