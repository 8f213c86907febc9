import HTTP
import Testing

/// What the parser makes of some bytes: a short account of the head, or the status of the refusal.
func verdict(_ input: String, stops: [Int] = []) -> String {
    let bytes = [UInt8](input.unicodeScalars.map { UInt8($0.value) })
    var parser = RequestParser()
    do throws(ParseError) {
        for end in stops + [bytes.count] {
            guard let head = try parser.parse(bytes.span.extracting(0..<end)) else { continue }
            return "\(head.method) \(head.path) \(head.framing) \(head.host ?? "-")"
                + " keep=\(head.keepsAlive) left=\(bytes.count - head.length)"
                + " \(head.headers.map { "\($0.name)=\($0.value)" })"
        }
        return "more"
    } catch {
        return String(error.status.code)
    }
}

/// A request with some header lines behind a good `Host`.
private func fields(_ lines: String) -> String {
    "POST / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n"
}

/// A request with this start line and a good `Host`.
private func start(_ line: String) -> String { "\(line)\r\nHost: a\r\n\r\n" }

private func many(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

@Suite struct RequestParserTests {
    static let badFields: [(String, Int)] = [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding: chunked, chunked", 400),
        ("Transfer-Encoding: chunked, identity", 400),
        ("Transfer-Encoding: identity", 501),
        ("Transfer-Encoding: gzip, chunked", 501),
        ("Transfer-Encoding: xchunked", 501),
        ("Transfer-Encoding: \"chunked\"", 400),
        ("Transfer-Encoding: chunked;q=1", 400),
        ("Transfer-Encoding:", 400),
        ("Transfer-Encoding: \u{0B}chunked", 400),
        ("Transfer-Encoding: chunked\u{00}", 400),
        ("Transfer-Encoding: \u{A0}chunked", 400),
        ("Transfer-Encoding: chunked\rx", 400),
        ("Transfer-Encoding:\r\n chunked", 400),
        ("Transfer-Encoding : chunked", 400),
        ("Content-Length: 5\r\nContent-Length: 6", 400),
        ("Content-Length: 5\r\nContent-Length: 5", 400),
        ("Content-Length: 5, 5", 400),
        ("Content-Length: +5", 400),
        ("Content-Length: -5", 400),
        ("Content-Length: 0x5", 400),
        ("Content-Length: 5 5", 400),
        ("Content-Length: 5_0", 400),
        ("Content-Length: 5.0", 400),
        ("Content-Length: 5e1", 400),
        ("Content-Length: \"5\"", 400),
        ("Content-Length: \u{B2}", 400),
        ("Content-Length: 9223372036854775808", 400),
        ("Content-Length: " + many("9", 200), 400),
        ("Content-Length:", 400),
        ("A : b", 400),
        ("A\t: b", 400),
        ("A", 400),
        (": b", 400),
        ("A(: b", 400),
        ("\u{E9}: b", 400),
        ("A: b\r\n c", 400),
        ("A: b\r\n\tc", 400),
        ("A: b\u{00}c", 400),
        ("A: b\u{7F}", 400),
        ("A: b\u{01}", 400),
        ("A: b\rc: d", 400),
        ("A: b\nc: d", 400),
        ("A\u{00}: b", 400),
        ("Host: b", 400),
    ]

    @Test(arguments: badFields)
    func `an ambiguous or malformed field is refused`(lines: String, status: Int) {
        #expect(verdict(fields(lines)) == String(status))
    }

    static let badLines: [(String, Int)] = [
        ("GET /", 400),
        ("GET / http/1.1", 400),
        ("GET / HTTP/1.10", 400),
        ("GET / HTTP/11", 400),
        ("GET / HTTP/1.", 400),
        ("GET / HTTP/1.x", 400),
        ("GET / HTTP/0.9", 400),
        ("GET  / HTTP/1.1", 400),
        ("GET /  HTTP/1.1", 400),
        ("GET\t/ HTTP/1.1", 400),
        ("GET /\tHTTP/1.1", 400),
        (" GET / HTTP/1.1", 400),
        ("GET / HTTP/1.1 ", 400),
        ("GET / HTTP/2.0", 505),
        ("PRI * HTTP/2.0", 505),
        ("GET / HTTP/3.0", 505),
        ("G(T / HTTP/1.1", 400),
        ("/ HTTP/1.1", 400),
        ("GET HTTP/1.1", 400),
        ("GET /a b HTTP/1.1", 400),
        ("GET /\u{01} HTTP/1.1", 400),
        ("GET /\u{7F} HTTP/1.1", 400),
        ("GET /\u{E9} HTTP/1.1", 400),
        ("GET /#f HTTP/1.1", 400),
        ("GET /%zz HTTP/1.1", 400),
        ("GET /%4 HTTP/1.1", 400),
        ("GET /%00 HTTP/1.1", 400),
        ("GET /?%00 HTTP/1.1", 400),
        ("GET /?%zz HTTP/1.1", 400),
        ("GET /?%ff HTTP/1.1", 400),
        ("GET /%ff HTTP/1.1", 400),
        ("GET /a%2fb HTTP/1.1", 400),
        ("GET /a%5Cb HTTP/1.1", 400),
        ("GET /a\\b HTTP/1.1", 400),
        ("GET /a/..;/b HTTP/1.1", 400),
        ("GET /%252e HTTP/1.1", 400),
        ("GET /../a HTTP/1.1", 400),
        ("GET /a/%2e%2e/%2e%2e/b HTTP/1.1", 400),
        ("GET a HTTP/1.1", 400),
        ("GET a:80 HTTP/1.1", 400),
        ("GET * HTTP/1.1", 400),
        ("GET ftp://a/ HTTP/1.1", 400),
        ("GET http://u@a/ HTTP/1.1", 400),
        ("GET http:/// HTTP/1.1", 400),
        ("GET http://:80/ HTTP/1.1", 400),
        ("CONNECT /a HTTP/1.1", 400),
    ]

    @Test(arguments: badLines)
    func `a malformed start line is refused`(line: String, status: Int) {
        #expect(verdict(start(line)) == String(status))
    }

    @Test(arguments: [
        "", "a b", "u@a", "a/b", "a:b:c", "[::1", "[::1]x", "%zz", "%00", "a\u{00}", "a:99999",
        ":80",
        "[]", "[g::1]", "a:+1", "a\\b", "a?b", "\u{E9}",
    ])
    func `a malformed host is refused`(host: String) {
        #expect(verdict("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n") == "400")
    }

    @Test(
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", "400"),
            ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400"),
            ("GET / HTTP/1.1\nHost: a\r\n\r\n", "400"),
            ("GET / HTTP/1.1\rHost: a\r\n\r\n", "400"),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n", "400"),
            ("GET / HTTP/1.1\r\nHost: a\r\n\n", "400"),
            ("\r\n\r\nGET / HTTP/1.1\r\n", "400"),
            ("\nGET / HTTP/1.1\r\n", "400"),
            ("\u{16}\u{03}\u{01}", "400"),
            ("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
            ("GET / HTTP/1.0\r\nHost: a b\r\n\r\n", "400"),
            ("GET http://b/ HTTP/1.1\r\n\r\n", "400"),
            ("", "more"),
            ("\r\n", "more"),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r", "more"),
        ])
    func `line ends are CRLF and Host is needed`(input: String, expected: String) {
        #expect(verdict(input) == expected)
    }

    static let good: [(String, String)] = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", #"GET / none a keep=true left=0 ["host=a"]"#),
        (
            "\r\nGET /a HTTP/1.1\r\nHOST:a:80\r\n\r\nGET",
            #"GET /a none a:80 keep=true left=3 ["host=a:80"]"#
        ),
        ("GET / HTTP/1.0\r\n\r\n", "GET / none - keep=false left=0 []"),
        (
            "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
            #"GET / none - keep=true left=0 ["connection=Keep-Alive"]"#
        ),
        (
            "GET / HTTP/1.2\r\nHost: [::1]:8\r\nconnection: a\r\nConnection: b , CLOSE\r\n\r\n",
            "GET / none [::1]:8 keep=false left=0 "
                + #"["host=[::1]:8", "connection=a", "connection=b , CLOSE"]"#
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \t 12 \r\n\r\nabc",
            #"POST / length(12) a keep=true left=3 ["host=a", "content-length=12"]"#
        ),
        (
            "BREW /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n",
            #"BREW /x chunked a keep=true left=0 ["host=a", "transfer-encoding=CHUNKED"]"#
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent_Length: x\r\nB:\r\nB: y\tz\r\n\r\n",
            "POST / none a keep=true left=0 "
                + #"["host=a", "content_length=x", "b=", "b=y\tz"]"#
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: Content-Length\r\n\r\n",
            "POST / length(3) a keep=true left=0 "
                + #"["host=a", "content-length=3", "connection=Content-Length"]"#
        ),
        (
            "GET HTTP://Example.com:8/p?q HTTP/1.1\r\nHost: a\r\n\r\n",
            #"GET /p none Example.com:8 keep=true left=0 ["host=a"]"#
        ),
        (
            "GET https://b?q HTTP/1.1\r\nHost: a\r\n\r\n",
            #"GET / none b keep=true left=0 ["host=a"]"#
        ),
        (
            "OPTIONS * HTTP/1.1\r\nHost: a:\r\n\r\n",
            #"OPTIONS * none a: keep=true left=0 ["host=a:"]"#
        ),
        (
            "CONNECT b:443 HTTP/1.1\r\nHost: a,b\r\n\r\n",
            #"CONNECT * none b:443 keep=true left=0 ["host=a,b"]"#
        ),
    ]

    @Test(arguments: good)
    func `a good head parses the same however it is split`(input: String, expected: String) {
        #expect(verdict(input) == expected)
        let total = input.unicodeScalars.count
        for cut in 0..<total {
            #expect(verdict(input, stops: [cut, total]) == expected, "cut at \(cut)")
        }
    }

    @Test(arguments: [
        "GET / HTTP/2.0\r\nA(: b\r\n\r\n", "G(T / HTTP/1.1\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\nb\r\n\u{00}",
        "GET /%zz HTTP/1.1\r\nTransfer-Encoding: x\r\nHost: a\r\n\r\n",
    ])
    func `a refusal is the same however the input is split`(input: String) {
        let expected = verdict(input)
        #expect(Int(expected) != nil)
        let total = input.unicodeScalars.count
        for cut in 0..<total { #expect(verdict(input, stops: [cut]) == expected) }
        #expect(verdict(input, stops: Array(0..<total)) == expected)
    }

    @Test func `every bad line is refused alike byte by byte`() {
        let inputs = Self.badFields.map { fields($0.0) } + Self.badLines.map { start($0.0) }
        for input in inputs + Self.good.map(\.0) {
            let whole = verdict(input)
            let stepwise = verdict(input, stops: Array(0..<input.unicodeScalars.count))
            #expect(stepwise == whole || !whole.allSatisfy(\.isNumber), "\(input)")
        }
    }

    private static func get(_ target: String) -> String {
        "GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n"
    }

    static let sizes: [(String, String)] = [
        (get("/\(many("a", 8191))"), "GET"),
        (get("/\(many("a", 8192))"), "414"),
        ("GET /\(many("a", 100_000))", "414"),
        ("GET / HTTP/1.1\r\nHost: a\r\nb: \(many("c", 100_000))", "431"),
        (fields("\(many("b: c\r\n", 98))b: c"), "POST"),
        (fields("\(many("b: c\r\n", 99))b: c"), "431"),
        (fields("b: \(many("c", 32_720))"), "POST"),
        (fields("b: \(many("c", 32_768))"), "431"),
        (many("\r\n", 50_000), "400"),
    ]

    @Test(arguments: sizes)
    func `sizes are bounded, complete or not`(input: String, expected: String) {
        #expect(verdict(input).hasPrefix(expected))
    }
}
