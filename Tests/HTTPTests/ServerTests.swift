import HTTP
import Reactor
import Synchronization
import Testing

/// A small site: what each row of the tables below talks to.
///
/// Some routes answer at once and some wait, which nobody who talks to it can tell.
let site: Responder = {
    var router = Router()
    router.immediate(.get, "/") { _ in .text("home") }
    router.immediate(.get, "/item/{id}") { request throws(Problem) in
        .text("item \(try request.parameter("id", as: Int.self))")
    }
    router.on(.post, "/echo") { request throws(Problem) in
        .bytes(try await request.body(limit: 100_000), type: "text/plain")
    }
    router.immediate(.post, "/closed") { _ throws(Problem) in throw Problem(.unauthorized) }
    router.immediate(.post, "/ignore") { _ in .text("ignored") }
    router.on(.post, "/lazy") { request in
        Response(
            .ok,
            body: .stream { writer in
                while let piece = try await request.bodyStream.next() {
                    try await writer.write(piece)
                }
            }
        )
    }
    router.immediate(.get, "/stream") { _ in
        Response(
            .ok,
            body: .stream { writer in
                for part in ["one", "two", "three"] { try await writer.write(part) }
            }
        )
    }
    router.on(.get, "/sized") { _ in
        Response(.ok, body: .stream(length: 6) { try await $0.write("sixsix") })
    }
    router.immediate(.get, "/short") { _ in
        Response(.ok, body: .stream(length: 6) { try await $0.write("six") })
    }
    router.on(.get, "/broken") { _ in
        Response(
            .ok,
            body: .stream { writer in
                try await writer.write("half")
                throw Problem.internalError
            }
        )
    }
    router.immediate(.get, "/nothing") { _ in .empty() }
    router.immediate(.get, "/unchanged") { _ in .empty(.notModified, headers: [.etag: "\"1\""]) }
    router.immediate(.get, "/closing") { _ in .text("bye", headers: [.connection: "close"]) }
    router.immediate(.get, "/split") { _ in .text("", headers: ["x-a": "b\r\nx-evil: c\0d"]) }
    return router.responder
}()

/// The same site with a task for each request.
let waitingSite = Responder(site.handler)

private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
private func many(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

private func post(_ path: String, _ fields: String, _ body: String = "") -> String {
    "POST \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n\(body)"
}

@Suite struct ServerTests {
    static let exchanges: [(String, String)] = [
        (get, "200"),
        (get + get, "200 200"),
        (many(get, 100), Array(repeating: "200", count: 100).joined(separator: " ")),
        ("\r\n" + get, "200"),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + get, "200"),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n" + get, "200"),
        ("GET / HTTP/1.0\r\n\r\n" + get, "200"),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get, "200 200"),
        ("GET /closing HTTP/1.1\r\nHost: a\r\n\r\n" + get, "200"),
        ("GET /none HTTP/1.1\r\nHost: a\r\n\r\n" + get, "404 200"),
        ("GET /item/7 HTTP/1.1\r\nHost: a\r\n\r\n" + get, "200 200"),
        ("GET /item/x HTTP/1.1\r\nHost: a\r\n\r\n" + get, "400 200"),
        ("GET //item/./8/ HTTP/1.1\r\nHost: a\r\n\r\n" + get, "200 200"),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n" + get, "200 200"),
        ("PUT / HTTP/1.1\r\nHost: a\r\n\r\n" + get, "405 200"),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n" + get, "501 200"),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n" + get, "501 200"),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n" + get, "501"),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" + get, "204 200"),
        ("OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n" + get, "204 200"),
        ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + get, "200 200"),
        ("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" + get, "200 200"),
        ("HEAD /stream HTTP/1.0\r\n\r\n" + get, "200"),
        ("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n" + get, "204 200"),
        ("GET /unchanged HTTP/1.1\r\nHost: a\r\n\r\n" + get, "304 200"),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n" + get,
            "200 200"
        ),
        (post("/echo", "Content-Length: 2", "hi") + get, "200 200"),
        (post("/echo", "Transfer-Encoding: chunked", "2\r\nhi\r\n0\r\n\r\n") + get, "200 200"),
        (
            post("/echo", "Transfer-Encoding: chunked", many("1\r\nx\r\n", 20_000) + "0\r\n\r\n"),
            "200"
        ),
        (post("/ignore", "Content-Length: 2", "hi") + get, "200 200"),
        (post("/ignore", "Transfer-Encoding: chunked", "2\r\nhi\r\n0\r\n\r\n") + get, "200 200"),
        (post("/ignore", "Content-Length: 100000", many("x", 100_000)) + get, "200"),
        (post("/none", "Content-Length: \(get.utf8.count)", get) + get, "404 200"),
        (post("/none", "Transfer-Encoding: chunked", "zz\r\n") + get, "404"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi" + get, "200 200"),
        (post("/echo", "Content-Length: 2\r\nExpect: 100-continue", "hi") + get, "200 200"),
        (post("/ignore", "Content-Length: 2\r\nExpect: 100-continue") + get, "200"),
        (post("/lazy", "Content-Length: 2", "hi") + get, "200 200"),
        (post("/lazy", "Content-Length: 2\r\nExpect: 100-continue"), "200"),
        (post("/echo", "Content-Length: 2\r\nExpect: 200-ok", "hi") + get, "417 200"),
        ("POST /echo HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi", "200"),
        (post("/echo", "Content-Length: 5", "hi"), "400"),
        (post("/echo", "Transfer-Encoding: chunked", "5\r\nhi"), "400"),
        (post("/echo", "Transfer-Encoding: chunked", "2\r\nhi\r\n"), "400"),
        (post("/echo", "Transfer-Encoding: chunked", "2\r\nhi!\r\n0\r\n\r\n") + get, "400"),
        (post("/echo", "Transfer-Encoding: chunked", "2\nhi\r\n0\r\n\r\n") + get, "400"),
        (post("/echo", "Transfer-Encoding: chunked", "0\r\nx y\r\n\r\n") + get, "400"),
        (post("/echo", "Content-Length: 1073741824") + get, "413"),
        (post("/echo", "Transfer-Encoding: chunked", "3b9aca00\r\n" + many("x", 200_000)), "413"),
        (
            post("/echo", "Content-Length: 1\r\nTransfer-Encoding: chunked", "0\r\n\r\n") + get,
            "400"
        ),
        (get + "garbage\r\n\r\n" + get, "200 400"),
        (get + "\u{16}\u{03}\u{01}", "200 400"),
        ("GET / HTTP/2.0\r\n\r\n" + get, "505"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"),
        ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n" + get, "501"),
        ("GET /" + many("a", 9000) + " HTTP/1.1\r\nHost: a\r\n\r\n" + get, "414"),
        ("GET / HTTP/1.1\r\nHost: a\r\n" + many("a: b\r\n", 200) + "\r\n" + get, "431"),
        ("GET / HTTP/1.1\r\nHost: a\r\na: " + many("b", 500_000), "431"),
        ("GET / HTTP/1.1\r\n\r\n" + get, "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\n", ""),
        ("", ""),
    ]

    @Test func `every exchange of the table has the statuses it says`() async throws {
        for site in [site, waitingSite] {
            try await serving(site) { address in
                for (input, expected) in Self.exchanges {
                    let text = try await answer(address, to: input)
                    #expect(statuses(text) == expected, "\(input.prefix(200))")
                }
            }
        }
    }

    @Test func `requests that come byte by byte are answered the same`() async throws {
        let input = get + post("/echo", "Transfer-Encoding: chunked", "2\r\nhi\r\n0\r\n\r\n") + get
        try await serving(site) { address in
            let stream = try await Reactor.Stream.open(address)
            for byte in input.utf8 {
                try await stream.write([byte], until: .after(.seconds(5)))
                await Task.yield()
            }
            stream.closeWrite()
            #expect(statuses(try await stream.rest() ?? "") == "200 200 200")
            stream.close()
        }
    }

    @Test func `a hundred pipelined requests are answered in one write`() async throws {
        try await serving(site) { address in
            let stream = try await Reactor.Stream.open(address)
            try await stream.send(many(get, 100))
            var buffer = ByteBuffer()
            let count = try await stream.read(
                into: &buffer,
                atMost: 1 << 20,
                until: .after(.seconds(5))
            )
            let text = String(decoding: buffer.take(count), as: UTF8.self)
            #expect(statuses(text).split(separator: " ").count == 100)
            stream.close()
        }
    }

    @Test func `an answer carries date, length, type and content`() async throws {
        try await serving(site) { address in
            let text = try await answer(address, to: get)
            let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
            #expect(lines.first == "HTTP/1.1 200 OK")
            #expect(lines.contains { $0.hasPrefix("date: ") && $0.hasSuffix(" GMT") })
            #expect(lines.contains("content-length: 4"))
            #expect(lines.contains("content-type: text/plain; charset=utf-8"))
            #expect(lines.last == "home")
        }
    }

    @Test func `HEAD has the header of GET and no content`() async throws {
        try await serving(site) { address in
            let text = try await answer(address, to: "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(text.contains("\r\ncontent-length: 4\r\n"))
            #expect(text.hasSuffix("\r\n\r\n"))
        }
    }

    @Test func `204 and 304 announce no length`() async throws {
        try await serving(site) { address in
            for path in ["/nothing", "/unchanged"] {
                let text = try await answer(address, to: "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(!text.contains("content-length") && text.hasSuffix("\r\n\r\n"))
            }
        }
    }

    @Test func `a stream is chunked in 1_1, closes in 1_0, and keeps its announced length`()
        async throws
    {
        try await serving(site) { address in
            let chunked = try await answer(address, to: "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(chunked.contains("\r\ntransfer-encoding: chunked\r\n"))
            #expect(chunked.hasSuffix("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n"))
            let closed = try await answer(address, to: "GET /stream HTTP/1.0\r\n\r\n" + get)
            #expect(closed.hasSuffix("\r\n\r\nonetwothree") && !closed.contains("chunked"))
            let sized = try await answer(
                address,
                to: "GET /sized HTTP/1.1\r\nHost: a\r\n\r\n" + get
            )
            #expect(sized.contains("content-length: 6\r\n") && statuses(sized) == "200 200")
        }
    }

    @Test(arguments: ["/broken", "/short"])
    func `a stream that fails is cut and never completed`(path: String) async throws {
        try await serving(site) { address in
            let text = try await answer(
                address,
                to: "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n" + get
            )
            #expect(statuses(text) == "200")
            #expect(
                !text.hasSuffix("0\r\n\r\n")
                    && (text.hasSuffix("half\r\n") || text.hasSuffix("six"))
            )
        }
    }

    @Test func `where only the end completes a stream, one that fails is reset`() async throws {
        try await serving(site) { address in
            let stream = try await Reactor.Stream.open(address)
            try await stream.send("GET /broken HTTP/1.0\r\n\r\n")
            var buffer = ByteBuffer()
            await #expect(throws: SocketError.closed) {
                while try await stream.read(into: &buffer, until: .after(.seconds(5))) > 0 {}
            }
            stream.close()
        }
    }

    @Test func `a value cannot add a header field`() async throws {
        try await serving(site) { address in
            let text = try await answer(address, to: "GET /split HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(text.contains("\r\nx-a: b  x-evil: c d\r\n"))
        }
    }

    @Test func `a stream that reads the content late sends no 100 into its own answer`()
        async throws
    {
        try await serving(site) { address in
            let stream = try await Reactor.Stream.open(address)
            try await stream.send(post("/lazy", "Content-Length: 2\r\nExpect: 100-continue"))
            try await stream.send("hi")
            stream.closeWrite()
            let text = try await stream.rest() ?? ""
            #expect(statuses(text) == "200" && text.hasSuffix("2\r\nhi\r\n0\r\n\r\n"))
            stream.close()
        }
    }

    @Test func `100 Continue comes before the content is sent, and 413 instead of it`() async throws
    {
        try await serving(site) { address in
            let stream = try await Reactor.Stream.open(address)
            try await stream.send(post("/echo", "Content-Length: 2\r\nExpect: 100-Continue"))
            let interim = try await stream.text { $0.hasSuffix("\r\n\r\n") }
            #expect(interim == "HTTP/1.1 100 Continue\r\n\r\n")
            try await stream.send("hi")
            #expect(try await stream.text { $0.hasSuffix("hi") }.hasPrefix("HTTP/1.1 200 OK\r\n"))
            stream.close()
            let refused = try await answer(
                address,
                to: post("/echo", "Content-Length: 200000\r\nExpect: 100-continue")
            )
            #expect(statuses(refused) == "413")
        }
    }

    @Test func `a 405 says what is allowed and an error is a problem document`() async throws {
        try await serving(site) { address in
            let text = try await answer(address, to: "PUT / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(text.contains("\r\nallow: GET, HEAD, OPTIONS\r\n"))
            #expect(text.contains("\r\ncontent-type: application/problem+json\r\n"))
            #expect(
                text.hasSuffix(
                    #"{"detail":"PUT is not allowed here","status":405,"title":"Method Not Allowed","type":"about:blank"}"#
                )
            )
        }
    }
}
