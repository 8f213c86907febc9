import Glibc
import HTTP
import Reactor
import Testing

/// Section 3 of the requirements, the exchange: one case a line, asked of a live server.
@Suite struct ExchangeTableTests {
    private static func get(_ fields: String, _ version: String = "1.1") -> String {
        "GET / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n"
    }

    static let connections: [Row] = [
        Row("kept alive", get(""), "200 200"),
        Row("kept alive, said twice", get("Connection: keep-alive\r\n"), "200 200"),
        Row("an unknown option", get("Connection: x\r\n"), "200 200"),
        Row("an empty option", get("Connection:\r\n"), "200 200"),
        Row("empty members", get("Connection: , ,\r\n"), "200 200"),
        Row("1.0 that asks to be kept", get("Connection: keep-alive\r\n", "1.0"), "200 200"),
        Row("1.0 that asks in any case", get("Connection: x, Keep-ALIVE\r\n", "1.0"), "200 200"),
        Row(
            "Upgrade to h2c",
            get(
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
            ),
            "200 200"
        ),
        Row(
            "Upgrade to a web socket",
            get(
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            ),
            "200 200"
        ),
        Row("ten in one write", times(10, get("")), times(11, "200 ").trimmed),
        Row("a hundred in one write", times(100, get("")), times(101, "200 ").trimmed),
        Row("a 404 keeps the connection", starting("GET /none HTTP/1.1"), "404 200"),
        Row("a handler's 400 keeps it", starting("GET /item/x HTTP/1.1"), "400 200"),
        Row("HEAD", starting("HEAD / HTTP/1.1"), "200 200"),
        Row("HEAD of a stream", starting("HEAD /stream HTTP/1.1"), "200 200"),
        Row("HEAD of nothing", starting("HEAD /none HTTP/1.1"), "404 200"),
        Row("204", starting("GET /nothing HTTP/1.1"), "204 200"),
        Row("304", starting("GET /unchanged HTTP/1.1"), "304 200"),
        Row(
            "many of each",
            times(
                3,
                starting("HEAD / HTTP/1.1") + starting("GET /nothing HTTP/1.1")
                    + starting("GET /stream HTTP/1.1")
            ),
            "200 204 200 200 204 200 200 204 200 200"
        ),
        Row(
            "Expect, sent at once",
            posting("Content-Length: 2\r\nExpect: 100-continue", "hi"),
            "200 200"
        ),
        Row(
            "Expect in any case",
            posting("Content-Length: 2\r\nEXPECT: 100-CONTINUE", "hi"),
            "200 200"
        ),
        Row(
            "Expect without a content",
            posting("Content-Length: 0\r\nExpect: 100-continue"),
            "200 200"
        ),
        Row("another expectation", posting("Content-Length: 2\r\nExpect: 200-ok", "hi"), "417 200"),
        Row(
            "another expectation beside it",
            posting("Content-Length: 2\r\nExpect: 100-continue, x", "hi"),
            "417 200"
        ),
        Row("an empty expectation", posting("Content-Length: 2\r\nExpect:", "hi"), "417 200"),
        Row(
            "two expectations",
            posting("Content-Length: 2\r\nExpect: 100-continue\r\nExpect: 100-continue", "hi"),
            "400"
        ),
        Row("1 GiB announced", posting("Content-Length: 1073741824"), "413"),
        Row("2^63 - 1 announced", posting("Content-Length: 9223372036854775807"), "413"),
        Row("chunks beyond the limit", chunks("3b9aca00\r\n\(times(200_000, "x"))"), "413"),
    ]

    @Test func `every connection row`() async throws { try await checkAll(Self.connections) }

    /// What ends the connection although the request was good.
    @Test(arguments: [
        get("Connection: close\r\n"), get("Connection: CLOSE\r\n"), get("Connection: x, close\r\n"),
        get("Connection: close, keep-alive\r\n"),
        get("Connection: keep-alive\r\nConnection: close\r\n"),
        get("Connection: close\r\nConnection: keep-alive\r\n"),
        get("", "1.0"), get("Connection: x\r\n", "1.0"),
        get("Connection: keep-alive, close\r\n", "1.0"),
    ])
    func `the connection closes, and what was pipelined behind is not answered`(input: String)
        async throws
    {
        try await serving(site) { address in
            let stream = try await Reactor.Stream.open(address)
            try await stream.send(input + Self.get(""))
            let text = try await stream.rest(within: .seconds(5)) ?? "open"
            #expect(
                statuses(text) == "200" && text.hasSuffix("home")
                    && text.contains("\r\nconnection: close\r\n")
            )
            stream.close()
        }
    }

    @Test func `100 Continue precedes the content, only in 1_1, only when it is read`() async throws
    {
        try await serving(site) { address in
            let fields = "Content-Length: 2\r\nExpect: 100-continue"
            let stream = try await Reactor.Stream.open(address)
            try await stream.send(posting(fields))
            #expect(
                try await stream.text { $0.hasSuffix("\r\n\r\n") }
                    == "HTTP/1.1 100 Continue\r\n\r\n"
            )
            try await stream.send("hi")
            #expect(statuses(try await stream.text { $0.hasSuffix("hi") }) == "200")
            // Nobody reads this one: a final status at once, and the connection ends.
            try await stream.send(posting(fields, to: "/none"))
            #expect(statuses(try await stream.rest(within: .seconds(5)) ?? "") == "404")
            stream.close()
            let old = try await Reactor.Stream.open(address)
            try await old.send("POST /echo HTTP/1.0\r\n\(fields)\r\n\r\n")
            try await EventLoop.sleep(for: .milliseconds(50))
            try await old.send("hi")
            #expect(statuses(try await old.rest(within: .seconds(5)) ?? "") == "200")
            old.close()
        }
    }

    @Test(arguments: ["/", "/stream", "/none", "/nothing", "/unchanged", "/item/x"])
    func `every answer has a date and HEAD has the fields of GET`(path: String) async throws {
        try await serving(site) { address in
            func fields(_ method: String) async throws -> [Substring] {
                let text = try await answer(address, to: starting("\(method) \(path) HTTP/1.1"))
                guard let end = text.firstRange(of: "\r\n\r\n") else { return [] }
                if method == "HEAD" { #expect(text[end.upperBound...].isEmpty) }
                return text[..<end.lowerBound].split(separator: "\r\n").filter {
                    !$0.hasPrefix("date: ")
                }
            }
            let text = try await answer(address, to: starting("GET \(path) HTTP/1.1"))
            #expect(text.contains("\r\ndate: ") && text.contains(" GMT\r\n"))
            #expect(try await fields("HEAD") == fields("GET"))
        }
    }

    @Test func `a half-close behind the request still gets its answer`() async throws {
        let handler: Handler = { _ in
            try? await EventLoop.sleep(for: .milliseconds(100))
            return .text("late")
        }
        try await serving(handler) { address in
            let text = try await answer(address, to: starting("GET / HTTP/1.1"))
            #expect(statuses(text) == "200" && text.hasSuffix("late"))
        }
    }

    @Test func `any split of several requests gives the same answers`() async throws {
        let input =
            Self.get("") + posting("Content-Length: 2", "hi")
            + chunks("2;x\r\nhi\r\n0\r\nA: b\r\n\r\n") + Self.get("Connection: close\r\n")
        let bytes = [UInt8](input.utf8)
        try await serving(site) { address in
            for cut in stride(from: 1, to: bytes.count, by: 3) {
                let stream = try await Reactor.Stream.open(address)
                try await stream.write(Array(bytes[..<cut]), until: .after(.seconds(5)))
                await Task.yield()
                try await stream.write(Array(bytes[cut...]), until: .after(.seconds(5)))
                let text = try await stream.rest(within: .seconds(5)) ?? "open"
                #expect(statuses(text) == "200 200 200 200", "cut at \(cut)")
                stream.close()
            }
        }
    }

    @Test func `1 GiB is refused before any of it was sent`() async throws {
        try await serving(site) { address in
            let stream = try await Reactor.Stream.open(address)
            let start = Deadline.now
            try await stream.send(posting("Content-Length: 1073741824\r\nExpect: 100-continue"))
            let text = try await stream.rest(within: .seconds(5)) ?? "open"
            #expect(statuses(text) == "413" && start.advanced(by: .seconds(8)) > .now)
            stream.close()
        }
    }

    @Test func `two hundred half-sent requests do not hold up a new one`() async throws {
        try await serving(site) { address in
            var half: [Reactor.Stream] = []
            for _ in 0..<200 {
                let stream = try await Reactor.Stream.open(address)
                try await stream.send("GET / HTTP/1.1\r\nHost: a\r\nX-Half")
                half.append(stream)
            }
            let start = Deadline.now
            #expect(statuses(try await answer(address, to: Self.get(""))) == "200")
            #expect(start.advanced(by: .seconds(8)) > .now)
            for stream in half { stream.close() }
        }
    }

    @Test func `resets in mid-request and connections in turn leak no descriptor`() async throws {
        try await serving(site) { address in
            _ = try await answer(address, to: Self.get(""))
            let before = Self.openDescriptors()
            for number in 0..<600 {
                let stream = try await Reactor.Stream.open(address)
                if number < 400 {
                    try await stream.send(posting("Content-Length: 1000", "part"))
                    stream.closeHard()
                } else {
                    try await stream.send(Self.get("Connection: close\r\n"))
                    _ = try await stream.rest(within: .seconds(5))
                }
                stream.close()
            }
            var after = Self.openDescriptors()
            // Other suites open some meanwhile; ours would stay.
            for _ in 0..<50 where after > before + 100 {
                try await EventLoop.sleep(for: .milliseconds(100))
                after = Self.openDescriptors()
            }
            #expect(after <= before + 100)
            #expect(statuses(try await answer(address, to: Self.get(""))) == "200")
        }
    }

    private static func openDescriptors() -> Int {
        (0..<4096).count { fcntl($0, F_GETFD) != -1 }
    }
}

extension String {
    fileprivate var trimmed: String { hasSuffix(" ") ? String(dropLast()) : self }
}
