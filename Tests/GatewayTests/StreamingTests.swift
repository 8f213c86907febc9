import Glibc
import HTTP
import Identity
import Mesh
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import Gateway

/// Contents that go through the gateway as they come.
@Suite(.serialized) struct StreamingTests {
    private struct World: Sendable {
        let service: TestServer
        let front: TestServer
        let received: Received
    }

    private final class Received: Sendable {
        let count = Mutex(0)
        let mayRead = Mutex(true)
    }

    /// How much is moved: 64 MiB, or what `make transfer` says.
    private static let transfer =
        (getenv("TRANSFER_MIB").flatMap { Int(String(cString: $0)) } ?? 64) << 20

    private func world(limit: Int) throws -> World {
        let received = Received()
        var limits = HTTPLimits()
        limits.bodyBytes = 4 << 30
        limits.drainTime = .milliseconds(50)
        limits.lingerTime = .milliseconds(200)
        let service = try TestServer(limits: limits) { request throws(Problem) in
            if request.method == .get {
                return Response(
                    .ok,
                    body: .stream(length: StreamingTests.transfer) { writer in
                        for _ in 0..<StreamingTests.transfer / 65_536 {
                            try await writer.write([UInt8](repeating: 1, count: 65_536))
                        }
                    }
                )
            }
            while !received.mayRead.withLock({ $0 }) {
                try? await EventLoop.sleep(for: .milliseconds(5))
            }
            while let piece = try await request.bodyStream.next() {
                received.count.withLock { $0 += piece.count }
            }
            return .text("\(received.count.withLock { $0 })")
        }
        let metrics = Metrics()
        let upstream = Upstream(
            name: "product",
            endpoints: try Endpoints(service.address.description),
            client: HTTPClient(),
            tls: nil,
            log: .silent,
            metrics: metrics
        )
        var up = Route([.post], "/up", to: "product")
        up.timeout = .seconds(600)
        up.contentLimit = limit
        up.streams = true
        var down = Route([.get], "/down", to: "product")
        down.timeout = .seconds(600)
        var router = Router()
        for route in [up, down] {
            let forwarder = Forwarder(
                route: route,
                upstream: upstream,
                limiter: RequestLimiter("client", .generous, metrics: metrics),
                gatekeeper: Gatekeeper(tokens: nil),
                shedder: LoadShedder(
                    "product",
                    policy: ConcurrencyLimit.Policy(),
                    shared: LoadShedder.Shared(),
                    metrics: metrics
                ),
                lane: 0
            )
            router.on(route.methods[0], route.templates[0]) { request throws(Problem) in
                try await forwarder.forward(request)
            }
        }
        let front = try TestServer(limits: limits, router.handler)
        return World(service: service, front: front, received: received)
    }

    private func send(_ world: World, _ head: String) async throws -> Reactor.Stream {
        let stream = try await Reactor.Stream.connect(
            to: world.front.address,
            until: .after(.seconds(5))
        )
        try await stream.write(
            [UInt8]("\(head)\r\nHost: a\r\n\r\n".utf8),
            until: .after(.seconds(5))
        )
        return stream
    }

    private func rest(_ stream: Reactor.Stream) async -> String {
        var buffer = ByteBuffer()
        while (try? await stream.read(into: &buffer, until: .after(.seconds(10)))) ?? 0 > 0 {}
        stream.close()
        return String(decoding: buffer.take(buffer.count), as: UTF8.self)
    }

    @Test(arguments: [true, false])
    func `a long content goes up with little of it held`(isChunked: Bool) async throws {
        let world = try world(limit: 4 << 30)
        let (text, growth) = try await onLoop {
            let count = Self.transfer
            let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(count)"
            let stream = try await send(
                world,
                "POST /up HTTP/1.1\r\nConnection: close\r\n\(framing)"
            )
            var before = 0
            var most = 0
            let piece = [UInt8](repeating: 1, count: 65_536)
            for number in 0..<count / piece.count {
                // The first mebibyte fills the buffers that stay.
                if number == 16 { before = Self.resident() }
                if isChunked {
                    try await stream.write([UInt8]("10000\r\n".utf8), until: .after(.seconds(5)))
                }
                try await stream.write(piece, until: .after(.seconds(5)))
                if isChunked { try await stream.write([13, 10], until: .after(.seconds(5))) }
                most = max(most, Self.resident())
            }
            if isChunked {
                try await stream.write([UInt8]("0\r\n\r\n".utf8), until: .after(.seconds(5)))
            }
            return (await rest(stream), most - before)
        }
        #expect(text.hasPrefix("HTTP/1.1 200") && text.hasSuffix("\(Self.transfer)"))
        print("grew by \(growth / 1024) KiB while \(Self.transfer >> 20) MiB went up")
        // Other suites share the process, unless `make transfer` runs this one alone.
        #expect(growth < (getenv("TRANSFER_MIB") == nil ? Self.transfer / 2 : 5 << 20))
        await world.front.stop()
        await world.service.stop()
    }

    @Test func `a service that does not read holds the client back`() async throws {
        let world = try world(limit: 4 << 30)
        world.received.mayRead.withLock { $0 = false }
        let sent = try await onLoop {
            let stream = try await send(world, "POST /up HTTP/1.1\r\nContent-Length: 268435456")
            var sent = 0
            let piece = [UInt8](repeating: 1, count: 65_536)
            while sent < 200 << 20,
                (try? await stream.write(piece, until: .after(.milliseconds(300)))) != nil
            {
                sent += piece.count
            }
            stream.closeHard()
            return sent
        }
        // What the kernel's buffers of two connections take, and no more.
        #expect(sent < 64 << 20)
        world.received.mayRead.withLock { $0 = true }
        await world.front.stop()
        await world.service.stop()
    }

    @Test
    func `a client that does not read holds the service back, and gets everything in the end`()
        async throws
    {
        let world = try world(limit: 1)
        let (count, growth) = try await onLoop {
            let stream = try await send(world, "GET /down HTTP/1.1\r\nConnection: close")
            try await EventLoop.sleep(for: .milliseconds(200))
            var buffer = ByteBuffer()
            var count = 0
            let before = Self.resident()
            var most = before
            while try await stream.read(into: &buffer, atMost: 1 << 16, until: .after(.seconds(10)))
                > 0
            {
                count += buffer.count
                buffer.consume(buffer.count)
                most = max(most, Self.resident())
            }
            stream.close()
            return (count, most - before)
        }
        #expect(count > Self.transfer && count < Self.transfer + 1024)
        print("grew by \(growth / 1024) KiB while \(Self.transfer >> 20) MiB came down")
        #expect(growth < (getenv("TRANSFER_MIB") == nil ? Self.transfer / 2 : 5 << 20))
        await world.front.stop()
        await world.service.stop()
    }

    @Test(arguments: [
        ("Content-Length: 2000", 2000, "413"), ("Content-Length: 1000", 1000, "200"),
        ("Content-Length: 1001", 1001, "413"),
    ])
    func `a route has its own limit`(framing: String, count: Int, expected: String) async throws {
        let world = try world(limit: 1000)
        let text = try await onLoop {
            let stream = try await send(
                world,
                "POST /up HTTP/1.1\r\nConnection: close\r\n\(framing)"
            )
            try? await stream.write([UInt8](repeating: 1, count: count), until: .after(.seconds(5)))
            return await rest(stream)
        }
        #expect(text.hasPrefix("HTTP/1.1 \(expected)"))
        await world.front.stop()
        await world.service.stop()
    }

    @Test(arguments: [
        ("7d0\r\n\(String(repeating: "x", count: 2000))\r\n0\r\n\r\n", "413"), ("zz\r\n", "400"),
        ("2\r\nhi!\r\n", "400"),
    ])
    func `a content that goes wrong on its way is the client's to hear of`(
        chunks: String,
        expected: String
    ) async throws {
        let world = try world(limit: 1000)
        let (text, after) = try await onLoop {
            let stream = try await send(
                world,
                "POST /up HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked"
            )
            try await stream.write([UInt8](chunks.utf8), until: .after(.seconds(5)))
            let text = await rest(stream)
            let good = try await send(
                world,
                "POST /up HTTP/1.1\r\nConnection: close\r\nContent-Length: 0"
            )
            return (text, await rest(good))
        }
        #expect(text.hasPrefix("HTTP/1.1 \(expected)"))
        #expect(after.hasPrefix("HTTP/1.1 200"), "the service is not blamed")
        await world.front.stop()
        await world.service.stop()
    }

    /// The process's resident bytes.
    private static func resident() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, 256, file) != nil else { return 0 }
        let fields = line.prefix { $0 != 0 }.split(separator: 0x20)
        let pages = fields.dropFirst().first.map {
            String(decoding: $0.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        return (pages.flatMap { Int($0) } ?? 0) * 4096
    }
}

extension LimitGroup {
    static var generous: LimitGroup {
        LimitGroup(user: .perSecond(1_000_000), address: .perSecond(1_000_000))
    }
}
