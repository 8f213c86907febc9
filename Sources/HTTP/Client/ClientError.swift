public import Reactor

/// Why a call did not bring a response, by what is known about its effect.
public enum ClientError: Error, Sendable, Equatable {
    /// No connection came about: nothing was sent.
    case connect(SocketError)
    /// The deadline passed; `sent` says whether the server may have acted.
    case timedOut(sent: Bool)
    /// The calling task was cancelled; `sent` says whether the server may have acted.
    case cancelled(sent: Bool)
    /// The server's bytes are not a plain response; it may have acted.
    case protocolError(String)
    /// The connection ended before the response did; `sent` says whether the server may have acted.
    case closedEarly(sent: Bool)
    /// The response is larger than allowed; the server has acted.
    case tooLarge
    /// The server proved to be somebody else: nothing was sent.
    case identityMismatch(String)
    /// As many connections to the endpoint are busy as are allowed: nothing was sent.
    case exhausted
    /// The request's own content could not be produced; part of it may have been sent.
    case content(Problem)

    /// Whether the server may have seen the request and acted on it.
    public var mayHaveActed: Bool {
        switch self {
        case .connect, .identityMismatch, .exhausted: false
        case .timedOut(let sent), .cancelled(let sent), .closedEarly(let sent): sent
        case .protocolError, .tooLarge, .content: true
        }
    }

    /// Two errors are equal when they mean the same; problems compare by status.
    public static func == (left: ClientError, right: ClientError) -> Bool {
        switch (left, right) {
        case (.connect(let a), .connect(let b)): a == b
        case (.timedOut(let a), .timedOut(let b)): a == b
        case (.cancelled(let a), .cancelled(let b)): a == b
        case (.closedEarly(let a), .closedEarly(let b)): a == b
        case (.protocolError(let a), .protocolError(let b)): a == b
        case (.identityMismatch(let a), .identityMismatch(let b)): a == b
        case (.tooLarge, .tooLarge), (.exhausted, .exhausted): true
        case (.content(let a), .content(let b)): a.status == b.status
        default: false
        }
    }

    /// What a failed read or write means at some point of an exchange.
    init(_ error: SocketError, sent: Bool) {
        switch error {
        case .timedOut: self = .timedOut(sent: sent)
        case .cancelled: self = .cancelled(sent: sent)
        default: self = .closedEarly(sent: sent)
        }
    }

    init(_ error: ParseError) {
        switch error {
        case .headersTooLarge, .contentTooLarge: self = .tooLarge
        default: self = .protocolError(error.detail)
        }
    }
}
