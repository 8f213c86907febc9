/// Why a message cannot be read; after any of these its connection is no longer in step.
public enum ParseError: Error, Sendable, Equatable {
    /// The bytes break the grammar, or framing is ambiguous: 400.
    case malformed(String)
    /// The request target is longer than allowed: 414.
    case targetTooLong
    /// The header section or the trailers are longer than allowed: 431.
    case headersTooLarge
    /// The content is longer than allowed: 413.
    case contentTooLarge
    /// A transfer coding other than `chunked`: 501.
    case codingUnsupported
    /// A major version other than 1: 505.
    case versionUnsupported

    /// What a server answers.
    public var status: Status {
        switch self {
        case .malformed: .badRequest
        case .targetTooLong: .targetTooLong
        case .headersTooLarge: .headersTooLarge
        case .contentTooLarge: .contentTooLarge
        case .codingUnsupported: .notImplemented
        case .versionUnsupported: .versionNotSupported
        }
    }

    /// What was wrong, in words that repeat nothing the peer sent.
    public var detail: String {
        switch self {
        case .malformed(let what): what
        case .targetTooLong: "the request target is too long"
        case .headersTooLarge: "the header section is too large"
        case .contentTooLarge: "the content is too large"
        case .codingUnsupported: "only the transfer coding 'chunked' is known"
        case .versionUnsupported: "only HTTP/1.0 and HTTP/1.1 are spoken"
        }
    }
}
