/// A request method (RFC 9110 §9); methods are case-sensitive.
public enum Method: Sendable, Hashable, CustomStringConvertible {
    /// The methods that RFC 9110 and RFC 5789 define.
    case get, head, post, put, patch, delete, options, trace, connect
    /// A well-formed token that this library gives no meaning to.
    case other(String)

    /// The method spelled `token`, which the caller knows to be a token.
    public init(_ token: String) {
        self = Self.known.first { $0.description == token } ?? .other(token)
    }

    /// The token as it travels on the wire.
    public var description: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .connect: "CONNECT"
        case .other(let token): token
        }
    }

    /// Whether repeating the request has the effect of sending it once (RFC 9110 §9.2.2).
    public var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .patch, .connect, .other: false
        }
    }

    /// Whether the request only reads (RFC 9110 §9.2.1).
    public var isSafe: Bool {
        switch self {
        case .get, .head, .options, .trace: true
        case .put, .delete, .post, .patch, .connect, .other: false
        }
    }

    static let known: [Method] = [
        .get, .head, .post, .put, .patch, .delete, .options, .trace, .connect,
    ]

    /// The method named by a token of the input; every known one fits eight bytes.
    init(_ input: Span<UInt8>, _ range: Range<Int>) {
        var packed: UInt64 = 0
        if range.count <= 7 {
            for index in range { packed = packed << 8 | UInt64(input[index]) }
        }
        switch packed {
        case 0x47_45_54: self = .get
        case 0x48_45_41_44: self = .head
        case 0x50_4F_53_54: self = .post
        case 0x50_55_54: self = .put
        case 0x50_41_54_43_48: self = .patch
        case 0x44_45_4C_45_54_45: self = .delete
        case 0x4F_50_54_49_4F_4E_53: self = .options
        case 0x54_52_41_43_45: self = .trace
        case 0x43_4F_4E_4E_45_43_54: self = .connect
        default: self = .other(input.text(range))
        }
    }
}
