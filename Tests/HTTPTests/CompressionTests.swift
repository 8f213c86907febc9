import Glibc
import HTTP
import Reactor
import Testing

@Suite struct CompressionTests {
    private static let text = String(repeating: "a line that compresses well\n", count: 200)

    private static let handler: Handler = Compression().wrap { request throws(Problem) in
        let path = request.path.description
        let type: HeaderName = "content-type"
        switch path {
        case "/small": return .text("small")
        case "/encoded": return .text(text, headers: ["content-encoding": "br"])
        case "/image": return .bytes([UInt8](text.utf8), type: "image/png")
        case "/private": return .text(text, headers: ["cache-control": "no-transform"])
        case "/tagged":
            return request.unlessUnchanged("\"1\"", .text(text))
        case "/stream", "/events":
            return Response(
                .ok,
                headers: [type: path == "/stream" ? "text/plain" : "text/event-stream"],
                body: .stream { writer in for _ in 0..<10 { try await writer.write(text) } }
            )
        default: return .text(text)
        }
    }

    private func ask(_ path: String, _ accept: String?, _ more: Headers = [:]) async throws
        -> Response
    {
        var headers = more
        if let accept { headers["accept-encoding"] = accept }
        return try await Self.handler(Request(.get, path, headers: headers))
    }

    @Test(arguments: [
        ("gzip", true), ("GZIP", true), ("gzip, deflate, br", true), ("deflate, gzip;q=0.5", true),
        ("*", true),
        ("*;q=0.1", true), ("gzip;q=1.000", true), ("x-gzip", true),
        ("identity;q=0.5, gzip;q=0.5", true),
        ("gzip;q=0", false), ("gzip;q=0.000", false), ("identity", false), ("br", false),
        ("", false),
        ("*;q=0", false), ("gzip;q=0, *", false), ("identity, gzip;q=0.5", false),
        ("gzip;q=2", false), ("gzip;q=x", false),
    ])
    func `the client's weights decide`(accept: String, isCompressed: Bool) async throws {
        let response = try await ask("/", accept)
        #expect((response.headers["content-encoding"] == "gzip") == isCompressed)
        #expect(response.headers[.vary] == "Accept-Encoding")
    }

    @Test(arguments: ["/small", "/encoded", "/image", "/private", "/events"])
    func `what gains nothing, or may not, stays as it is`(path: String) async throws {
        let response = try await ask(path, "gzip")
        #expect(response.headers["content-encoding"] != "gzip")
        #expect(!response.headers.contains(.vary))
    }

    @Test func `a compressed content has another tag, which finds the same version`() async throws {
        #expect(try await ask("/tagged", nil).headers[.etag] == "\"1\"")
        #expect(try await ask("/tagged", "gzip").headers[.etag] == "\"1-gzip\"")
        let again = try await ask("/tagged", "gzip", [.ifNoneMatch: "\"0\", \"1-gzip\""])
        #expect(again.status == .notModified && again.headers[.etag] == "\"1-gzip\"")
        #expect(again.headers[.vary] == "Accept-Encoding", "as its 200")
        let plain = try await ask("/tagged", nil, [.ifNoneMatch: "\"1\""])
        #expect(plain.status == .notModified && plain.headers[.vary] == "Accept-Encoding")
    }

    @Test(arguments: ["/", "/stream"])
    func `what arrives is gzip, and the same content`(path: String) async throws {
        let raw = try await serving(Self.handler) { address in
            let response = try await HTTPClient().send(
                ClientRequest(.get, path, headers: ["accept-encoding": "gzip"]),
                to: Endpoint(address),
                until: .after(.seconds(5))
            )
            #expect(response.headers["content-encoding"] == "gzip")
            return try await response.body()
        }
        #expect(raw.starts(with: [0x1F, 0x8B]) && raw.count < 2000)
        let size = raw.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect(size == Self.text.utf8.count * (path == "/" ? 1 : 10), "the length in the trailer")
    }
}
