/// A response's status line and header fields, checked.
public struct ResponseHead: Sendable {
    /// The status.
    public let status: Status
    /// The fields.
    public let headers: Headers
    /// How the content ends.
    public let framing: BodyFraming
    /// Whether the connection can carry another exchange after this one.
    public let keepsAlive: Bool
    /// How many bytes of the input the head took.
    public let length: Int

    init(
        _ headers: Headers,
        length: Int,
        status: Status,
        version: Version,
        to method: Method
    ) throws(ParseError) {
        self.status = status
        self.length = length
        self.headers = headers
        let facts = try FramingFields(headers)
        guard !facts.isChunked || version == .http11 else {
            throw .malformed("Transfer-Encoding in HTTP/1.0")
        }
        if method == .head || status.forbidsContent {
            framing = .none
        } else if facts.isChunked {
            framing = .chunked
        } else if let length = facts.contentLength {
            framing = length == 0 ? .none : .length(length)
        } else {
            framing = .untilClose
        }
        keepsAlive =
            framing != .untilClose && !facts.closes && (version == .http11 || facts.keepsAlive)
    }
}

/// Reads response heads from borrowed bytes; used like `RequestParser`, and as distrustful.
public struct ResponseParser: Sendable {
    private var scanner: HeadScanner
    private var status: Status?
    private var version = Version.http11
    private let method: Method

    /// A parser at the start of the response to a request with this method.
    public init(to method: Method, headerBytes: Int = 32_768, headerCount: Int = 200) {
        self.method = method
        scanner = HeadScanner(
            startLineLimit: 1024,
            headerLimit: headerBytes,
            countLimit: headerCount,
            emptyLine: false
        )
    }

    /// The complete head at the start of `input`, or nil while some of it is missing.
    public mutating func parse(_ input: Span<UInt8>) throws(ParseError) -> ResponseHead? {
        while true {
            switch try scanner.advance(input) {
            case .needMore: return nil
            case .startLine(let line): try statusLine(input, line)
            case .complete(let length):
                guard let status else { preconditionFailure("a head ends behind its start line") }
                return try ResponseHead(
                    Headers(copying: input, length, fields: scanner.fields),
                    length: length,
                    status: status,
                    version: version,
                    to: method
                )
            }
        }
    }

    /// `HTTP/1.x SP code [SP reason]` (RFC 9112 §4).
    private mutating func statusLine(
        _ input: Span<UInt8>,
        _ line: Range<Int>
    ) throws(ParseError) {
        let start = line.lowerBound
        guard line.count >= 12, RequestLine.isHTTP(input, start), input[start + 8] == 0x20,
            line.count == 12 || input[start + 12] == 0x20
        else { throw .malformed("a malformed status line") }
        guard input[start + 5] == 0x31 else { throw .versionUnsupported }
        version = input[start + 7] == 0x30 ? .http10 : .http11
        var code = 0
        for index in start + 9..<start + 12 {
            guard ByteClass.isDigit(input[index]) else { throw .malformed("a malformed status") }
            code = code * 10 + Int(input[index] - 0x30)
        }
        guard (100...599).contains(code) else { throw .malformed("a status out of range") }
        status = Status(code)
    }
}
