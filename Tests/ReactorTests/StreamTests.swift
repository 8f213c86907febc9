import Glibc
import Testing

@testable import Reactor

/// Tells whoever waits for it why it was woken.
private final class Told: Sleeper {
    private let wake: OneShot<Watcher.Wake>
    init(_ wake: OneShot<Watcher.Wake>) { self.wake = wake }
    func wake(_ reason: Watcher.Wake) { wake.resolve(reason) }
}

@Suite struct StreamTests {
    @Test func `what one end writes the other reads, then sees the end`() async throws {
        try await onLoop {
            let (client, server) = try await connectedPair()
            try await client.write(
                Array("hello ".utf8),
                Array("world".utf8),
                until: .after(.seconds(1))
            )
            client.closeWrite()
            var buffer = ByteBuffer()
            while try await server.read(into: &buffer, until: .after(.seconds(1))) > 0 {}
            #expect(buffer.take(buffer.count) == Array("hello world".utf8))
            try await server.write(Array("still here".utf8), until: .after(.seconds(1)))
            let count = try await client.read(into: &buffer, until: .after(.seconds(1)))
            #expect(count == 10)
            client.close()
            server.close()
        }
    }

    @Test func `a connection is silent until something comes that was not read`() async throws {
        try await onLoop {
            let (client, server) = try await connectedPair()
            var buffer = ByteBuffer()
            #expect(client.isSilent(&buffer))
            // The loop has not been told of it yet.
            #expect(try server.writeNow([1]) == 1)
            #expect(!client.isSilent(&buffer) && buffer.isEmpty)
            #expect(try await client.read(into: &buffer, until: .after(.seconds(1))) == 1)
            buffer.consume(1)
            #expect(client.isSilent(&buffer))
            server.close()
            #expect(!client.isSilent(&buffer))
            client.close()
        }
    }

    @Test func `over TLS tickets break no silence, data and a reset do, and a reset is no end`()
        async throws
    {
        let bench = try TLSTestBench()
        let (one, other) = (try bench.files("user"), try bench.files("order"))
        try await onLoop {
            let (context, trust) = (try TLSContext.server(one), try TLSContext.client(other))
            for isHard in [true, false] {
                let listener = try Listener.bind(.loopback(port: 0))
                let acceptor = try listener.acceptor()
                defer { acceptor.close() }
                async let accepted = Self.accept(acceptor, context)
                let client = try await Stream.connect(
                    to: listener.address,
                    tls: trust,
                    expecting: "spiffe://anyway/user",
                    until: .after(.seconds(2))
                )
                let server = try await accepted
                var buffer = ByteBuffer()
                #expect(client.isSilent(&buffer))
                #expect(try server.writeNow([1]) == 1)
                #expect(!client.isSilent(&buffer) && buffer.count == 1)
                if isHard { server.closeHard() } else { server.close() }
                let outcome = try? await client.read(into: &buffer, until: .after(.seconds(2)))
                #expect(outcome == (isHard ? nil : 0))
                client.close()
            }
        }
    }

    private static func accept(
        _ acceptor: Acceptor,
        _ context: TLSContext
    ) async throws(SocketError) -> Stream {
        let stream = try await acceptor.accept()
        try await stream.acceptTLS(context, until: .after(.seconds(2)))
        return stream
    }

    @Test func `a listener for both families names clients of IPv4 as what they are`() async throws
    {
        let mapped = try SocketAddress(literal: "::ffff:10.1.2.3", port: 80)
        #expect(try mapped == SocketAddress(literal: "10.1.2.3", port: 80))
        #expect(mapped.octets == [10, 1, 2, 3] && mapped.network.hostText == "10.1.2.3")
        #expect(try SocketAddress(literal: "::fffe:10.1.2.3", port: 0).octets.count == 16)
        // Where the machine has no IPv6 there is no such listener.
        guard let listener = try? Listener.bind(SocketAddress(literal: "::", port: 0)) else {
            return
        }
        try await onLoop {
            let acceptor = try listener.acceptor()
            defer { acceptor.close() }
            async let accepted = acceptor.accept()
            let address = SocketAddress.loopback(port: listener.address.port)
            let client = try await Stream.connect(to: address, until: .after(.seconds(2)))
            let server = try await accepted
            #expect(server.remote == client.local && server.remote.hostText == "127.0.0.1")
            client.close()
            server.close()
        }
    }

    @Test func `who is parked is told once: of bytes, of the deadline, of the end`() async throws {
        try await onLoop {
            let (client, server) = try await connectedPair()
            var told: [String] = []
            let parked = { (deadline: Deadline, what: @escaping () async throws -> Void) in
                let wake = OneShot<Watcher.Wake>()
                server.watcher.park(until: deadline, Told(wake))
                try await what()
                return await wake.wait(until: .after(.seconds(2))).map { "\($0)" } ?? "nothing"
            }
            told.append(
                try await parked(.never) {
                    try await client.write([1], until: .after(.seconds(1)))
                }
            )
            var buffer = ByteBuffer()
            #expect(try server.readNow(into: &buffer) == 1)
            #expect(try server.readNow(into: &buffer) == nil)
            told.append(try await parked(.after(.milliseconds(20))) {})
            told.append(try await parked(.never) { server.close() })
            told.append(try await parked(.never) {})
            #expect(told == ["ready", "timedOut", "closed", "closed"])
            client.close()
        }
    }

    @Test func `who would wait for what hung up is told so instead of trying for ever`()
        async throws
    {
        try await onLoop {
            let (client, server) = try await connectedPair()
            // Disconnected here: OpenSSL takes what a read then says for "try again".
            let nobody = [UInt8](repeating: 0, count: MemoryLayout<sockaddr>.size)
            let result = nobody.withUnsafeBytes { bytes in
                let address = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
                return connect(client.descriptor, address, socklen_t(bytes.count))
            }
            #expect(AF_UNSPEC == 0 && result == 0)
            for _ in 0..<100 where !client.watcher.isHungUp { await Task.yield() }
            #expect(client.watcher.isHungUp)
            client.watcher.readWouldBlock()
            await #expect(throws: SocketError.closed) {
                try await client.watcher.readable(until: .after(.seconds(2)))
            }
            #expect(await client.watcher.arrival(until: .after(.seconds(2))) == .closed)
            await #expect(throws: SocketError.closed) {
                for _ in 0..<3 { try await client.watcher.writable(until: .after(.seconds(2))) }
            }
            client.close()
            server.close()
        }
    }

    @Test func `megabytes cross in both directions while buffers fill and drain`() async throws {
        try await onLoop {
            let (client, server) = try await connectedPair()
            let megabytes = [UInt8](repeating: 7, count: 4 << 20)
            async let sent: Void = client.write(megabytes, until: .after(.seconds(10)))
            async let answered: Void = server.write(megabytes, until: .after(.seconds(10)))
            async let received = Self.drain(server, megabytes.count)
            let back = try await Self.drain(client, megabytes.count)
            #expect(try await received == megabytes.count)
            #expect(back == megabytes.count)
            _ = try await (sent, answered)
        }
    }

    private static func drain(_ stream: Stream, _ total: Int) async throws -> Int {
        var count = 0
        var buffer = ByteBuffer()
        while count < total {
            let read = try await stream.read(into: &buffer, until: .after(.seconds(10)))
            if read == 0 { break }
            count += read
            buffer.consume(buffer.count)
        }
        return count
    }

    @Test func `a read gives up at its deadline and the connection stays usable`() async throws {
        try await onLoop {
            let (client, server) = try await connectedPair()
            var buffer = ByteBuffer()
            let start = Deadline.now
            await #expect(throws: SocketError.timedOut) {
                _ = try await server.read(into: &buffer, until: .after(.milliseconds(20)))
            }
            #expect(Deadline.now >= start.advanced(by: .milliseconds(20)))
            try await client.write([1], until: .after(.seconds(1)))
            #expect(try await server.read(into: &buffer, until: .after(.seconds(1))) == 1)
        }
    }

    @Test func `closing wakes the task that waits`() async throws {
        try await onLoop {
            let (client, server) = try await connectedPair()
            async let read: SocketError? = {
                var buffer = ByteBuffer()
                do throws(SocketError) {
                    _ = try await server.read(into: &buffer, until: .never)
                    return nil
                } catch { return error }
            }()
            try await EventLoop.sleep(for: .milliseconds(5))
            server.close()
            #expect(await read == .closed)
            client.close()
        }
    }

    @Test func `cancelling wakes the task that waits, and a later wait is not disturbed`()
        async throws
    {
        try await onLoop {
            let (client, server) = try await connectedPair()
            let waiting = Task(executorPreference: EventLoop.required) { () -> SocketError? in
                var buffer = ByteBuffer()
                do throws(SocketError) {
                    _ = try await server.read(into: &buffer, until: .never)
                    return nil
                } catch { return error }
            }
            try await EventLoop.sleep(for: .milliseconds(5))
            waiting.cancel()
            #expect(await waiting.value == .cancelled)
            try await client.write([1, 2], until: .after(.seconds(1)))
            var buffer = ByteBuffer()
            #expect(try await server.read(into: &buffer, until: .after(.seconds(1))) == 2)
        }
    }

    @Test func `connecting where nobody listens is refused`() async throws {
        let port = try await onLoop {
            let listener = try Listener.bind(.loopback(port: 0))
            return listener.address.port
        }
        try await onLoop {
            _ = await #expect(throws: SocketError.refused("127.0.0.1:\(port)")) {
                _ = try await Stream.connect(to: .loopback(port: port), until: .after(.seconds(1)))
            }
        }
    }

    @Test func `two listeners cannot share a port`() throws {
        let first = try Listener.bind(.loopback(port: 0))
        #expect(throws: SocketError.self) { _ = try Listener.bind(first.address) }
    }

    @Test func `addresses read and print as people write them`() async throws {
        #expect(try SocketAddress(literal: "127.0.0.1", port: 80) == .loopback(port: 80))
        #expect("\(try SocketAddress(literal: "::1", port: 443))" == "[::1]:443")
        #expect(throws: SocketError.addressInvalid("nowhere")) {
            _ = try SocketAddress(literal: "nowhere", port: 1)
        }
        let found = try await SocketAddress.resolve(host: "localhost", port: 9)
        #expect(found == [.loopback(port: 9)])
        await #expect(throws: SocketError.unresolved("no-such-host.invalid")) {
            _ = try await SocketAddress.resolve(host: "no-such-host.invalid", port: 9)
        }
    }

    @Test func `a byte buffer keeps order across consume, take and append`() {
        var buffer = ByteBuffer([1, 2, 3, 4])
        buffer.consume(3)
        buffer.append([5, 6])
        #expect(buffer.count == 3)
        #expect(buffer.withSpan { $0[0] } == 4)
        #expect(buffer.take(2) == [4, 5])
        #expect(buffer.take(1) == [6])
        #expect(buffer.isEmpty)
    }
}
