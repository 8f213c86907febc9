import HTTP
import Reactor
import Synchronization
import Testing

private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

private func post(_ path: String, _ fields: String, _ body: String = "") -> String {
    "POST \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n\(body)"
}

@Suite struct ServerTimeTests {
    private static var hasty: HTTPLimits {
        var limits = HTTPLimits()
        limits.headerTime = .milliseconds(60)
        limits.idleTime = .milliseconds(60)
        limits.bodyTime = .milliseconds(60)
        limits.lingerTime = .milliseconds(60)
        return limits
    }

    @Test(arguments: [
        ("GET / HT", "408"), ("", ""), (get, "200"),
        (post("/echo", "Content-Length: 5", "hi"), "408"),
        (post("/echo", "Transfer-Encoding: chunked", "5\r\nhi"), "408"), (get + "G", "200 408"),
    ])
    func `who is too slow is told and dropped`(input: String, expected: String) async throws {
        try await serving(limits: Self.hasty, site) { address in
            let stream = try await Reactor.Stream.open(address)
            try await stream.send(input)
            #expect(statuses(try await stream.rest(within: .seconds(5)) ?? "open") == expected)
            stream.close()
        }
    }

    @Test func `a client that dribbles bytes of a head is still dropped`() async throws {
        try await serving(limits: Self.hasty, site) { address in
            let stream = try await Reactor.Stream.open(address)
            let dribble = Task(executorPreference: stream.loop) {
                for byte in "GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaa".utf8 {
                    try await stream.write([byte], until: .after(.seconds(1)))
                    try await EventLoop.sleep(for: .milliseconds(10))
                }
            }
            #expect(statuses(try await stream.rest(within: .seconds(5)) ?? "open") == "408")
            dribble.cancel()
            _ = try? await dribble.value
            stream.close()
        }
    }

    @Test func `draining finishes what is in flight and closes what is idle`() async throws {
        let started = Mutex(0)
        let isStopping = Mutex(false)
        let listener = try Listener.bind(.loopback(port: 0))
        let server = HTTPServer(listener: listener) { request in
            started.withLock { $0 += 1 }
            // However busy the machine is, the request is in flight when the drain begins.
            while !isStopping.withLock({ $0 }) {
                try? await EventLoop.sleep(for: .milliseconds(2))
            }
            try? await EventLoop.sleep(for: .milliseconds(50))
            return .text("done \(Task.isCancelled)")
        }
        let running = Task { try await server.run(on: loops) }
        try await onLoop {
            let idle = try await Reactor.Stream.open(listener.address)
            let busy = try await Reactor.Stream.open(listener.address)
            try await busy.send(get + get)
            while started.withLock({ $0 }) == 0 { try await EventLoop.sleep(for: .milliseconds(2)) }
            running.cancel()
            // Those who come now learn at once that they have to go elsewhere.
            var isRefused = false
            for _ in 0..<500 where !isRefused {
                do throws(SocketError) {
                    try await Stream.connect(to: listener.address, until: soon()).close()
                    try await EventLoop.sleep(for: .milliseconds(10))
                } catch { isRefused = error == .refused(listener.address.description) }
            }
            #expect(isRefused)
            isStopping.withLock { $0 = true }
            #expect(try await idle.rest(within: .seconds(5)) == "")
            let text = try await busy.rest(within: .seconds(5)) ?? ""
            #expect(statuses(text) == "200" && text.hasSuffix("done false"))
            #expect(text.contains("connection: close"))
            idle.close()
            busy.close()
        }
        try await running.value
    }

    @Test func `connections in turn and resets in mid-request leave the server well`() async throws
    {
        try await serving(site) { address in
            for number in 0..<600 {
                let stream = try await Reactor.Stream.open(address)
                try await stream.send(number % 3 == 0 ? "POST /echo HTTP/1.1\r\nHos" : get)
                if number % 3 == 1 { _ = try await stream.text { $0.hasSuffix("home") } }
                stream.close()
            }
            let half = try await (0..<200).asyncMap { _ in try await Reactor.Stream.open(address) }
            for stream in half { try await stream.send("GET / HTTP/1.1\r\n") }
            #expect(statuses(try await answer(address, to: get)) == "200")
            for stream in half { stream.close() }
        }
    }

    @Test func `a reader that does not read is dropped`() async throws {
        var limits = HTTPLimits()
        limits.writeTime = .milliseconds(50)
        limits.minimumRate = 1 << 30
        let outcome = Mutex("")
        let handler: Handler = { _ in
            Response(
                .ok,
                body: .stream { writer in
                    let piece = [UInt8](repeating: 1, count: 1 << 16)
                    do throws(SocketError) {
                        for _ in 0..<10_000 { try await writer.write(piece) }
                    } catch {
                        outcome.withLock { $0 = "\(error)" }
                        throw error
                    }
                }
            )
        }
        try await serving(limits: limits, handler) { address in
            let stream = try await Reactor.Stream.open(address)
            try await stream.send(get)
            let end = Deadline.after(.seconds(5))
            while outcome.withLock({ $0.isEmpty }), !end.hasPassed {
                try await EventLoop.sleep(for: .milliseconds(10))
            }
            // It was reset: the kernel keeps nothing for who does not read.
            await #expect(throws: SocketError.closed) {
                var buffer = ByteBuffer()
                while try await stream.read(into: &buffer, until: .after(.seconds(5))) > 0 {}
            }
            stream.close()
        }
        #expect(outcome.withLock { $0 } == "\(SocketError.timedOut)")
    }

    @Test func `one connection too many is closed at once`() async throws {
        var limits = HTTPLimits()
        limits.connections = 1
        limits.lingerTime = .milliseconds(60)
        try await serving(limits: limits, site) { address in
            // Whichever loop takes them: all loops count together, and whoever is in stays.
            let streams = try await (0..<3).asyncMap { _ in try await Reactor.Stream.open(address) }
            for stream in streams { try? await stream.send(get) }
            let answers = try await streams.asyncMap { stream in
                statuses(try await stream.text { statuses($0) == "200" && $0.hasSuffix("home") })
            }
            #expect(answers.sorted() == ["200", "503", "503"])
            for stream in streams { stream.close() }
        }
    }

    @Test func `whoever observes is told of every exchange`() async throws {
        let seen = Mutex<[String]>([])
        let observe: @Sendable (Exchange) -> Void = { exchange in
            let target = exchange.request?.target ?? "-"
            seen.withLock {
                $0.append("\(target) \(exchange.status.code) \(exchange.route ?? "-")")
            }
        }
        let input = "GET /item/7 HTTP/1.1\r\nHost: a\r\n\r\n\(get)x\n"
        try await serving(HTTPLimits(), observe, site) { address in
            _ = try await answer(address, to: input)
        }
        #expect(seen.withLock { $0 } == ["/item/7 200 /item/{id}", "/ 200 /", "- 400 -"])
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(
        _ transform: (Element) async throws -> Value
    ) async throws -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
