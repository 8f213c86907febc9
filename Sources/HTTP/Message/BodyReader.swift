/// Gives the content of a message piece by piece, as it arrives.
///
/// Nothing is read ahead: the peer is slowed down by what the reader does not take.
public final class BodyReader: Sendable {
    private enum Source {
        case bytes(UnreadBytes)
        case connection(any BodySource)
        case limited(BodyReader, Allowance)
        case slowed(BodyReader, Pace)
    }

    private let source: Source
    /// The length when it was announced; nil for chunked content and content that ends with the connection.
    public let length: Int?

    /// A content that is all there.
    public init(_ bytes: [UInt8]) {
        source = .bytes(UnreadBytes(bytes))
        length = bytes.count
    }

    /// A content that comes from a connection.
    init(_ source: any BodySource, length: Int?) {
        self.source = .connection(source)
        self.length = length
    }

    /// The content of another reader, up to a limit.
    ///
    /// Whoever passes it on learns from `failure` that the content itself was at fault, and not
    /// where it was sent.
    public init(_ reader: BodyReader, limit: Int) {
        source = .limited(reader, Allowance(limit))
        length = reader.length
    }

    /// The content of another reader, more slowly.
    init(_ reader: BodyReader, _ pace: Pace) {
        source = .slowed(reader, pace)
        length = reader.length
    }

    /// Why a limited reader's content came to an early end; nil while all is well.
    public var failure: Problem? {
        if case .limited(_, let allowance) = source { allowance.failure } else { nil }
    }

    /// No content; shared, because there is nothing in it to take.
    static let none = BodyReader([])

    /// Whether there is no content, as far as the head tells.
    public var isEmpty: Bool { length == 0 }

    /// The next piece, never empty; nil behind the last one.
    ///
    /// - Throws: a problem with the status that a server answers: 400 malformed or cut short, 408 too
    ///   slow, 413 too large. A client reading a response gets 502 and 504 instead.
    public func next() async throws(Problem) -> [UInt8]? {
        switch source {
        case .bytes(let unread): unread.take()
        case .connection(let connection): try await connection.nextPiece()
        case .limited(let reader, let allowance): try await allowance.next(of: reader)
        case .slowed(let reader, let pace): try await pace.next(of: reader)
        }
    }

    /// All of the content, if it is there without waiting and was not taken before; nil otherwise, and
    /// when there are more than `limit` bytes.
    public func whole(limit: Int) -> [UInt8]? {
        guard let length, length <= limit, case .bytes(let unread) = source else { return nil }
        return unread.take() ?? []
    }

    /// All the pieces together.
    ///
    /// - Throws: as `next`, and 413 when there are more than `limit` bytes.
    public func collect(limit: Int) async throws(Problem) -> [UInt8] {
        if let length, length > limit { throw Self.tooLarge(limit) }
        if case .bytes(let unread) = source { return unread.take() ?? [] }
        guard var content = try await next() else { return [] }
        while content.count <= limit {
            guard let piece = try await next() else { return content }
            content.append(contentsOf: piece)
        }
        throw Self.tooLarge(limit)
    }

    static func tooLarge(_ limit: Int) -> Problem {
        Problem(.contentTooLarge, detail: "the content is longer than \(limit) bytes")
    }
}

/// Where a connection's content comes from.
protocol BodySource: AnyObject, Sendable {
    func nextPiece() async throws(Problem) -> [UInt8]?
}
