import FoundationEssentials
import HTTP
import Reactor
import Testing

@testable import Gateway

/// One line of the table: what a service answers, and what becomes of it at the client.
struct Hostility: Sendable, CustomTestStringConvertible {
    let name: String
    let answer: String
    let after: HostileUpstream.After

    init(_ name: String, _ answer: String, _ after: HostileUpstream.After = .waits) {
        (self.name, self.answer, self.after) = (name, answer, after)
    }

    var testDescription: String { name }
}

/// Section 4 of the requirements, as a gateway: hostile services, and what clients say and leave unsaid.
@Suite struct HostileUpstreamTests {
    private static func ok(_ fields: String, _ content: String = "") -> String {
        "HTTP/1.1 200 OK\r\n\(fields)\r\n\r\n\(content)"
    }

    private static func times(_ count: Int, _ text: String) -> String {
        String(repeating: text, count: count)
    }

    static let refused: [Hostility] = [
        Hostility(
            "both lengths and chunks",
            ok("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n")
        ),
        Hostility("two lengths", ok("Content-Length: 2\r\nContent-Length: 3", "abc")),
        Hostility("the same length twice", ok("Content-Length: 2\r\nContent-Length: 2", "ab")),
        Hostility("negative length", ok("Content-Length: -1")),
        Hostility("a list of lengths", ok("Content-Length: 2, 2", "ab")),
        Hostility("unknown coding", ok("Transfer-Encoding: gzip", "x")),
        Hostility("chunked twice", ok("Transfer-Encoding: chunked, chunked", "0\r\n\r\n")),
        Hostility(
            "chunks in 1.0",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        Hostility("status 99", "HTTP/1.1 99 x\r\nContent-Length: 0\r\n\r\n"),
        Hostility("status 2OO", "HTTP/1.1 2OO OK\r\nContent-Length: 0\r\n\r\n"),
        Hostility("status 600", "HTTP/1.1 600 x\r\nContent-Length: 0\r\n\r\n"),
        Hostility("status 1000", "HTTP/1.1 1000 x\r\nContent-Length: 0\r\n\r\n"),
        Hostility("HTTP/2.0", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
        Hostility("HTTP/0.9", "<html>hello</html>", .closes),
        Hostility("another protocol", "SSH-2.0-OpenSSH_9.2\r\n"),
        Hostility(
            "unsolicited 101",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
        ),
        Hostility("a flood of 1xx", times(1000, "HTTP/1.1 103 Early Hints\r\n\r\n")),
        Hostility(
            "a head of 1 MiB",
            "HTTP/1.1 200 OK\r\nA: \(times(1 << 20, "a"))\r\nContent-Length: 0\r\n\r\n"
        ),
        Hostility(
            "1000 fields",
            "HTTP/1.1 200 OK\r\n\(times(1000, "A: b\r\n"))Content-Length: 0\r\n\r\n"
        ),
        Hostility("a folded field", ok("A: b\r\n c\r\nContent-Length: 0")),
        Hostility("bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
        Hostility("a space before the colon", ok("Content-Length : 0")),
        Hostility("NUL in a field", ok("A: \u{0}\r\nContent-Length: 0")),
        Hostility("CR in a field", ok("A: b\rSet-Cookie: c\r\nContent-Length: 0")),
        Hostility("nothing", "", .closes),
        Hostility("a reset", "", .resets),
        Hostility("half a head", "HTTP/1.1 200 OK\r\nContent-Le", .closes),
        Hostility("a short content cut", ok("Content-Length: 10", "abc"), .closes),
        Hostility("a short content reset", ok("Content-Length: 10", "abc"), .resets),
    ]

    @Test(arguments: refused)
    func `a bad answer is a 502 and its connection is dropped`(_ row: Hostility) async throws {
        let upstream = try HostileUpstream(row.answer, row.after)
        let bench = try GatewayBench(upstream: upstream.address)
        let response = try await onLoop {
            // A POST is tried once, so one connection must be enough.
            let response = await bench.ask(.post, "/users", body: [UInt8]("{}".utf8))
            let isDropped = try await eventually { upstream.ended == upstream.connections }
            #expect(isDropped)
            return response
        }
        #expect(response.status == .badGateway)
        #expect(upstream.connections == 1)
        guard case .bytes(let content) = response.body else { return }
        let text = String(decoding: content, as: UTF8.self)
        #expect(!text.contains("abc") && text.contains("\"status\":502"), "nothing is passed on")
        await upstream.stop()
        await bench.service.stop()
    }

    /// Where the head was good, the client's response is cut: never completed.
    static let cut: [Hostility] = [
        Hostility("bad chunk size", ok("Transfer-Encoding: chunked", "2\r\nhi\r\nxyz\r\n")),
        Hostility("chunk too long", ok("Transfer-Encoding: chunked", "2\r\nhi!\r\n0\r\n\r\n")),
        Hostility("LF in chunks", ok("Transfer-Encoding: chunked", "2\nhi\n0\n\n")),
        Hostility("chunks cut", ok("Transfer-Encoding: chunked", "5\r\nhi"), .closes),
        Hostility(
            "chunks without an end",
            ok("Transfer-Encoding: chunked", "2\r\nhi\r\n"),
            .closes
        ),
        Hostility("chunks reset", ok("Transfer-Encoding: chunked", "2\r\nhi\r\n"), .resets),
        Hostility("a long content cut", ok("Content-Length: 200000", times(1000, "x")), .closes),
        Hostility(
            "a bad trailer",
            ok("Transfer-Encoding: chunked", "2\r\nhi\r\n0\r\nA B: c\r\n\r\n")
        ),
    ]

    @Test(arguments: cut)
    func `an answer cut midway is never completed`(_ row: Hostility) async throws {
        let upstream = try HostileUpstream(row.answer, row.after)
        let bench = try GatewayBench(upstream: upstream.address)
        let handler = bench.handler
        let front = try TestServer { request throws(Problem) in try await handler(request) }
        let text = try await onLoop {
            let stream = try await Reactor.Stream.connect(
                to: front.address,
                until: .after(.seconds(5))
            )
            defer { stream.close() }
            let request =
                "POST /users HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
            try await stream.write([UInt8](request.utf8), until: .after(.seconds(5)))
            var buffer = ByteBuffer()
            while (try? await stream.read(into: &buffer, until: .after(.seconds(5)))) ?? 0 > 0 {}
            return String(decoding: buffer.take(buffer.count), as: UTF8.self)
        }
        #expect(text.hasPrefix("HTTP/1.1 200") || text.hasPrefix("HTTP/1.1 502"))
        #expect(!text.hasPrefix("HTTP/1.1 200") || !text.hasSuffix("0\r\n\r\n"))
        await front.stop()
        await upstream.stop()
        await bench.service.stop()
    }

    /// What is good about the answer counts, what is too much is not passed on, and the connection is
    /// not used again.
    @Test(arguments: [
        Hostility(
            "more than its length",
            ok("Content-Length: 2", "hiHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        ),
        Hostility(
            "a content on 204",
            "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\npoison"
        ),
        Hostility("a content on 304", "HTTP/1.1 304 Not Modified\r\n\r\npoison"),
        Hostility(
            "more behind the chunks",
            ok("Transfer-Encoding: chunked", "2\r\nhi\r\n0\r\n\r\npoison")
        ),
    ])
    func `what follows an answer poisons nobody`(_ row: Hostility) async throws {
        let upstream = try HostileUpstream(row.answer, row.after)
        let bench = try GatewayBench(upstream: upstream.address)
        let handler = bench.handler
        let front = try TestServer { request throws(Problem) in try await handler(request) }
        let texts = try await onLoop {
            var texts: [String] = []
            let client = HTTPClient()
            for _ in 0..<2 {
                let answer = try await client.send(
                    ClientRequest(.post, "/users", body: .bytes([0x7B, 0x7D])),
                    to: Endpoint(front.address),
                    until: .after(.seconds(5))
                )
                texts.append(String(decoding: try await answer.body(), as: UTF8.self))
            }
            return texts
        }
        #expect(texts.allSatisfy { ["", "hi"].contains($0) })
        #expect(upstream.connections == 2, "each exchange had a connection of its own")
        await front.stop()
        await upstream.stop()
        await bench.service.stop()
    }

    @Test(arguments: [
        "/products/a%2fb", "/products/a%5cb", "/products/a%00b", "/products/..;/x",
        "/products/%252e%252e", "/../products",
    ])
    func `an ambiguous path is refused before it is routed`(_ path: String) async throws {
        let upstream = try HostileUpstream(Self.ok("Content-Length: 0"), .waits)
        let bench = try GatewayBench(upstream: upstream.address)
        let handler = bench.handler
        let front = try TestServer { request throws(Problem) in try await handler(request) }
        let text = try await onLoop {
            let stream = try await Reactor.Stream.connect(
                to: front.address,
                until: .after(.seconds(5))
            )
            defer { stream.close() }
            try await stream.write(
                [UInt8]("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8),
                until: .after(.seconds(5))
            )
            var buffer = ByteBuffer()
            _ = try await stream.read(into: &buffer, until: .after(.seconds(5)))
            return String(decoding: buffer.take(buffer.count), as: UTF8.self)
        }
        #expect(text.hasPrefix("HTTP/1.1 400"))
        #expect(upstream.connections == 0)
        await front.stop()
        await upstream.stop()
        await bench.service.stop()
    }

    @Test func `hop-by-hop fields do not cross to the client, and one traceparent goes on`()
        async throws
    {
        let fields =
            "Connection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nTE: x\r\nTrailer: y\r\nUpgrade: h2c\r\nProxy-Authenticate: Basic\r\nX-Anyway-User: u\r\nX-Stays: 1\r\nContent-Length: 0"
        let upstream = try HostileUpstream(Self.ok(fields), .waits)
        let bench = try GatewayBench(upstream: upstream.address)
        let response = try await onLoop {
            await bench.ask(
                .get,
                "/products",
                [
                    "traceparent": "00-00000000000000000000000000000000-0000000000000000-01",
                    "x-user-id": "evil", "te": "trailers",
                ]
            )
        }
        let names = Set(response.headers.map(\.name.text))
        #expect(names.contains("x-stays"))
        #expect(
            names.isDisjoint(with: [
                "x-hop", "connection", "keep-alive", "te", "trailer", "upgrade",
                "proxy-authenticate", "x-anyway-user",
            ])
        )
        let sent = try #require(upstream.requests.first)
        #expect(sent.components(separatedBy: "traceparent:").count == 2)
        #expect(
            !sent.contains("00000000000000000000000000000000") && !sent.contains("evil")
                && !sent.contains("te:")
        )
        #expect(sent.contains("\r\nvia: 1.1 anyway\r\n"))
        await upstream.stop()
        await bench.service.stop()
    }

    @Test func `a client's own bad content feeds neither retry nor breaker`() async throws {
        let upstream = try HostileUpstream(Self.ok("Content-Length: 0"), .waits)
        let bench = try GatewayBench(upstream: upstream.address)
        let handler = bench.handler
        let front = try TestServer { request throws(Problem) in try await handler(request) }
        let codes = try await onLoop {
            var codes: [String] = []
            for _ in 0..<20 {
                let stream = try await Reactor.Stream.connect(
                    to: front.address,
                    until: .after(.seconds(5))
                )
                defer { stream.close() }
                let bad =
                    "POST /users HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
                try await stream.write([UInt8](bad.utf8), until: .after(.seconds(5)))
                var buffer = ByteBuffer()
                _ = try await stream.read(into: &buffer, until: .after(.seconds(5)))
                codes.append(String(decoding: buffer.take(min(12, buffer.count)), as: UTF8.self))
            }
            codes.append(String(await bench.ask(.get, "/products").status.code))
            return codes
        }
        #expect(Set(codes.dropLast()) == ["HTTP/1.1 400"] && codes.last == "200")
        await front.stop()
        await upstream.stop()
        await bench.service.stop()
    }
}
