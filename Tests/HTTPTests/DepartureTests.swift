import HTTP
import Reactor
import Synchronization
import Testing

/// Who may come, who has gone, and who is told.
@Suite struct DepartureTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func `a client that resets in mid-handler cancels the handler`() async throws {
        let fate = Mutex("")
        let handler: Handler = { _ in
            fate.withLock { $0 = "running" }
            do throws(SocketError) {
                try await EventLoop.sleep(for: .seconds(20))
                fate.withLock { $0 = "slept" }
            } catch {
                fate.withLock { $0 = "\(error)" }
            }
            return .text("late")
        }
        try await serving(handler) { address in
            let stream = try await Reactor.Stream.open(address)
            try await stream.send(Self.get)
            try await Self.wait { fate.withLock { $0 } == "running" }
            stream.closeHard()
            try await Self.wait { fate.withLock { $0 } != "running" }
        }
        #expect(fate.withLock { $0 } == "\(SocketError.cancelled)")
    }

    @Test func `a client that ends its half in mid-handler does not`() async throws {
        let handler: Handler = { _ in
            try? await EventLoop.sleep(for: .milliseconds(200))
            return .text(Task.isCancelled ? "cancelled" : "in time")
        }
        try await serving(handler) { address in
            let stream = try await Reactor.Stream.open(address)
            try await stream.send(Self.get)
            try await EventLoop.sleep(for: .milliseconds(50))
            stream.closeWrite()
            let text = try await stream.rest(within: .seconds(5)) ?? ""
            #expect(text.hasSuffix("in time"))
            stream.close()
        }
    }

    @Test(arguments: [true, false])
    func `connections beyond the limit are told 503, and room is found again`(perAddress: Bool)
        async throws
    {
        var limits = HTTPLimits()
        limits.lingerTime = .milliseconds(100)
        if perAddress { limits.connectionsPerAddress = 3 } else { limits.connections = 3 }
        try await serving(limits: limits, site) { address in
            var streams: [Reactor.Stream] = []
            for _ in 0..<3 {
                let stream = try await Reactor.Stream.open(address)
                try await stream.send(Self.get)
                #expect(statuses(try await stream.text { $0.hasSuffix("home") }) == "200")
                streams.append(stream)
            }
            let refused = try await Reactor.Stream.open(address)
            let text = try await refused.rest(within: .seconds(5)) ?? "open"
            #expect(statuses(text) == "503" && text.contains("\r\nretry-after: 1\r\n"))
            refused.close()
            streams.removeLast().close()
            try await Self.wait {
                statuses((try? await answer(address, to: Self.get)) ?? "") == "200"
            }
            for stream in streams { stream.close() }
        }
    }

    @Test func `events are spelled so that none can forge another`() async throws {
        let rounds = Mutex(0)
        let handler: Handler = { _ in
            .events(heartbeat: .milliseconds(30)) { deadline in
                switch rounds.withLock({ (count: inout Int) -> Int in
                    count += 1; return count
                }) {
                case 1:
                    return [ServerSentEvent("a\nb\r\nc\rd", id: "1\n2", event: "x\r\ndata: evil")]
                case 2:
                    try await EventLoop.sleep(until: deadline)
                    return []
                default: return nil
                }
            }
        }
        try await serving(handler) { address in
            let text = try await answer(address, to: "GET / HTTP/1.0\r\n\r\n")
            #expect(text.contains("\r\ncontent-type: text/event-stream\r\n"))
            #expect(
                text.hasSuffix(
                    "\r\n\r\nevent: x  data: evil\nid: 1 2\ndata: a\ndata: b\ndata: c\ndata: d\n\n: \n\n"
                )
            )
        }
    }

    private static func wait(_ condition: () async -> Bool) async throws {
        for _ in 0..<500 {
            if await condition() { return }
            try await EventLoop.sleep(for: .milliseconds(10))
        }
        Issue.record("it did not come to be")
    }
}
