import HTTP
import Reactor
import Synchronization
import Testing

func soon() -> Deadline { .after(.seconds(5)) }
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
private func many(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

@Suite struct ClientTests {
    @Test func `calls in turn share one connection`() async throws {
        let ports = Mutex<Set<UInt16>>([])
        try await serving { request throws(Problem) in
            ports.withLock { _ = $0.insert(request.remote.port) }
            let body = try await request.body()
            return .bytes(Array("\(request.method) ".utf8) + body, type: "text/plain")
        } _: { address in
            let client = HTTPClient()
            for number in 0..<20 {
                let request = ClientRequest(.post, "/", body: .bytes([UInt8]("\(number)".utf8)))
                let response = try await client.send(request, to: Endpoint(address), until: soon())
                #expect(response.status == .ok)
                #expect(text(try await response.body()) == "POST \(number)")
            }
            client.closeIdle()
        }
        #expect(ports.withLock { $0.count } == 1)
    }

    @Test func `content streams both ways`() async throws {
        try await serving { request in
            Response(
                .ok,
                body: .stream { writer in
                    while let piece = try await request.bodyStream.next() {
                        try await writer.write(piece)
                    }
                }
            )
        } _: { address in
            let client = HTTPClient()
            let megabyte = [UInt8](repeating: 7, count: 1 << 20)
            let first = try await client.send(
                ClientRequest(.post, "/", body: .bytes(megabyte)),
                to: Endpoint(address),
                until: soon()
            )
            // What comes back is sent round once more, piece by piece.
            let second = try await client.send(
                ClientRequest(.post, "/", body: .stream(first.bodyStream)),
                to: Endpoint(address),
                until: soon()
            )
            #expect(try await second.body() == megabyte)
            client.closeIdle()
        }
    }

    @Test func `HEAD, 204 and an empty POST keep the connection`() async throws {
        let ports = Mutex<Set<UInt16>>([])
        try await serving { request in
            ports.withLock { _ = $0.insert(request.remote.port) }
            return request.method == .post ? .empty() : .text("hello")
        } _: { address in
            let client = HTTPClient()
            for method in [Method.head, .post, .get] {
                let response = try await client.send(
                    ClientRequest(method, "/"),
                    to: Endpoint(address),
                    until: soon()
                )
                #expect(text(try await response.body()) == (method == .get ? "hello" : ""))
            }
            client.closeIdle()
        }
        #expect(ports.withLock { $0.count } == 1)
    }

    @Test func `bytes behind a response spoil the connection`() async throws {
        let reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n\r\n"
        try await hostile(reply) { endpoint in
            let client = HTTPClient()
            for _ in 0..<3 {
                let response = try await client.send(
                    ClientRequest(.get, "/"),
                    to: endpoint,
                    until: soon()
                )
                #expect(text(try await response.body()) == "hi")
            }
        }
    }

    @Test func `a kept connection that died is replaced without a word`() async throws {
        // This server closes after each answer without saying so.
        let reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
        try await hostile(reply) { endpoint in
            let client = HTTPClient()
            for _ in 0..<5 {
                let response = try await client.send(
                    ClientRequest(.get, "/"),
                    to: endpoint,
                    until: soon()
                )
                #expect(text(try await response.body()) == "hi")
            }
            try await EventLoop.sleep(for: .milliseconds(20))
            // By now the end is known, so even what may not be repeated is safe.
            let response = try await client.send(
                ClientRequest(.post, "/"),
                to: endpoint,
                until: soon()
            )
            #expect(response.status == .ok)
        }
    }

    @Test func `the deadline ends a call and says that it was sent`() async throws {
        try await serving { _ in
            try? await EventLoop.sleep(for: .milliseconds(200))
            return .text("late")
        } _: { address in
            await #expect(throws: ClientError.timedOut(sent: true)) {
                _ = try await HTTPClient().send(
                    ClientRequest(.get, "/"),
                    to: Endpoint(address),
                    until: .after(.milliseconds(30))
                )
            }
            // The caller's own deadline counts as well.
            await Deadline.$current.withValue(.after(.milliseconds(30))) {
                await #expect(throws: ClientError.timedOut(sent: true)) {
                    _ = try await HTTPClient().send(
                        ClientRequest(.get, "/"),
                        to: Endpoint(address),
                        until: soon()
                    )
                }
            }
        }
    }

    @Test func `an answer must begin in time, and may then take its time`() async throws {
        try await serving { request in
            if request.path.description == "/late" {
                try? await EventLoop.sleep(for: .milliseconds(300))
                return .text("late")
            }
            return Response(
                .ok,
                body: .stream { writer in
                    try await writer.write("a")
                    try await writer.flush()
                    try await EventLoop.sleep(for: .milliseconds(200))
                    try await writer.write("b")
                }
            )
        } _: { address in
            var limits = ClientLimits()
            limits.firstByteTime = .milliseconds(100)
            let client = HTTPClient(limits: limits)
            await #expect(throws: ClientError.timedOut(sent: true)) {
                _ = try await client.send(
                    ClientRequest(.get, "/late"),
                    to: Endpoint(address),
                    until: soon()
                )
            }
            let response = try await client.send(
                ClientRequest(.get, "/"),
                to: Endpoint(address),
                until: soon()
            )
            #expect(text(try await response.body()) == "ab")
            client.closeIdle()
        }
    }

    @Test func `a cancelled call ends at once`() async throws {
        try await serving { _ in
            try? await EventLoop.sleep(for: .milliseconds(200))
            return .text("late")
        } _: { address in
            let call = Task(executorPreference: loops.next()) { () -> ClientError? in
                do throws(ClientError) {
                    _ = try await HTTPClient().send(
                        ClientRequest(.get, "/"),
                        to: Endpoint(address),
                        until: soon()
                    )
                    return nil
                } catch {
                    return error
                }
            }
            try await EventLoop.sleep(for: .milliseconds(30))
            call.cancel()
            #expect(await call.value == .cancelled(sent: true))
        }
    }

    @Test func `nobody listening is known to have done nothing`() async throws {
        try await onLoop {
            let address = try Listener.bind(.loopback(port: 0)).address
            do throws(ClientError) {
                _ = try await HTTPClient().send(
                    ClientRequest(.get, "/"),
                    to: Endpoint(address),
                    until: soon()
                )
                Issue.record("something answered")
            } catch {
                #expect(error == .connect(.refused(address.description)) && !error.mayHaveActed)
            }
        }
    }

    @Test func `busy connections are bounded`() async throws {
        // What arrives with its head as a whole frees the connection at once; a stream does not.
        try await serving { _ in
            Response(.ok, body: .stream { writer in try await writer.write("x") })
        } _: { address in
            var limits = ClientLimits()
            limits.connectionsPerEndpoint = 1
            let client = HTTPClient(limits: limits)
            let first = try await client.send(
                ClientRequest(.get, "/stream"),
                to: Endpoint(address),
                until: soon()
            )
            #expect(first.status == .ok)
            await #expect(throws: ClientError.exhausted) {
                _ = try await client.send(
                    ClientRequest(.get, "/"),
                    to: Endpoint(address),
                    until: soon()
                )
            }
            #expect(text(try await first.body()) == "x")
            _ = try await client.send(
                ClientRequest(.get, "/"),
                to: Endpoint(address),
                until: soon()
            ).body()
            client.closeIdle()
        }
    }

    @Test func `a response dropped unread closes its connection and frees its place`() async throws
    {
        let ports = Mutex<Set<UInt16>>([])
        try await serving { request in
            ports.withLock { _ = $0.insert(request.remote.port) }
            return .text(many("x", 1 << 20))
        } _: { address in
            var limits = ClientLimits()
            limits.connectionsPerEndpoint = 1
            let client = HTTPClient(limits: limits)
            for _ in 0..<3 {
                let status = try await client.send(
                    ClientRequest(.get, "/"),
                    to: Endpoint(address),
                    until: soon()
                ).status
                #expect(status == .ok)
                // The loop closes the dropped connection on its next turn.
                try await EventLoop.sleep(for: .milliseconds(5))
            }
        }
        #expect(ports.withLock { $0.count } == 3)
    }

    @Test func `an answer that comes before the content was sent still counts`() async throws {
        try await serving { _ throws(Problem) in
            throw Problem(.contentTooLarge)
        } _: { address in
            let big = ClientRequest(
                .post,
                "/",
                body: .stream(BodyReader([UInt8](repeating: 1, count: 4 << 20)))
            )
            let response = try await HTTPClient().send(big, to: Endpoint(address), until: soon())
            #expect(response.status == .contentTooLarge)
            #expect(response.headers.lists("close", in: .connection))
        }
    }

    @Test func `a request can pass through a proxy of client and server`() async throws {
        try await serving { request throws(Problem) in
            var headers = request.headers
            headers.removeHopByHop()
            return Response(.ok, headers: headers, body: .bytes(try await request.body()))
        } _: { upstream in
            let client = HTTPClient()
            try await serving { request throws(Problem) in
                var headers = request.headers
                headers.removeHopByHop()
                let onward = ClientRequest(
                    request.method,
                    request.target,
                    headers: headers,
                    body: .stream(request.bodyStream)
                )
                do throws(ClientError) {
                    let response = try await client.send(
                        onward,
                        to: Endpoint(upstream),
                        until: soon()
                    )
                    return Response(
                        response.status,
                        headers: response.headers,
                        body: .stream(length: response.bodyStream.length) { writer in
                            while let piece = try await response.bodyStream.next() {
                                try await writer.write(piece)
                            }
                        }
                    )
                } catch {
                    throw Problem(.badGateway)
                }
            } _: { address in
                let request =
                    "POST /x HTTP/1.1\r\nHost: h\r\nx-a: \u{E9}\r\nConnection: x-b\r\nx-b: c\r\n"
                let chunked = request + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                for _ in 0..<2 {
                    let text = try await answer(address, to: chunked)
                    #expect(text.hasSuffix("\r\n\r\nabc") && statuses(text) == "200")
                    #expect(text.contains("x-a: \u{E9}\r\n") && !text.contains("x-b"))
                }
            }
            client.closeIdle()
        }
    }
}
