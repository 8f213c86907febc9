/// The name of a header field, lower-cased because names compare without case (RFC 9110 §5.1).
public struct HeaderName: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The lower-case spelling.
    public let text: String

    /// The name spelled `text` in any case, or nil when that is no token.
    public init?(_ text: String) {
        guard !text.isEmpty, text.utf8.allSatisfy(ByteClass.isToken) else { return nil }
        self.text = Self.lowered(text)
    }

    /// The name spelled by a literal; a literal that is no token is a programming error.
    public init(stringLiteral literal: String) {
        guard let name = Self(literal) else {
            preconditionFailure("'\(literal)' is not a header name")
        }
        self = name
    }

    /// A name that the parser has already checked and lower-cased.
    init(checked text: String) { self.text = text }

    public var description: String { text }

    private static func lowered(_ text: String) -> String {
        let isLower = text.utf8.allSatisfy { !(0x41...0x5A).contains($0) }
        return isLower ? text : String(decoding: text.utf8.map(ByteClass.lowered), as: UTF8.self)
    }

    public static let accept: HeaderName = "accept"
    public static let age: HeaderName = "age"
    public static let allow: HeaderName = "allow"
    public static let authorization: HeaderName = "authorization"
    public static let cacheControl: HeaderName = "cache-control"
    public static let connection: HeaderName = "connection"
    public static let contentLength: HeaderName = "content-length"
    public static let contentType: HeaderName = "content-type"
    public static let cookie: HeaderName = "cookie"
    public static let date: HeaderName = "date"
    public static let etag: HeaderName = "etag"
    public static let expect: HeaderName = "expect"
    public static let host: HeaderName = "host"
    public static let idempotencyKey: HeaderName = "idempotency-key"
    public static let ifMatch: HeaderName = "if-match"
    public static let ifNoneMatch: HeaderName = "if-none-match"
    public static let location: HeaderName = "location"
    public static let prefer: HeaderName = "prefer"
    public static let requestDeadline: HeaderName = "request-deadline"
    public static let retryAfter: HeaderName = "retry-after"
    public static let traceparent: HeaderName = "traceparent"
    public static let transferEncoding: HeaderName = "transfer-encoding"
    public static let userAgent: HeaderName = "user-agent"
    public static let vary: HeaderName = "vary"
    public static let via: HeaderName = "via"
    public static let wwwAuthenticate: HeaderName = "www-authenticate"
}
