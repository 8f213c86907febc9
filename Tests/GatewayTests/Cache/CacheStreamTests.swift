import HTTP
import Mesh
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import Gateway

/// Long contents, contents of unknown length, and contents that never end.
@Suite struct CacheStreamTests {
    /// A gateway with a cache before an origin of the test's choice.
    private final class World: Sendable {
        let front: TestServer
        let table: RouteTable

        init(_ origin: SocketAddress, room: String = "{}") throws {
            let file = """
                {
                  "upstreams": {"origin": {"endpoints": "\(origin)", "tls": "none"}},
                  "limits": {"client": {"user": {"requests": 10000}, "address": {"requests": 10000}}},
                  "cache": \(room),
                  "routes": [
                    {"prefix": "/", "methods": ["GET"], "upstream": "origin", "retries": 0, "cache": "standard"}
                  ]
                }
                """
            let metrics = Metrics()
            table = RouteTable(
                tokens: TokenGate(log: .silent, metrics: metrics),
                metrics: metrics
            ) { name, origin in
                Upstream(
                    name: name,
                    endpoints: origin.endpoints,
                    client: HTTPClient(),
                    tls: nil,
                    log: .silent,
                    metrics: metrics
                )
            }
            table.take(try RoutingPlan([UInt8](file.utf8)) { _ in nil })
            let handler = table.wrap(Router().handler)
            front = try TestServer { request throws(Problem) in try await handler(request) }
        }

        var entries: Int { table.cached?.cache.snapshot.entries ?? -1 }

        /// How many bytes come, and whether all of them did.
        func read(_ target: String) async -> (count: Int, isWhole: Bool, cacheStatus: String) {
            guard
                let response = try? await HTTPClient().send(
                    ClientRequest(.get, target),
                    to: Endpoint(front.address),
                    until: .after(.seconds(10))
                )
            else { return (0, false, "") }
            var count = 0
            let status = response.headers["cache-status"] ?? ""
            do throws(Problem) {
                while let piece = try await response.bodyStream.next() { count += piece.count }
                return (count, true, status)
            } catch {
                return (count, false, status)
            }
        }
    }

    private static func origin(_ pieces: Int, announced: Bool) throws -> TestServer {
        try TestServer { _ throws(Problem) in
            Response(
                .ok,
                headers: [.cacheControl: "max-age=60"],
                body: .stream(length: announced ? pieces * 10_000 : nil) { writer in
                    for _ in 0..<pieces {
                        try await writer.write([UInt8](repeating: 7, count: 10_000))
                    }
                }
            )
        }
    }

    @Test(arguments: [true, false])
    func `a long content goes on as it comes and is kept`(announced: Bool) async throws {
        let origin = try Self.origin(50, announced: announced)
        let world = try World(origin.address)
        let (first, second) = try await onLoop { (await world.read("/a"), await world.read("/a")) }
        #expect(first.count == 500_000 && first.isWhole)
        #expect(second.count == 500_000 && second.isWhole)
        #expect(second.cacheStatus.hasPrefix("anyway; hit"))
        await world.front.stop()
        await origin.stop()
    }

    @Test(arguments: [true, false])
    func `what is longer than may be kept goes on and is not kept`(announced: Bool) async throws {
        let origin = try Self.origin(50, announced: announced)
        let world = try World(origin.address, room: #"{"entry_bytes": 400000}"#)
        let (first, second) = try await onLoop { (await world.read("/a"), await world.read("/a")) }
        #expect(first.count == 500_000 && second.count == 500_000)
        #expect(!second.cacheStatus.contains("hit"))
        #expect(world.entries == 0)
        await world.front.stop()
        await origin.stop()
    }

    @Test(arguments: [
        "Content-Length: 70000\r\n\r\nonly this", "Content-Length: 100\r\n\r\nonly this",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nonly \r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nonly \r\nzz\r\n",
    ])
    func `what is cut short is never kept`(answer: String) async throws {
        let origin = try HostileUpstream(
            "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n\(answer)",
            .closes
        )
        let world = try World(origin.address)
        let reads = try await onLoop {
            var reads: [Bool] = []
            for _ in 0..<2 { reads.append(await world.read("/a").isWhole) }
            return reads
        }
        // A clean 502 in place of a short one is whole; what had begun is not.
        #expect(reads.allSatisfy { $0 == answer.hasPrefix("Content-Length: 100") })
        #expect(world.entries == 0)
        #expect(origin.requests.count == 2)
        await world.front.stop()
        await origin.stop()
    }

    @Test func `fields of the connection are not kept`() async throws {
        let origin = try HostileUpstream(
            "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nConnection: x-hop\r\nX-Hop: 1\r\n"
                + "Keep-Alive: 5\r\nProxy-Authenticate: x\r\nX-Kept: 2\r\nContent-Length: 2\r\n\r\nhi",
            .waits
        )
        let world = try World(origin.address)
        try await onLoop {
            for _ in 0..<2 {
                let response = try await HTTPClient().send(
                    ClientRequest(.get, "/a"),
                    to: Endpoint(world.front.address),
                    until: .after(.seconds(5))
                )
                for name in ["x-hop", "keep-alive", "proxy-authenticate"] as [HeaderName] {
                    #expect(!response.headers.contains(name))
                }
                #expect(response.headers["x-kept"] == "2")
            }
        }
        #expect(origin.requests.count == 1)
        await world.front.stop()
        await origin.stop()
    }

    @Test func `a client that leaves in the middle leaves nothing half`() async throws {
        let origin = try Self.origin(90, announced: true)
        let world = try World(origin.address)
        try await onLoop {
            let stream = try await Reactor.Stream.connect(
                to: world.front.address,
                until: .after(.seconds(5))
            )
            try await stream.write(
                [UInt8]("GET /a HTTP/1.1\r\nHost: a\r\n\r\n".utf8),
                until: .after(.seconds(5))
            )
            var buffer = ByteBuffer()
            _ = try await stream.read(into: &buffer, atMost: 4096, until: .after(.seconds(5)))
            stream.closeHard()
            try await EventLoop.sleep(for: .milliseconds(100))
            let whole = await world.read("/a")
            #expect(whole.count == 900_000 && whole.isWhole)
        }
        await world.front.stop()
        await origin.stop()
    }
}
