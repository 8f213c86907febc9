/// The version of HTTP/1 that a message claims.
public enum Version: Sendable, Hashable {
    /// HTTP/1.0.
    case http10
    /// HTTP/1.1, and any later minor version, which means the same to us (RFC 9110 §2.5).
    case http11
}

/// A request's start line and header fields, checked.
///
/// What never changes is shared by all copies: a request passes through many hands.
public struct RequestHead: Sendable {
    private let start: RequestStart
    /// The fields.
    public var headers: Headers

    /// What is to be done.
    public var method: Method { start.method }
    /// The path, normalised; `*` for `OPTIONS *`.
    public var path: Path { start.target.path }
    /// The claimed version.
    public var version: Version { start.version }
    /// How the content ends; never `.untilClose`.
    public var framing: BodyFraming { start.framing }
    /// Whether the connection can serve another request after this one.
    public var keepsAlive: Bool { start.keepsAlive }
    /// Whether the client waits for `100 (Continue)` before it sends the content.
    public var expectsContinue: Bool { start.expectation == .proceed }
    /// Whether `Expect` asks for something else, which is answered 417.
    public var expectsUnknown: Bool { start.expectation == .unknown }
    /// How many bytes of the input the head took.
    public var length: Int { start.block.count }

    /// The target as it came.
    public var target: String { start.text(start.targetRange) }
    /// The fields of the query.
    public var query: Query { Query(start.block, start.target.query) }
    /// The authority: that of an absolute target, else of `Host`; nil when HTTP/1.0 gave none.
    public var host: String? { start.authority.map(start.text) }

    init(_ headers: Headers, _ line: RequestLine) throws(ParseError) {
        self.headers = headers
        start = try RequestStart(line, headers)
    }
}

/// What a request's head says once and for all.
private final class RequestStart: Sendable {
    enum Expectation { case none, proceed, unknown }

    let block: [UInt8]
    let method: Method
    let version: Version
    let target: Target
    let targetRange: Range<Int>
    let authority: Range<Int>?
    let framing: BodyFraming
    let keepsAlive: Bool
    let expectation: Expectation

    init(_ line: RequestLine, _ headers: Headers) throws(ParseError) {
        block = headers.block
        method = line.method
        version = line.version
        targetRange = line.target
        target = try Target(block, line.target, method: line.method)
        let facts = try FramingFields(headers)
        if facts.isChunked {
            guard line.version == .http11 else {
                throw .malformed("Transfer-Encoding in HTTP/1.0")
            }
            framing = .chunked
        } else {
            framing = facts.contentLength.map { $0 == 0 ? .none : .length($0) } ?? .none
        }
        if let host = facts.host {
            guard Authority.isValid(block, host) else { throw .malformed("a bad Host") }
        } else if line.version == .http11 {
            throw .malformed("Host is missing")
        }
        authority = target.authority ?? facts.host
        keepsAlive = !facts.closes && (line.version == .http11 || facts.keepsAlive)
        // An HTTP/1.0 client cannot mean it (RFC 9110 §10.1.1).
        if let expects = facts.expects, line.version == .http11 {
            let isContinue = ByteClass.equals(block, expects, "100-continue")
            expectation = isContinue ? .proceed : .unknown
        } else {
            expectation = .none
        }
    }

    func text(_ range: Range<Int>) -> String {
        String(decoding: block[range], as: UTF8.self)
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
        let space = ByteClass.endOfToken(input, line.lowerBound..<versionStart)
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
        // `HTTP/` and the dot in one word, the first byte lowest.
        input.word(at: start) & 0x00FF_00FF_FFFF_FFFF == 0x002E_002F_5054_5448
            && ByteClass.isDigit(input[start + 5]) && ByteClass.isDigit(input[start + 7])
    }
}
