internal import Reactor

/// A request to send; the client adds `Host` and framing.
public struct ClientRequest: Sendable {
    /// The content of a request.
    public enum Body: Sendable {
        /// All of it; an empty one is left out where the method does not expect content.
        case bytes([UInt8])
        /// Content that is read from elsewhere and sent on, chunked unless its length is known. It
        /// can be sent once, so such a request is never repeated.
        case stream(BodyReader)
    }

    /// What is to be done.
    public var method: Method
    /// Path and query, encoded; characters that cannot stand there are a programming error.
    public var target: String
    /// The fields; framing and `Connection` in them are replaced.
    public var headers: Headers
    /// Fields behind those, of other names: what one try adds to a request that all tries share.
    ///
    /// Apart, because adding them to `headers` would copy those for each try.
    public var tryHeaders = Headers()
    /// The content.
    public var body: Body
    /// Whether it may be sent again when a kept connection turns out to be dead without a word.
    ///
    /// True for idempotent methods; set it for a POST with an idempotency key.
    public var isReplayable: Bool

    /// Puts a request together.
    public init(
        _ method: Method,
        _ target: String,
        headers: Headers = [:],
        body: Body = .bytes([])
    ) {
        precondition(
            target.utf8.first == 0x2F && target.utf8.allSatisfy { (0x21...0x7E).contains($0) },
            "a request target is an encoded path"
        )
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        isReplayable = method.isIdempotent
    }

    /// A request whose content is a value as JSON.
    ///
    /// - Throws: what encoding the value throws.
    public static func json(
        _ method: Method,
        _ target: String,
        headers: Headers = [:],
        _ value: some Encodable
    ) throws -> ClientRequest {
        var headers = headers
        headers[.contentType] = "application/json"
        return ClientRequest(
            method,
            target,
            headers: headers,
            body: .bytes(try JSON.encode(value))
        )
    }

    /// Appends the head as bytes; a content's length when it is known.
    func appendHead(for endpoint: Endpoint, to bytes: inout [UInt8]) {
        let fields = headers.serialisedLimit + tryHeaders.serialisedLimit
        bytes.reserveCapacity(bytes.count + 256 + target.utf8.count + fields)
        bytes.append(text: method.description)
        bytes.append(0x20)
        bytes.append(text: target)
        bytes.append(text: " HTTP/1.1\r\n")
        if !headers.contains(.host) {
            let host = endpoint.serverName ?? endpoint.address.description
            bytes.append(text: "host: ")
            bytes.append(text: host)
            bytes.append(text: "\r\n")
        }
        switch body {
        case .bytes(let content):
            if !content.isEmpty || method == .post || method == .put || method == .patch {
                bytes.append(contentsOf: "content-length: \(content.count)\r\n".utf8)
            }
        case .stream(let reader):
            let line = reader.length.map { "content-length: \($0)" } ?? "transfer-encoding: chunked"
            bytes.append(contentsOf: line.utf8)
            bytes.append(contentsOf: "\r\n".utf8)
        }
        headers.serialise(into: &bytes, keepLength: false)
        tryHeaders.serialise(into: &bytes, keepLength: false)
        bytes.append(text: "\r\n")
    }
}
