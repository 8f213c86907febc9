import Glibc

/// Why input or output did not happen.
public enum SocketError: Error, Equatable, Sendable {
    /// The peer, or this side, closed the connection before the operation was complete.
    case closed
    /// The deadline passed.
    case timedOut
    /// The task was cancelled.
    case cancelled
    /// Nobody listens at the address given.
    case refused(String)
    /// A bounded queue was full; nothing was done.
    case overloaded
    /// A system call failed with this `errno`.
    case system(call: String, errno: Int32)
    /// TLS failed, and why: an untrusted peer, a wrong identity, a broken record.
    case tls(String)
    /// The text is no address.
    case addressInvalid(String)
    /// The name has no address.
    case unresolved(String)

    /// The failure that `errno` holds right after `call`.
    static func last(_ call: String) -> SocketError { .system(call: call, errno: errno) }
}

extension SocketError: CustomStringConvertible {
    /// A sentence for a log line.
    public var description: String {
        switch self {
        case .closed: "the connection was closed"
        case .timedOut: "the deadline passed"
        case .cancelled: "the task was cancelled"
        case .refused(let address): "\(address) refused the connection"
        case .overloaded: "the queue is full"
        case .system(let call, let code): "\(call): \(Self.text(of: code))"
        case .tls(let reason): "TLS: \(reason)"
        case .addressInvalid(let text): "'\(text)' is not an address"
        case .unresolved(let name): "no address is known for '\(name)'"
        }
    }

    private static func text(of code: Int32) -> String {
        // Safe: the text is glibc's own, per thread, and is copied before anything else runs.
        guard let text = unsafe strerror(code) else { return "errno \(code)" }
        return unsafe String(cString: text)
    }
}
