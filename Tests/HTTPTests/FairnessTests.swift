import HTTP
import Reactor
import Synchronization
import Testing

/// Clients that share a loop.
@Suite struct FairnessTests {
    private static let flood = 20_000

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
            return .now(.text("x"))
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
        try await onLoop { try await Self.ask(listener.address, counts) }
        running.cancel()
        try await running.value
        group.shutdown()
        #expect(try #require(counts.servedBefore.withLock { $0 }) < Self.flood / 2)
    }

    /// Floods on one connection, and asks on another when the flood has begun.
    private static func ask(_ address: SocketAddress, _ counts: Counts) async throws {
        let flooding = try await Reactor.Stream.open(address)
        let other = try await Reactor.Stream.open(address)
        let flood = times(Self.flood, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let writing = Task(executorPreference: flooding.loop) { try? await flooding.send(flood) }
        let reading = Task(executorPreference: flooding.loop) {
            var buffer = ByteBuffer()
            while let count = try? await flooding.read(into: &buffer, until: soon()), count > 0 {
                buffer.consume(buffer.count)
            }
        }
        while counts.served.withLock({ $0 }) < 100 {
            try await EventLoop.sleep(for: .milliseconds(1))
        }
        try await other.send("GET /other HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(statuses(try await other.rest() ?? "open") == "200")
        other.close()
        flooding.close()
        _ = await (writing.value, reading.value)
    }
}
