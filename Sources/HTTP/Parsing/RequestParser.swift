/// Reads request heads from borrowed bytes: strict, resumable, and free of input and output.
///
/// Show it the unconsumed bytes of a connection from the start of a message, again with more behind
/// them while it answers nil. When it answers a head, consume `head.length` bytes and make a new
/// parser for the next message. The outcome depends on the bytes alone, never on how they were split.
public struct RequestParser: Sendable {
    private var scanner: HeadScanner
    private var line: RequestLine?
    private let targetLimit: Int

    /// A parser at the start of a message.
    public init(limits: HTTPLimits = HTTPLimits()) {
        targetLimit = limits.targetBytes
        scanner = HeadScanner(
            startLineLimit: limits.targetBytes + 64,
            headerLimit: limits.headerBytes,
            countLimit: limits.headerCount,
            emptyLine: true
        )
    }

    /// The complete head at the start of `input`, or nil while some of it is missing.
    ///
    /// - Throws: `ParseError`; the connection must then be closed after the answer, because where
    ///   the next message would start is unknown.
    public mutating func parse(_ input: Span<UInt8>) throws(ParseError) -> RequestHead? {
        while true {
            switch try scanner.advance(input) {
            case .needMore: return nil
            case .startLine(let range):
                line = try RequestLine(input, range, targetLimit: targetLimit)
            case .complete(let length):
                guard let line else { preconditionFailure("a head ends behind its start line") }
                return try RequestHead(
                    Headers(copying: input, length, fields: scanner.fields),
                    line
                )
            }
        }
    }
}
