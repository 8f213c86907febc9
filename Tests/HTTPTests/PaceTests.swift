import HTTP
import Reactor
import Synchronization
import Testing

/// Clients that are slow on purpose, that leave, or that stay too long.
@Suite struct PaceTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    /// 60 ms, and a second for each 2,000 bytes.
    private static var limits: HTTPLimits {
        var limits = HTTPLimits()
        limits.bodyTime = .milliseconds(60)
        limits.minimumRate = 2000
        limits.lingerTime = .milliseconds(60)
        return limits
    }

    /// Sends pieces of a content with pauses until the server ends the connection or all are sent.
    private func dribble(
        _ pieces: Int,
        of count: Int,
        every pause: Duration,
        isChunked: Bool
    ) async throws -> String {
        try await serving(limits: Self.limits, site) { address in
            let stream = try await Reactor.Stream.open(address)
            let framing =
                isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(pieces * count)"
            let feeding = Task(executorPreference: stream.loop) {
                try await stream.send("POST /echo HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n")
                let piece = String(repeating: "x", count: count)
                for _ in 0..<pieces {
                    try await stream.send(
                        isChunked ? "\(String(count, radix: 16))\r\n\(piece)\r\n" : piece
                    )
                    try await EventLoop.sleep(for: pause)
                }
                if isChunked { try await stream.send("0\r\n\r\n") }
                stream.closeWrite()
            }
            let text = try await stream.rest(within: .seconds(8)) ?? "open"
            feeding.cancel()
            _ = try? await feeding.value
            stream.close()
            return statuses(text)
        }
    }

    @Test(arguments: [true, false])
    func `a content that dribbles below the rate is a 408 although bytes keep coming`(
        isChunked: Bool
    ) async throws {
        // A hundred bytes a second for ten seconds, had it its way.
        let answer = try await dribble(1000, of: 1, every: .milliseconds(10), isChunked: isChunked)
        #expect(answer == "408")
    }

    @Test(arguments: [true, false])
    func `a long content above the rate is taken, however long it takes`(isChunked: Bool)
        async throws
    {
        // 300 ms, five times the fixed time, but far more than 2,000 bytes a second.
        let answer = try await dribble(
            15,
            of: 4000,
            every: .milliseconds(20),
            isChunked: isChunked
        )
        #expect(answer == "200")
    }

    @Test func `a reader that sips holds no more than the kernel's buffers and is dropped`()
        async throws
    {
        var limits = Self.limits
        limits.writeTime = .milliseconds(100)
        limits.minimumRate = 50_000_000
        let produced = Mutex((bytes: 0, ended: false))
        let handler: Handler = { _ in
            Response(
                .ok,
                body: .stream { writer in
                    defer { produced.withLock { $0.ended = true } }
                    let piece = [UInt8](repeating: 1, count: 1 << 16)
                    for _ in 0..<10_000 {
                        try await writer.write(piece)
                        produced.withLock { $0.bytes += piece.count }
                    }
                }
            )
        }
        try await serving(limits: limits, handler) { address in
            let stream = try await Reactor.Stream.open(address)
            try await stream.send(Self.get)
            var buffer = ByteBuffer()
            let end = Deadline.after(.seconds(8))
            // A hundred bytes every few milliseconds keep no connection.
            while !produced.withLock({ $0.ended }), !end.hasPassed {
                _ = try? await stream.read(into: &buffer, atMost: 100, until: end)
                buffer.consume(buffer.count)
                try await EventLoop.sleep(for: .milliseconds(5))
            }
            stream.close()
        }
        let (bytes, ended) = produced.withLock { $0 }
        #expect(ended && bytes < 64 << 20)
    }

    @Test func `a client that ends and leaves in mid-handler gets nothing and leaves nothing`()
        async throws
    {
        var limits = HTTPLimits()
        limits.connections = 1
        limits.lingerTime = .milliseconds(60)
        let count = Mutex(0)
        let handler: Handler = { _ in
            count.withLock { $0 += 1 }
            // An end may be a half-close (RFC 9112 §9.6): only a write shows that nobody listens.
            try? await EventLoop.sleep(for: .milliseconds(100))
            return .text(Task.isCancelled ? "cancelled" : "done")
        }
        try await serving(limits: limits, handler) { address in
            let stream = try await Reactor.Stream.open(address)
            try await stream.send(Self.get)
            while count.withLock({ $0 }) == 0 { try await EventLoop.sleep(for: .milliseconds(2)) }
            stream.close()
            var text = ""
            for _ in 0..<200 where !text.hasSuffix("done") {
                text = (try? await answer(address, to: Self.get)) ?? ""
                try await EventLoop.sleep(for: .milliseconds(10))
            }
            #expect(statuses(text) == "200", "its place is free again")
        }
    }

    @Test func `a client that leaves an endless stream ends it at the next heartbeat`() async throws
    {
        let ended = Mutex(false)
        let handler: Handler = { _ in
            Response(
                .ok,
                body: .stream { writer in
                    defer { ended.withLock { $0 = true } }
                    while true {
                        try await writer.write(": \n\n")
                        try await writer.flush()
                        try await EventLoop.sleep(for: .milliseconds(10))
                    }
                }
            )
        }
        try await serving(handler) { address in
            let stream = try await Reactor.Stream.open(address)
            try await stream.send(Self.get)
            _ = try await stream.text { $0.contains(": \n\n") }
            stream.close()
            for _ in 0..<500 where !ended.withLock({ $0 }) {
                try await EventLoop.sleep(for: .milliseconds(10))
            }
        }
        #expect(ended.withLock { $0 })
    }

    @Test func `the last request that a connection may carry says close, and is the last`()
        async throws
    {
        var limits = HTTPLimits()
        limits.requestsPerConnection = 3
        limits.lingerTime = .milliseconds(60)
        try await serving(limits: limits, site) { address in
            let stream = try await Reactor.Stream.open(address)
            try await stream.send(String(repeating: Self.get, count: 5))
            let text = try await stream.rest(within: .seconds(5)) ?? "open"
            #expect(statuses(text) == "200 200 200")
            #expect(text.components(separatedBy: "connection: close").count == 2)
            stream.close()
        }
    }

    @Test func `an idle office behind one address does not lock out another`() async throws {
        var limits = HTTPLimits()
        limits.connectionsPerAddress = 2
        try await serving(limits: limits, site) { address in
            let hogs = [
                try await Reactor.Stream.open(address), try await Reactor.Stream.open(address),
            ]
            for hog in hogs { try await hog.send("GET / HTTP/1.1\r\n") }
            try await EventLoop.sleep(for: .milliseconds(50))
            #expect(statuses(try await answer(address, to: Self.get)) == "503")
            for hog in hogs { hog.close() }
        }
        #expect(HTTPLimits().connectionsPerAddress * 10 <= HTTPLimits().connections)
    }
}

extension String {
    fileprivate func components(separatedBy part: String) -> [Substring] {
        split(separator: part, omittingEmptySubsequences: false)
    }
}
