import HTTP
import Reactor
import Synchronization
import Testing

/// Clients that share a loop.
@Suite struct FairnessTests {
    private static let flood = 8000

    private final class Counts: Sendable {
        let served = Mutex(0)
        let servedBefore = Mutex<Int?>(nil)
    }

    @Test(arguments: [true, false])
    func `who floods a loop with requests holds up nobody else on it`(_ isAtOnce: Bool) async throws
    {
        let counts = Counts()
        let responder = Responder { request throws(Problem) in
            let served = counts.served.withLock { count in
                count += 1
                return count
            }
            if request.path.description == "/other" {
                counts.servedBefore.withLock { $0 = served }
            }
            return .now(.empty())
        }
        var limits = HTTPLimits()
        limits.requestsPerConnection = .max
        let group = try EventLoopGroup(count: 1)
        let listener = try Listener.bind(.loopback(port: 0))
        let server = HTTPServer(
            listener: listener,
            limits: limits,
            responder: isAtOnce ? responder : Responder(responder.handler)
        )
        let running = Task { try await server.run(on: group) }
        // On the server's own loop: both requests are there before it looks at either.
        let asking = Task(executorPreference: group.loops[0]) {
            try await Self.ask(listener.address)
        }
        try await asking.value
        running.cancel()
        try await running.value
        group.shutdown()
        #expect(try #require(counts.servedBefore.withLock { $0 }) < Self.flood / 2)
    }

    /// Floods on one connection, and then asks on another.
    private static func ask(_ address: SocketAddress) async throws {
        let flooding = try await Reactor.Stream.open(address)
        let other = try await Reactor.Stream.open(address)
        let get = starting("GET / HTTP/1.1")
        for stream in [flooding, other] {
            try await stream.send(get)
            _ = try await stream.text { $0.hasSuffix("\r\n\r\n") }
        }
        let flood = [UInt8](times(Self.flood, get).utf8)
        // Loopback takes some MiB at once; the answers to less have room as well.
        try #require(try flooding.writeNow(flood) == flood.count)
        _ = try other.writeNow([UInt8](starting("GET /other HTTP/1.1").utf8))
        #expect(statuses(try await other.text { $0.hasSuffix("\r\n\r\n") }) == "204")
        other.close()
        flooding.close()
    }
}
