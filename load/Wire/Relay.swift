internal import Reactor
internal import Synchronization

/// Stands between a client and a server on this machine, passes on what each of them sends, and counts it.
///
/// What it counts is what crosses a wire above TCP: contents, heads, and with TLS the handshakes and
/// the records too.
final class Relay: Sendable {
    /// What has passed so far.
    struct Count: Sendable, Equatable {
        var connections = 0
        /// Bytes from clients.
        var sent = 0
        /// Bytes from the server.
        var received = 0

        static func - (left: Count, right: Count) -> Count {
            Count(
                connections: left.connections - right.connections,
                sent: left.sent - right.sent,
                received: left.received - right.received
            )
        }
    }

    private enum Way: Sendable { case toServer, toClient }

    private let listener: Listener
    private let target: SocketAddress
    private let passed = Mutex(Count())

    private init(to target: SocketAddress) throws(SocketError) {
        listener = try Listener.bind(.loopback(port: 0))
        self.target = target
    }

    /// Where clients find it.
    var address: SocketAddress { listener.address }

    /// What has passed so far.
    var count: Count { passed.withLock { $0 } }

    /// Stands in front of a server while `body` runs.
    static func before<Value: Sendable>(
        _ target: SocketAddress,
        _ body: @escaping @Sendable (Relay) async throws -> Value
    ) async throws -> Value {
        let relay = try Relay(to: target)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await relay.run() }
            let value = try await body(relay)
            group.cancelAll()
            return value
        }
    }

    /// What passes while `body` runs, and whatever follows within a moment.
    func counting(_ body: () async throws -> Void) async throws -> Count {
        let before = count
        try await body()
        // The end of a connection is still on its way when its client has gone on.
        try await EventLoop.sleep(for: .milliseconds(50))
        return count - before
    }

    private func run() async throws(SocketError) {
        let acceptor = try listener.acceptor()
        defer { acceptor.close() }
        await withDiscardingTaskGroup { group in
            while let client = try? await acceptor.accept() {
                passed.withLock { $0.connections += 1 }
                group.addTask { await self.serve(client) }
            }
        }
    }

    private func serve(_ client: Stream) async {
        defer { client.close() }
        let found = try? await Stream.connect(to: target, until: .after(.seconds(5)))
        guard let server = found else { return }
        defer { server.close() }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.pass(client, server, .toServer) }
            group.addTask { await self.pass(server, client, .toClient) }
        }
    }

    /// Passes on until one side has ended or failed.
    private func pass(_ source: Stream, _ sink: Stream, _ way: Way) async {
        var buffer = ByteBuffer()
        do throws(SocketError) {
            while try await source.read(into: &buffer, until: .never) > 0 {
                note(buffer.count, way)
                try await sink.write(buffer.take(buffer.count), until: .after(.seconds(30)))
            }
            sink.closeWrite()
        } catch {
            // Whoever waits for the other side learns of it.
            source.close()
            sink.close()
        }
    }

    private func note(_ bytes: Int, _ way: Way) {
        passed.withLock { count in
            switch way {
            case .toServer: count.sent += bytes
            case .toClient: count.received += bytes
            }
        }
    }
}
