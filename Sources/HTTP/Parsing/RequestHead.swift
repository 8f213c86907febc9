/// The version of HTTP/1 that a message claims.
public enum Version: Sendable, Hashable {
    /// HTTP/1.0.
    case http10
    /// HTTP/1.1, and any later minor version, which means the same to us (RFC 9110 §2.5).
    case http11
}

/// A request's start line and header fields, checked.
public struct RequestHead: Sendable {
    /// What is to be done.
    public let method: Method
    /// The path, normalised; `*` for `OPTIONS *`.
    public let path: Path
    /// The claimed version.
    public let version: Version
    /// The fields.
    public var headers: Headers
    /// How the content ends; never `.untilClose`.
    public let framing: BodyFraming
    /// Whether the connection can serve another request after this one.
    public let keepsAlive: Bool
    /// Whether the client waits for `100 (Continue)` before it sends the content.
    public let expectsContinue: Bool
    /// Whether `Expect` asks for something else, which is answered 417.
    public let expectsUnknown: Bool
    /// How many bytes of the input the head took.
    public let length: Int

    private let block: [UInt8]
    private let targetRange: Range<Int>
    private let queryRange: Range<Int>
    private let authority: Range<Int>?

    /// The target as it came.
    public var target: String { text(targetRange) }
    /// The fields of the query.
    public var query: Query { Query(block, queryRange) }
    /// The authority: that of an absolute target, else of `Host`; nil when HTTP/1.0 gave none.
    public var host: String? { authority.map(text) }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: block[range], as: UTF8.self)
    }

    init(
        block: [UInt8],
        line: RequestLine,
        fields: [Headers.Field]
    ) throws(ParseError) {
        let target = try Target(block, line.target, method: line.method)
        length = block.count
        self.block = block
        headers = Headers(block: block, fields: fields)
        let facts = try FramingFields(headers)
        method = line.method
        version = line.version
        path = target.path
        targetRange = line.target
        queryRange = target.query
        if facts.isChunked {
            guard version == .http11 else { throw .malformed("Transfer-Encoding in HTTP/1.0") }
            framing = .chunked
        } else {
            framing = facts.contentLength.map { $0 == 0 ? .none : .length($0) } ?? .none
        }
        if let host = facts.host {
            guard Authority.isValid(block, host) else { throw .malformed("a bad Host") }
        } else if version == .http11 {
            throw .malformed("Host is missing")
        }
        authority = target.authority ?? facts.host
        keepsAlive = !facts.closes && (version == .http11 || facts.keepsAlive)
        // An HTTP/1.0 client cannot mean it (RFC 9110 §10.1.1).
        let expects = version == .http11 ? facts.expects : nil
        let isContinue = expects.map { ByteClass.equals(block, $0, "100-continue") }
        expectsContinue = isContinue == true
        expectsUnknown = isContinue == false
    }
}

/// The three parts of a request line (RFC 9112 §3).
struct RequestLine: Sendable {
    var method: Method
    var target: Range<Int>
    var version: Version

    init(_ input: Span<UInt8>, _ line: Range<Int>, targetLimit: Int) throws(ParseError) {
        // From the back: the version is the last eight bytes, so a space can only be too many.
        let versionStart = line.upperBound - 8
        guard versionStart > line.lowerBound, Self.isHTTP(input, versionStart),
            input[versionStart - 1] == 0x20
        else { throw .malformed("a malformed request line") }
        var space = line.lowerBound
        while space < versionStart, ByteClass.isToken(input[space]) { space += 1 }
        guard space > line.lowerBound, input[space] == 0x20, space + 1 < versionStart else {
            throw .malformed("a malformed request line")
        }
        let major = input[versionStart + 5]
        guard major == 0x31 else {
            throw major == 0x30 ? .malformed("HTTP/0 is not spoken") : .versionUnsupported
        }
        target = space + 1..<versionStart - 1
        guard target.count <= targetLimit else { throw .targetTooLong }
        method = Method(input, line.lowerBound..<space)
        version = input[versionStart + 7] == 0x30 ? .http10 : .http11
    }

    /// Whether `HTTP/D.D` stands at `start`.
    static func isHTTP(_ input: Span<UInt8>, _ start: Int) -> Bool {
        input[start] == 0x48 && input[start + 1] == 0x54 && input[start + 2] == 0x54
            && input[start + 3] == 0x50 && input[start + 4] == 0x2F
            && ByteClass.isDigit(input[start + 5]) && input[start + 6] == 0x2E
            && ByteClass.isDigit(input[start + 7])
    }
}
