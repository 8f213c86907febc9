import HTTP
import Reactor
import Testing

private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

/// Connections that have been silent for so long that they have no task.
@Suite struct ParkedConnectionTests {
    /// Longer than a connection keeps its task.
    private static let pause = Duration.milliseconds(1200)

    private static let home: Handler = { _ in .text("home") }

    @Test func `a connection is served again after long pauses, also in pieces`() async throws {
        try await serving(Self.home) { address in
            let stream = try await Reactor.Stream.open(address)
            for piece in [get, get + get] {
                try await EventLoop.sleep(for: Self.pause)
                try await stream.send(String(piece.prefix(10)))
                try await EventLoop.sleep(for: .milliseconds(20))
                try await stream.send(String(piece.dropFirst(10)))
                let expected = piece == get ? "200" : "200 200"
                let text = try await stream.text { text in
                    text.hasSuffix("home") && statuses(text).count == expected.count
                }
                #expect(statuses(text) == expected)
            }
            stream.close()
        }
    }

    @Test func `draining closes connections without a task at once`() async throws {
        let listener = try Listener.bind(.loopback(port: 0))
        let server = HTTPServer(listener: listener, handler: Self.home)
        let running = Task { try await server.run(on: loops) }
        try await onLoop {
            let fresh = try await Reactor.Stream.open(listener.address)
            let used = try await Reactor.Stream.open(listener.address)
            try await used.send(get)
            _ = try await used.text { $0.hasSuffix("home") }
            try await EventLoop.sleep(for: Self.pause)
            running.cancel()
            #expect(try await fresh.rest(within: .seconds(2)) == "")
            #expect(try await used.rest(within: .seconds(2)) == "")
            fresh.close()
            used.close()
        }
        try await running.value
    }

    @Test func `a silent connection is closed at the end of the idle time, with or without a task`()
        async throws
    {
        var limits = HTTPLimits()
        limits.idleTime = .milliseconds(1400)
        try await serving(limits: limits, Self.home) { address in
            let fresh = try await Reactor.Stream.open(address)
            let used = try await Reactor.Stream.open(address)
            try await used.send(get)
            let start = Deadline.now
            #expect(statuses(try await used.rest(within: .seconds(5)) ?? "open") == "200")
            #expect(Deadline.now >= start.advanced(by: .milliseconds(1300)))
            #expect(try await fresh.rest(within: .seconds(5)) == "")
            fresh.close()
            used.close()
        }
    }

    @Test func `more connections than may keep their tasks are served alike`() async throws {
        var limits = HTTPLimits()
        limits.connectionsPerAddress = 1000
        try await serving(limits: limits, Self.home) { address in
            var streams: [Reactor.Stream] = []
            for _ in 0..<700 { streams.append(try await Reactor.Stream.open(address)) }
            for _ in 0..<2 {
                for stream in streams { try await stream.send(get) }
                for stream in streams {
                    #expect(statuses(try await stream.text { $0.hasSuffix("home") }) == "200")
                }
            }
            for stream in streams { stream.close() }
        }
    }
}
