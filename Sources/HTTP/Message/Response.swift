public import Reactor

/// What a handler answers; the server adds `Date`, framing and connection fields.
public struct Response: Sendable {
    /// The content of a response.
    public enum Body: Sendable {
        /// No content; `Content-Length: 0` where the status permits it.
        case none
        /// All of the content.
        case bytes([UInt8])
        /// Content that comes piece by piece, chunked unless its length is announced.
        ///
        /// The closure runs on the connection's task. The head leaves with the first piece, or with
        /// `flush`. When the closure throws, the connection is cut, so that the client never takes a
        /// part for the whole.
        case stream(length: Int? = nil, @Sendable (any BodyWriter) async throws -> Void)
    }

    /// The status.
    public var status: Status
    /// The fields; `Content-Length`, `Transfer-Encoding` and `Date` in them are the server's to set.
    public var headers: Headers
    /// The content.
    public var body: Body
    /// When an answer that is passed on came to be; nil for one that comes to be now.
    ///
    /// A proxy leaves `Date` as it was (RFC 9110 §6.6.1).
    public var date: DateLine?
    /// The template of the route that answered, set by the router; for logs and metrics.
    public internal(set) var route: String?
    /// How the connection ends in place of an answer; nil for an answer.
    let drop: Drop?

    /// How a connection ends without an answer.
    public enum Drop: Sendable {
        /// As by a process that died.
        case close
        /// As by a network that broke.
        case reset
    }

    /// Puts a response together.
    public init(_ status: Status, headers: Headers = [:], body: Body = .none) {
        self.status = status
        self.headers = headers
        self.body = body
        drop = nil
    }

    /// No answer at all, to see what becomes of those who wait for one: the connection ends.
    ///
    /// Logs and metrics show the status 444, which is never sent.
    public static func dropped(_ drop: Drop) -> Response { Response(drop) }

    /// The response with the template of the route that answered, without a copy.
    consuming func routed(by template: String) -> Response {
        route = template
        return self
    }

    /// A stream, because answers that are all there may be sent together with others.
    private init(_ drop: Drop) {
        status = Status(444)
        headers = [:]
        body = .stream { _ in throw SocketError.closed }
        self.drop = drop
    }

    /// A response without content.
    public static func empty(_ status: Status = .noContent, headers: Headers = [:]) -> Response {
        Response(status, headers: headers)
    }

    /// A value as JSON; one that cannot be encoded becomes a 500.
    public static func json(
        _ value: some Encodable,
        status: Status = .ok,
        headers: Headers = [:]
    ) -> Response {
        guard let bytes = try? JSON.encode(value) else { return Problem.internalError.response() }
        let headers = typed(headers, jsonType, "application/json")
        return Response(status, headers: headers, body: .bytes(bytes))
    }

    /// Plain text in UTF-8.
    public static func text(
        _ text: String,
        status: Status = .ok,
        headers: Headers = [:]
    ) -> Response {
        let headers = typed(headers, textType, "text/plain; charset=utf-8")
        return Response(status, headers: headers, body: .bytes([UInt8](text.utf8)))
    }

    /// Bytes of a media type.
    public static func bytes(
        _ bytes: [UInt8],
        type: String,
        status: Status = .ok,
        headers: Headers = [:]
    ) -> Response {
        var headers = headers
        headers[.contentType] = type
        return Response(status, headers: headers, body: .bytes(bytes))
    }

    // Rendered once: most answers have no field but their type.
    private static let jsonType: Headers = [.contentType: "application/json"]
    private static let textType: Headers = [.contentType: "text/plain; charset=utf-8"]

    /// The fields with a type among them; `alone` is what that makes of no fields.
    private static func typed(_ headers: Headers, _ alone: Headers, _ type: String) -> Headers {
        if headers.isEmpty { return alone }
        var headers = headers
        headers[.contentType] = type
        return headers
    }
}

/// Takes the content of a streamed response or request piece by piece.
public protocol BodyWriter: AnyObject, Sendable {
    /// Sends some bytes at once; an empty array sends nothing.
    ///
    /// - Throws: `SocketError` when the peer is gone or too slow.
    func write(_ bytes: [UInt8]) async throws(SocketError)

    /// Sends what is held back; an event stream does so at its start, to show that it is open.
    ///
    /// - Throws: as `write`.
    func flush() async throws(SocketError)

    /// Whether the server is stopping: a stream without an end should come to one.
    var isDraining: Bool { get }
}

extension BodyWriter {
    /// Sends some text at once.
    public func write(_ text: String) async throws(SocketError) {
        try await write([UInt8](text.utf8))
    }
}
