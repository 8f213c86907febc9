/// What ends a `stack` command early: one line for a person, one exit code for a script.
enum StackError: Error, Equatable {
    /// The command line makes no sense (64).
    case usage(String)
    /// The command is fine, the state of the stack is not (1).
    case refused(String)
    /// Something needed does not answer: PostgreSQL, a service, a missing package (69).
    case unavailable(String)
    /// A system call failed (71).
    case system(call: String, errno: Int32)
    /// A signal asked us to stop (128 + signal).
    case interrupted(Int32)

    /// The exit code, after sysexits.h.
    var exitCode: Int32 {
        switch self {
        case .usage: 64
        case .refused: 1
        case .unavailable: 69
        case .system: 71
        case .interrupted(let signal): 128 + signal
        }
    }

    /// One line for standard error.
    var line: String {
        switch self {
        case .usage(let text), .refused(let text), .unavailable(let text): text
        case .system(let call, let code): "\(call): \(SystemCall.describe(code))"
        case .interrupted(let signal): "stopped by signal \(signal)"
        }
    }
}
