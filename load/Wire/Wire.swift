internal import HTTP
internal import Reactor

/// One connection on which bytes go out exactly as they are given, as from a client that is not ours.
struct Wire: Sendable {
    /// What came back to one request.
    struct Answer: Sendable {
        var status: Int
        var headers: Headers
        var content: [UInt8]
    }

    let stream: Stream
    private var input = ByteBuffer()

    /// Connects, and shakes hands with TLS if there is a context; the server must be `localhost` then.
    init(to address: SocketAddress, tls: TLSContext? = nil) async throws(SocketError) {
        stream = try await Stream.connect(
            to: address,
            tls: tls,
            serverName: tls == nil ? nil : "localhost",
            until: .after(.seconds(5))
        )
    }

    /// Sends a text as it is.
    func send(_ text: String, until deadline: Deadline) async throws(SocketError) {
        try await stream.write(Array(text.utf8), until: deadline)
    }

    /// Waits for a 1xx answer and returns its status.
    ///
    /// - Throws: also when a final answer came in its place.
    mutating func interim(until deadline: Deadline) async throws -> Int {
        let head = try await head(.get, deadline)
        guard head.status.code < 200 else {
            throw Shop.Failed(description: "\(head.status.code) came instead of 100")
        }
        return head.status.code
    }

    /// Reads a whole final answer; 1xx before it are passed over.
    ///
    /// - Parameter piece: how many bytes are read at a time, with a pause before each; nil for no pause.
    mutating func answer(
        to method: Method,
        piece: Int? = nil,
        until deadline: Deadline
    ) async throws -> Answer {
        while true {
            let head = try await head(method, deadline, piece)
            guard head.status.code >= 200 else { continue }
            return Answer(
                status: head.status.code,
                headers: head.headers,
                content: try await content(head.framing, deadline, piece)
            )
        }
    }

    private mutating func head(
        _ method: Method,
        _ deadline: Deadline,
        _ piece: Int? = nil
    ) async throws -> ResponseHead {
        var parser = ResponseParser(to: method)
        while true {
            let head = try input.withSpan { bytes throws(ParseError) in try parser.parse(bytes) }
            if let head {
                input.consume(head.length)
                return head
            }
            guard try await readMore(deadline, piece) else {
                throw Shop.Failed(description: "the connection ended without an answer")
            }
        }
    }

    private mutating func content(
        _ framing: BodyFraming,
        _ deadline: Deadline,
        _ piece: Int?
    ) async throws -> [UInt8] {
        switch framing {
        case .none: return []
        case .length(let count):
            while input.count < count {
                guard try await readMore(deadline, piece) else {
                    throw Shop.Failed(description: "the answer was cut short")
                }
            }
            return input.take(count)
        case .untilClose:
            while try await readMore(deadline, piece) {}
            return input.take(input.count)
        case .chunked:
            throw Shop.Failed(description: "an answer in chunks, which nobody here asked for")
        }
    }

    /// False at the end of what the server sends.
    private mutating func readMore(_ deadline: Deadline, _ piece: Int?) async throws -> Bool {
        if piece != nil { try await EventLoop.sleep(for: .milliseconds(10)) }
        return try await stream.read(
            into: &input,
            atMost: piece ?? 16384,
            until: deadline
        ) > 0
    }
}
