import FoundationEssentials
import HTTP
import Mesh
import Reactor
import Synchronization
import Testing

@testable import Gateway

/// Section 4 of the requirements: 502, 503 and 504 towards services that do not do their part, and
/// what a gateway must neither pass on nor keep.
@Suite struct BadUpstreamTests {
    private static let hasty: [Route] = {
        var slow = Route([.get, .post], "/slow", to: "product")
        slow.timeout = .milliseconds(150)
        var up = Route([.post], "/up", to: "product")
        up.timeout = .seconds(5)
        up.contentLimit = 64 << 20
        up.streams = true
        return [slow, up]
    }()

    @Test(arguments: [
        ("an answer that never begins", "", 504),
        ("a head that never ends", "HTTP/1.1 200 OK\r\nA: b\r\n", 504),
        ("only 1xx", "HTTP/1.1 103 Early Hints\r\n\r\n", 504),
        ("a content that stops", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 504),
        (
            "chunks that stop before the first",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 504
        ),
        ("half a head, then the end", "HTTP/1.1 200 O", 502),
    ])
    func `who takes too long is a 504, and the connection is dropped`(
        _ name: String,
        _ answer: String,
        _ expected: Int
    ) async throws {
        let upstream = try HostileUpstream(answer, expected == 504 ? .waits : .closes)
        let bench = try GatewayBench(upstream: upstream.address, plan: { $0.routes = Self.hasty })
        let response = try await onLoop {
            let response = await bench.ask(.post, "/slow")
            let isDropped = try await eventually { upstream.ended == upstream.connections }
            #expect(isDropped)
            return response
        }
        #expect(response.status.code == expected, "\(name)")
        #expect(response.headers[.contentType] == "application/problem+json")
        await upstream.stop()
        await bench.service.stop()
    }

    @Test func `what a full service cannot take is a 503 at once, with a hint`() async throws {
        var policy = MeshPolicy()
        (policy.maxInFlight, policy.maxQueue, policy.overloadRetryAfter) = (1, 0, .seconds(7))
        let upstream = try HostileUpstream("", .waits)
        let bench = try GatewayBench(
            upstream: upstream.address,
            policy: policy,
            plan: { $0.routes = Self.hasty }
        )
        let responses = try await onLoop {
            async let first = bench.ask(.post, "/slow")
            _ = try await eventually { upstream.connections == 1 }
            let second = await bench.ask(.post, "/slow")
            return (await first, second)
        }
        #expect(responses.0.status == .gatewayTimeout)
        #expect(responses.1.status == .serviceUnavailable)
        #expect(responses.1.headers[.retryAfter] == "7")
        #expect(upstream.connections == 1)
        await upstream.stop()
        await bench.service.stop()
    }

    @Test(arguments: ["0", "5", "-1", "x", "0, 1"])
    func `OPTIONS is answered here and goes no further, whatever Max-Forwards says`(
        _ hops: String
    ) async throws {
        let bench = try GatewayBench()
        let (options, star, other) = try await onLoop {
            (
                await bench.ask(.options, "/products", ["max-forwards": hops]),
                await bench.ask(.options, "*", ["max-forwards": hops]),
                await bench.ask(.get, "/products", ["max-forwards": hops])
            )
        }
        #expect(options.status == .noContent && options.headers[.allow]?.contains("GET") == true)
        #expect(star.status == .noContent)
        // It has no meaning for other methods (RFC 9110 section 7.6.2) and does not go on.
        #expect(other.status == .ok && bench.requests.map(\.method) == [.get])
        #expect(bench.requests.allSatisfy { !$0.headers.contains("max-forwards") })
        await bench.service.stop()
    }

    @Test func `TRACE is refused here, so that it never shows what a service was sent`()
        async throws
    {
        let (text, requests) = try await through(GatewayBench()) {
            "TRACE /products HTTP/1.1\r\nHost: a\r\nMax-Forwards: 1\r\nAuthorization: Bearer x\r\n\r\n"
        }
        #expect(text.hasPrefix("HTTP/1.1 501") && !text.contains("Bearer x"))
        #expect(requests.isEmpty)
    }

    @Test func `trailers of a request end here, and so do those of an answer`() async throws {
        let answer =
            "HTTP/1.1 200 OK\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "2\r\nhi\r\n0\r\nx-sum: secret\r\nset-cookie: evil=1\r\n\r\n"
        let upstream = try HostileUpstream(answer, .waits)
        let bench = try GatewayBench(upstream: upstream.address)
        let (text, _) = try await through(bench) {
            "POST /users HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTrailer: x-user-id\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "2\r\n{}\r\n0\r\nx-user-id: evil\r\nx-anyway-user: evil\r\n\r\n"
        }
        #expect(text.hasPrefix("HTTP/1.1 200") && text.hasSuffix("2\r\nhi\r\n0\r\n\r\n"))
        #expect(!text.contains("x-sum") && !text.contains("set-cookie"))
        let sent = try #require(upstream.requests.first)
        #expect(sent.hasSuffix("{}") && !sent.contains("evil") && !sent.contains("trailer"))
        await upstream.stop()
    }

    @Test func `a client that resets ends the call to the service`() async throws {
        let upstream = try HostileUpstream("", .waits)
        let bench = try GatewayBench(
            upstream: upstream.address,
            plan: { plan in
                plan.routes = [Route([.get], "/slow", to: "product")]
                plan.routes[0].timeout = .seconds(30)
            }
        )
        let handler = bench.handler
        let front = try TestServer { request throws(Problem) in try await handler(request) }
        try await onLoop {
            let stream = try await Reactor.Stream.connect(
                to: front.address,
                until: .after(.seconds(5))
            )
            try await stream.write(
                [UInt8]("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n".utf8),
                until: .after(.seconds(5))
            )
            #expect(try await eventually { upstream.connections == 1 })
            #expect(upstream.ended == 0)
            stream.closeHard()
            #expect(try await eventually { upstream.ended == 1 })
        }
        await front.stop()
        await upstream.stop()
        await bench.service.stop()
    }

    @Test func `an answer that comes before the content is passed on at once`() async throws {
        let upstream = try HostileUpstream(
            "HTTP/1.1 422 No\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbad",
            .closes
        )
        let bench = try GatewayBench(upstream: upstream.address, plan: { $0.routes = Self.hasty })
        let (text, _) = try await through(bench) {
            "POST /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 33554432\r\n\r\n"
                + String(repeating: "x", count: 33_554_432)
        }
        #expect(text.hasPrefix("HTTP/1.1 422") && text.hasSuffix("bad"))
        await upstream.stop()
    }

    /// What the gateway answers to some bytes, over a real connection; ends the bench.
    private func through(
        _ bench: GatewayBench,
        _ input: @escaping @Sendable () -> String
    ) async throws -> (text: String, requests: [Request]) {
        let handler = bench.handler
        var limits = HTTPLimits()
        limits.bodyBytes = 64 << 20
        limits.drainTime = .milliseconds(50)
        limits.lingerTime = .milliseconds(500)
        let front = try TestServer(limits: limits) { request throws(Problem) in
            try await handler(request)
        }
        let text = try await onLoop {
            let stream = try await Reactor.Stream.connect(
                to: front.address,
                until: .after(.seconds(5))
            )
            defer { stream.close() }
            // Refused early, the rest of a long input finds nobody.
            try? await stream.write([UInt8](input().utf8), until: .after(.seconds(5)))
            stream.closeWrite()
            var buffer = ByteBuffer()
            while (try? await stream.read(into: &buffer, until: .after(.seconds(5)))) ?? 0 > 0 {}
            return String(decoding: buffer.take(buffer.count), as: UTF8.self)
        }
        await front.stop()
        await bench.service.stop()
        return (text, bench.requests)
    }
}
