import Glibc
import Testing

@testable import Reactor

/// What is said in one turn of a loop leaves together.
@Suite struct PostTests {
    /// How many bytes lie before this end, which nobody has read.
    private static func waiting(_ stream: Reactor.Stream) -> Int {
        var bytes = [UInt8](repeating: 0, count: 131_072)
        let flags = Int32(MSG_PEEK | MSG_DONTWAIT)
        return max(0, unsafe recv(stream.descriptor, &bytes, bytes.count, flags))
    }

    /// Everything up to the peer's end.
    private static func all(_ stream: Reactor.Stream) async throws -> [UInt8] {
        var buffer = ByteBuffer()
        while try await stream.read(into: &buffer, until: .after(.seconds(5))) > 0 {}
        return buffer.take(buffer.count)
    }

    @Test func `what is posted leaves at the end of the turn and not before`() async throws {
        try await onLoop {
            let (one, other) = (try await connectedPair(), try await connectedPair())
            #expect(try one.client.post([1, 2], [3]) == 3)
            #expect(try other.client.post([4]) == 1)
            #expect(Self.waiting(one.server) == 0 && Self.waiting(other.server) == 0)
            await Task.yield()
            #expect(Self.waiting(one.server) == 3 && Self.waiting(other.server) == 1)
            for end in [one.client, one.server, other.client, other.server] { end.close() }
        }
    }

    @Test func `a full bag leaves at once`() async throws {
        try await onLoop {
            let (client, server) = try await connectedPair()
            for _ in 1...31 { #expect(try client.post([7]) == 1) }
            #expect(Self.waiting(server) == 0)
            #expect(try client.post([7]) == 1)
            #expect(Self.waiting(server) == 32)
            let large = [UInt8](repeating: 8, count: 16_384)
            for _ in 1...3 { #expect(try client.post(large) == large.count) }
            #expect(Self.waiting(server) == 32)
            #expect(try client.post(large) == large.count)
            #expect(Self.waiting(server) == 32 + 4 * large.count)
            client.close()
            server.close()
        }
    }

    @Test func `what follows in any other way comes behind it`() async throws {
        try await onLoop {
            let (client, server) = try await connectedPair()
            #expect(try client.post([1]) == 1)
            #expect(try client.writeNow([2]) == 1)
            #expect(try client.post([3]) == 1)
            #expect(try client.writeNow([4], [5]) == 2)
            #expect(try client.post([6]) == 1)
            try await client.write([7], until: .after(.seconds(1)))
            // Too long to be kept.
            #expect(try client.post([8]) == 1)
            #expect(try client.post([UInt8](repeating: 9, count: 16_385)) == 16_385)
            #expect(try client.post([10]) == 1)
            client.closeWrite()
            let got = try await Self.all(server)
            #expect(got == [1, 2, 3, 4, 5, 6, 7, 8] + [UInt8](repeating: 9, count: 16_385) + [10])
            #expect(try server.post([11]) == 1)
            server.close()
            #expect(try await Self.all(client) == [11])
            client.close()
        }
    }

    /// Writes until the socket takes no more; how many bytes it took.
    private static func fill(_ stream: Reactor.Stream) throws -> Int {
        let filler = [UInt8](repeating: 1, count: 65_536)
        var sent = 0
        while case let count = try stream.writeNow(filler), count > 0 { sent += count }
        return sent
    }

    @Test func `what the socket does not take follows as soon as it does`() async throws {
        try await onLoop {
            let (client, server) = try await connectedPair()
            let sent = try Self.fill(client)
            let last = [UInt8](repeating: 2, count: 9_000)
            #expect(try client.post(last) == last.count)
            #expect(try client.post([3]) == 1)
            #expect(!client.settleNow())
            // Nothing may overtake what is owed.
            #expect(try client.writeNow([5]) == 0 && client.post([5]) == 0)
            var buffer = ByteBuffer()
            while buffer.count <= sent + last.count {
                _ = try await server.read(into: &buffer, until: .after(.seconds(5)))
            }
            #expect(buffer.take(sent).allSatisfy { $0 == 1 })
            #expect(buffer.take(buffer.count) == last + [3] && client.settleNow())
            client.close()
            server.close()
        }
    }

    @Test func `one may wait to read, another to write, while something is owed`() async throws {
        try await onLoop {
            let (client, server) = try await connectedPair()
            let sent = try Self.fill(client)
            #expect(try client.post([2]) == 1)
            #expect(!client.settleNow())
            async let answer = client.readOne()
            async let written: Void = client.write([3], until: .after(.seconds(5)))
            await Task.yield()
            var buffer = ByteBuffer()
            while buffer.count < sent + 2 {
                _ = try await server.read(into: &buffer, until: .after(.seconds(5)))
            }
            buffer.consume(sent)
            #expect(buffer.take(2) == [2, 3])
            try await written
            try await server.write([4], until: .after(.seconds(1)))
            #expect(try await answer == 4)
            client.close()
            server.close()
        }
    }

    @Test func `who never reads what is owed is found out at the deadline, who is gone at once`()
        async throws
    {
        try await onLoop {
            let (client, server) = try await connectedPair()
            _ = try Self.fill(client)
            #expect(try client.post([2]) == 1)
            await #expect(throws: SocketError.timedOut) {
                try await client.settle(until: .after(.milliseconds(50)))
            }
            server.closeHard()
            await #expect(throws: SocketError.closed) { try await client.readOne() }
            await #expect(throws: SocketError.closed) {
                try await client.write([3], until: .after(.seconds(5)))
            }
            client.close()
            #expect(throws: SocketError.closed) { try client.post([1]) }
        }
    }
}

extension Reactor.Stream {
    /// The next byte.
    fileprivate func readOne() async throws(SocketError) -> UInt8? {
        var buffer = ByteBuffer()
        _ = try await read(into: &buffer, atMost: 1, until: .after(.seconds(5)))
        return buffer.take(buffer.count).first
    }
}
