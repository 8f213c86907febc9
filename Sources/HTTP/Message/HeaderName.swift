/// The name of a header field, lower-cased because names compare without case (RFC 9110 §5.1).
public struct HeaderName: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The lower-case spelling.
    public let text: String
    /// How many bytes it has, and the first eight of them, the first one lowest: most comparisons need
    /// no more.
    let count: Int
    let word: UInt64

    /// The name spelled `text` in any case, or nil when that is no token.
    public init?(_ text: String) {
        guard !text.isEmpty, text.utf8.allSatisfy(ByteClass.isToken) else { return nil }
        self.init(checked: Self.lowered(text))
    }

    /// The name spelled by a literal; a literal that is no token is a programming error.
    public init(stringLiteral literal: String) {
        guard let name = Self(literal) else {
            preconditionFailure("'\(literal)' is not a header name")
        }
        self = name
    }

    /// A name that the parser has already checked and lower-cased.
    init(checked text: String) {
        self.text = text
        count = text.utf8.count
        word = text.utf8.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The lower-case spelling.
    public var description: String { text }

    private static func lowered(_ text: String) -> String {
        let isLower = text.utf8.allSatisfy { !(0x41...0x5A).contains($0) }
        return isLower ? text : String(decoding: text.utf8.map(ByteClass.lowered), as: UTF8.self)
    }

    /// The field `accept`.
    public static let accept: HeaderName = "accept"
    /// The field `age`.
    public static let age: HeaderName = "age"
    /// The field `accept-encoding`.
    public static let acceptEncoding: HeaderName = "accept-encoding"
    /// The field `allow`.
    public static let allow: HeaderName = "allow"
    /// The field `authorization`.
    public static let authorization: HeaderName = "authorization"
    /// The field `cache-control`.
    public static let cacheControl: HeaderName = "cache-control"
    /// The field `connection`.
    public static let connection: HeaderName = "connection"
    /// The field `content-encoding`.
    public static let contentEncoding: HeaderName = "content-encoding"
    /// The field `content-length`.
    public static let contentLength: HeaderName = "content-length"
    /// The field `content-type`.
    public static let contentType: HeaderName = "content-type"
    /// The field `cookie`.
    public static let cookie: HeaderName = "cookie"
    /// The field `date`.
    public static let date: HeaderName = "date"
    /// The field `etag`.
    public static let etag: HeaderName = "etag"
    /// The field `expect`.
    public static let expect: HeaderName = "expect"
    /// The field `host`.
    public static let host: HeaderName = "host"
    /// The field `idempotency-key`.
    public static let idempotencyKey: HeaderName = "idempotency-key"
    /// The field `if-match`.
    public static let ifMatch: HeaderName = "if-match"
    /// The field `if-none-match`.
    public static let ifNoneMatch: HeaderName = "if-none-match"
    /// The field `location`.
    public static let location: HeaderName = "location"
    /// The field `prefer`.
    public static let prefer: HeaderName = "prefer"
    /// The field `request-deadline`.
    public static let requestDeadline: HeaderName = "request-deadline"
    /// The field `retry-after`.
    public static let retryAfter: HeaderName = "retry-after"
    /// The field `traceparent`.
    public static let traceparent: HeaderName = "traceparent"
    /// The field `tracestate`.
    public static let tracestate: HeaderName = "tracestate"
    /// The field `transfer-encoding`.
    public static let transferEncoding: HeaderName = "transfer-encoding"
    /// The field `user-agent`.
    public static let userAgent: HeaderName = "user-agent"
    /// The field `vary`.
    public static let vary: HeaderName = "vary"
    /// The field `via`.
    public static let via: HeaderName = "via"
    /// The field `www-authenticate`.
    public static let wwwAuthenticate: HeaderName = "www-authenticate"
}
