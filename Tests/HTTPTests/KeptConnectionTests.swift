import HTTP
import Reactor
import Synchronization
import Testing

/// The connections that a server has accepted.
private final class Kept: Sendable {
    let streams = Mutex<[Reactor.Stream]>([])

    func add(_ stream: Reactor.Stream) -> Int {
        streams.withLock { streams in
            streams.append(stream)
            return streams.count
        }
    }
}

/// A server that keeps its connections and answers each request with the number of the connection.
///
/// - Parameter answers: asked at each request; where it says no, the connection is closed unanswered.
private func keeping(
    _ answers: @escaping @Sendable () -> Bool = { true },
    _ body: @escaping @Sendable (Endpoint, Kept) async throws -> Void
) async throws {
    try await onLoop {
        let listener = try Listener.bind(.loopback(port: 0))
        let acceptor = try listener.acceptor()
        let kept = Kept()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer {
                    acceptor.close()
                    for stream in kept.streams.withLock({ $0 }) { stream.close() }
                }
                try await body(Endpoint(listener.address), kept)
            }
            while let stream = try? await acceptor.accept() {
                let number = kept.add(stream)
                group.addTask { await serve(stream, number, answers) }
            }
            try await group.waitForAll()
        }
    }
}

private func serve(_ stream: Reactor.Stream, _ number: Int, _ answers: () -> Bool) async {
    while let text = try? await stream.text(until: { $0.hasSuffix("\r\n\r\n") }), text != "" {
        guard answers() else { break }
        let head = "HTTP/1.1 200 OK\r\nX-Connection: \(number)\r\n"
        try? await stream.send(head + "Content-Length: 0\r\n\r\n")
    }
    stream.close()
}

/// What becomes of a client's connections between exchanges, and when one does not end as it should.
@Suite struct KeptConnectionTests {
    private final class Flag: Sendable { let state = Mutex(false) }

    @Test(arguments: [Duration.zero, .milliseconds(50)])
    func `bytes that come late behind a response spoil the connection`(_ pause: Duration)
        async throws
    {
        try await keeping { endpoint, kept in
            let client = HTTPClient()
            func number(_ method: Method) async throws -> String? {
                let request = ClientRequest(method, "/")
                let response = try await client.send(request, to: endpoint, until: soon())
                _ = try await response.body()
                return response.headers["x-connection"]
            }
            for (index, method) in [Method.get, .head, .get].enumerated() {
                #expect(try await number(method) == "\(index + 1)")
                // Nobody asked for it; without a pause not even the loop knows of it.
                let late = "HTTP/1.1 200 OK\r\nX-Connection: late\r\nContent-Length: 0\r\n\r\n"
                let stream = try #require(kept.streams.withLock { $0.last })
                #expect(try stream.writeNow([UInt8](late.utf8)) == late.utf8.count)
                if pause > .zero { try await EventLoop.sleep(for: pause) }
            }
            client.closeIdle()
        }
    }

    @Test(arguments: [(Method.post, 2), (.get, 3)])
    func `a request whose kept connection closed unanswered is sent again if that does no harm`(
        _ method: Method,
        _ requests: Int
    ) async throws {
        let seen = Mutex(0)
        // The second request is read, and the connection closed without a word.
        let answers: @Sendable () -> Bool = {
            seen.withLock { count in
                count += 1
                return count != 2
            }
        }
        try await keeping(answers) { endpoint, _ in
            let client = HTTPClient()
            let request = ClientRequest(method, "/")
            _ = try await client.send(request, to: endpoint, until: soon()).body()
            do throws(ClientError) {
                let again = try await client.send(request, to: endpoint, until: soon())
                #expect(method == .get && again.headers["x-connection"] == "2")
            } catch {
                #expect(method == .post && error == .closedEarly(sent: true))
            }
            client.closeIdle()
        }
        #expect(seen.withLock { $0 } == requests)
    }

    @Test func `a server that refuses a content and reads no more of it is heard`() async throws {
        let isRefused = Flag()
        try await serving { _ in
            Response(
                .ok,
                body: .stream { writer in
                    try await writer.write("the beginning")
                    try await writer.flush()
                    while !isRefused.state.withLock({ $0 }) {
                        try await EventLoop.sleep(for: .milliseconds(2))
                    }
                    let piece = [UInt8](repeating: 1, count: 1 << 16)
                    for _ in 0..<1024 { try await writer.write(piece) }
                }
            )
        } _: { address in
            let listener = try Listener.bind(.loopback(port: 0))
            let acceptor = try listener.acceptor()
            let client = HTTPClient()
            let source = try await client.send(
                ClientRequest(.get, "/"),
                to: Endpoint(address),
                until: soon()
            )
            async let refusing: Reactor.Stream = {
                let stream = try await acceptor.accept()
                _ = try await stream.text { $0.contains("beginning") }
                // It would keep the connection, but the client has not said everything on it.
                try await stream.send("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")
                isRefused.state.withLock { $0 = true }
                return stream
            }()
            let upload = ClientRequest(.post, "/", body: .stream(source.bodyStream))
            let answer = try await client.send(
                upload,
                to: Endpoint(listener.address),
                until: .after(.seconds(3))
            )
            #expect(answer.status == .contentTooLarge)
            let stream = try await refusing
            // What is not read yet is followed by the end.
            var buffer = ByteBuffer()
            while try await stream.read(into: &buffer, until: soon()) > 0 {
                buffer.consume(buffer.count)
            }
            stream.close()
            acceptor.close()
        }
    }
}
