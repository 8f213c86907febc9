import HTTP
import Testing

/// Section 1 of the requirements, message framing: one case a line, asked of a live server.
@Suite struct FramingTableTests {
    static let contentLength: [Row] = [
        Row(
            "both, length first",
            posting("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
            "400"
        ),
        Row(
            "both, coding first",
            posting("Transfer-Encoding: chunked\r\nContent-Length: 4", "0\r\n\r\n"),
            "400"
        ),
        Row("two lengths", posting("Content-Length: 1\r\nContent-Length: 2", "hi"), "400"),
        Row(
            "the same length twice",
            posting("Content-Length: 2\r\nContent-Length: 2", "hi"),
            "400"
        ),
        Row("a list of lengths", posting("Content-Length: 2, 2", "hi"), "400"),
        Row("plus", posting("Content-Length: +2", "hi"), "400"),
        Row("minus", posting("Content-Length: -2", "hi"), "400"),
        Row("minus zero", posting("Content-Length: -0"), "400"),
        Row("hexadecimal", posting("Content-Length: 0x2", "hi"), "400"),
        Row("bare hexadecimal", posting("Content-Length: a", "hi"), "400"),
        Row("space inside", posting("Content-Length: 1 2", "hi"), "400"),
        Row("underscore", posting("Content-Length: 1_0", "hi"), "400"),
        Row("decimal", posting("Content-Length: 2.0", "hi"), "400"),
        Row("exponent", posting("Content-Length: 2e0", "hi"), "400"),
        Row("quoted", posting("Content-Length: \"2\"", "hi"), "400"),
        Row("superscript", posting("Content-Length: \u{B2}", "hi"), "400"),
        Row("Arabic digit in UTF-8", posting("Content-Length: \u{D9}\u{A2}", "hi"), "400"),
        Row("2^63", posting("Content-Length: 9223372036854775808", "hi"), "400"),
        Row("2^64", posting("Content-Length: 18446744073709551616", "hi"), "400"),
        Row("2^64 + 2", posting("Content-Length: 18446744073709551618", "hi"), "400"),
        Row("200 digits", posting("Content-Length: \(times(200, "9"))", "hi"), "400"),
        Row("200 zeros", posting("Content-Length: \(times(200, "0"))"), "400"),
        Row("empty", posting("Content-Length:"), "400"),
        Row("blank", posting("Content-Length: \t "), "400"),
        Row("comma", posting("Content-Length: ,"), "400"),
        Row("trailing comma", posting("Content-Length: 2,", "hi"), "400"),
        Row("NUL behind", posting("Content-Length: 2\u{0}", "hi"), "400"),
        Row("vertical tab before", posting("Content-Length: \u{B}2", "hi"), "400"),
        Row("white space around is fine", posting("Content-Length: \t 2 \t", "hi"), "200 200"),
        Row("a leading zero is fine", posting("Content-Length: 02", "hi"), "200 200"),
        Row("any case is fine", posting("cONTENT-lENGTH: 2", "hi"), "200 200"),
        Row("zero", posting("Content-Length: 0"), "200 200"),
        Row("Content_Length is an ordinary field", posting("Content_Length: 7"), "200 200"),
        Row(
            "Connection: Content-Length",
            posting("Content-Length: 2\r\nConnection: Content-Length", "hi"),
            "200 200"
        ),
        Row(
            "Connection: Transfer-Encoding",
            posting(
                "Transfer-Encoding: chunked\r\nConnection: Transfer-Encoding",
                "2\r\nhi\r\n0\r\n\r\n"
            ),
            "200 200"
        ),
        Row("Connection: Host", posting("Content-Length: 2\r\nConnection: Host", "hi"), "200 200"),
        Row("bad length on GET", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", "400"),
    ]

    static let transferEncoding: [Row] =
        [
            ("twice in a list", "chunked, chunked", "400"),
            ("then identity", "chunked, identity", "400"),
            ("xchunked", "xchunked", "501"), ("chunkedx", "chunkedx", "501"),
            ("identity", "identity", "501"),
            ("gzip first", "gzip, chunked", "501"), ("gzip last", "chunked, gzip", "400"),
            ("gzip", "gzip", "501"),
            ("quoted", "\"chunked\"", "400"), ("single quotes", "'chunked'", "501"),
            ("parameter", "chunked;q=1", "400"),
            ("parameter without value", "chunked;", "400"), ("empty", "", "400"),
            ("comma", ",", "400"),
            ("comma before", ",chunked", "400"), ("comma behind", "chunked,", "400"),
            ("vertical tab before", "\u{B}chunked", "400"),
            ("vertical tab behind", "chunked\u{B}", "400"),
            ("form feed", "\u{C}chunked", "400"), ("NUL before", "\u{0}chunked", "400"),
            ("NUL behind", "chunked\u{0}", "400"),
            ("0xA0 before", "\u{A0}chunked", "400"), ("0xA0 behind", "chunked\u{A0}", "400"),
            ("0x85 behind", "chunked\u{85}", "400"), ("bare CR before", "\rchunked", "400"),
            ("bare CR behind", "chunked\r", "400"),
            ("bare CR inside", "chu\rnked", "400"), ("bare LF behind", "chunked\n", "400"),
            ("folded", "\r\n chunked", "400"),
            ("folded behind", "chunked\r\n ", "400"),
            ("in two lines", "chunked\r\nTransfer-Encoding: chunked", "400"),
            ("identity in a second line", "chunked\r\nTransfer-Encoding: identity", "400"),
            ("identity in the first line", "identity\r\nTransfer-Encoding: chunked", "501"),
            ("two words", "chunked chunked", "400"),
            ("two spellings", "chunked\r\ntransfer-encoding: x", "400"),
        ].map { Row("Transfer-Encoding: \($0.0)", chunksWith($0.1), $0.2) } + [
            Row(
                "space before the colon",
                posting("Transfer-Encoding : chunked", "0\r\n\r\n"),
                "400"
            ),
            Row(
                "tab before the colon",
                posting("Transfer-Encoding\t: chunked", "0\r\n\r\n"),
                "400"
            ),
            Row(
                "in HTTP/1.0",
                "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "400"
            ),
            Row(
                "in HTTP/1.0 to keep alive",
                "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "400"
            ),
            Row("any case is fine", chunksWith("CHUNKed"), "200 200"),
            Row("white space around is fine", chunksWith("\t chunked \t"), "200 200"),
            Row(
                "Transfer_Encoding is an ordinary field",
                posting("Transfer_Encoding: chunked"),
                "200 200"
            ),
        ]

    private static func chunksWith(_ coding: String) -> String {
        posting("Transfer-Encoding: \(coding)", "2\r\nhi\r\n0\r\n\r\n")
    }

    static let fields: [Row] =
        [
            ("space before the colon", "A : b", "400"), ("tab before the colon", "A\t: b", "400"),
            ("no colon", "A", "400"),
            ("empty name", ": b", "400"), ("only a colon", ":", "400"),
            ("parenthesis in the name", "A(: b", "400"),
            ("non-ASCII name", "\u{E9}: b", "400"), ("space in the name", "A B: c", "400"),
            ("quoted name", "\"A\": b", "400"),
            ("folding with a space", "A: b\r\n c", "400"),
            ("folding with a tab", "A: b\r\n\tc", "400"),
            ("folding of an empty value", "A:\r\n b", "400"), ("an empty fold", "A: b\r\n ", "400"),
            ("NUL in a value", "A: b\u{0}c", "400"), ("NUL in a name", "A\u{0}: b", "400"),
            ("DEL", "A: b\u{7F}", "400"),
            ("0x01", "A: b\u{1}", "400"), ("escape", "A: \u{1B}[0m", "400"),
            ("vertical tab", "A: b\u{B}", "400"),
            ("bare CR in a value", "A: b\rc: d", "400"),
            ("bare LF as line end", "A: b\nC: d", "400"),
            ("LF CR", "A: b\n\rC: d", "400"), ("CR CR LF", "A: b\r\r\nC: d", "400"),
            ("CR in a name", "A\rB: c", "400"),
            ("tab in a value", "A: b\tc", "200 200"),
            ("opaque bytes in a value", "A: \u{80}\u{E9}\u{FF}", "200 200"),
            ("empty value", "A:", "200 200"), ("no space behind the colon", "A:b", "200 200"),
        ].map { Row($0.0, "GET / HTTP/1.1\r\nHost: a\r\n\($0.1)\r\n\r\n", $0.2) } + [
            Row("space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400"),
            Row("tab before the first field", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", "400"),
            Row("a blank line of spaces first", "GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n", "400"),
            Row("bare LF behind the start line", "GET / HTTP/1.1\nHost: a\r\n\r\n", "400"),
            Row("bare CR behind the start line", "GET / HTTP/1.1\rHost: a\r\n\r\n", "400"),
            Row("bare LF as the last line", "GET / HTTP/1.1\r\nHost: a\r\n\n", "400"),
            Row("LF everywhere", "GET / HTTP/1.1\nHost: a\n\n", "400"),
            Row("NUL in the start line", "GET /\u{0} HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
            Row("CR in the start line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ]

    static let chunked: [Row] =
        [
            ("not hexadecimal", "g\r\nhi\r\n0\r\n\r\n"), ("prefix 0x", "0x2\r\nhi\r\n0\r\n\r\n"),
            ("plus", "+2\r\nhi\r\n0\r\n\r\n"),
            ("minus", "-2\r\nhi\r\n0\r\n\r\n"), ("space before", " 2\r\nhi\r\n0\r\n\r\n"),
            ("space behind", "2 \r\nhi\r\n0\r\n\r\n"),
            ("tab behind", "2\t\r\nhi\r\n0\r\n\r\n"),
            ("space before an extension", "2 ;a\r\nhi\r\n0\r\n\r\n"),
            ("underscore", "0_2\r\nhi\r\n0\r\n\r\n"), ("empty", "\r\nhi\r\n0\r\n\r\n"),
            ("only an extension", ";a\r\nhi\r\n0\r\n\r\n"),
            ("17 digits", "00000000000000002\r\nhi\r\n0\r\n\r\n"),
            ("2^63", "8000000000000000\r\nhi\r\n0\r\n\r\n"),
            ("2^64 - 1", "ffffffffffffffff\r\nhi\r\n0\r\n\r\n"),
            ("2^64 + 2", "10000000000000002\r\nhi\r\n0\r\n\r\n"),
            ("data too long", "2\r\nhi!\r\n0\r\n\r\n"), ("data too short", "3\r\nhi\r\n0\r\n\r\n"),
            ("no line end behind the data", "2\r\nhi0\r\n\r\n"),
            ("LF behind the data", "2\r\nhi\n0\r\n\r\n"),
            ("CR behind the data", "2\r\nhi\r0\r\n\r\n"),
            ("two bytes in place of CRLF", "2\r\nhiXX0\r\n\r\n"),
            ("LF behind the size", "2\nhi\r\n0\r\n\r\n"),
            ("CR behind the size", "2\rhi\r\n0\r\n\r\n"),
            ("CR CR LF behind the size", "2\r\r\nhi\r\n0\r\n\r\n"),
            ("LF behind the last size", "2\r\nhi\r\n0\n\r\n"),
            ("LF at the end", "2\r\nhi\r\n0\r\n\n"), ("CR at the end", "2\r\nhi\r\n0\r\n\rX"),
            ("NUL in an extension", "2;a\u{0}\r\nhi\r\n0\r\n\r\n"),
            ("CR in an extension", "2;a\rb\r\nhi\r\n0\r\n\r\n"),
            ("LF in an extension", "2;a\nb\r\nhi\r\n0\r\n\r\n"),
            ("LF in a quoted extension", "2;a=\"\n\"\r\nhi\r\n0\r\n\r\n"),
            ("1 MiB of extensions", "2;\(times(1 << 20, "a"))\r\nhi\r\n0\r\n\r\n"),
            ("a trailer without colon", "2\r\nhi\r\n0\r\nA\r\n\r\n"),
            ("a trailer with a bad name", "2\r\nhi\r\n0\r\nA B: c\r\n\r\n"),
            ("a folded trailer", "2\r\nhi\r\n0\r\nA: b\r\n c\r\n\r\n"),
            ("LF behind a trailer", "2\r\nhi\r\n0\r\nA: b\n\r\n"),
            ("CR in a trailer", "2\r\nhi\r\n0\r\nA: b\rc\r\n\r\n"),
            ("NUL in a trailer", "2\r\nhi\r\n0\r\nA: \u{0}\r\n\r\n"),
            ("a trailer with a space before the colon", "2\r\nhi\r\n0\r\nA : b\r\n\r\n"),
            ("full-width digit", "\u{EF}\u{BC}\u{92}\r\nhi\r\n0\r\n\r\n"),
        ].map { Row("chunks, \($0.0)", chunks($0.1), "400") } + [
            Row(
                "chunks, huge trailers",
                chunks("2\r\nhi\r\n0\r\nA: \(times(100_000, "b"))\r\n\r\n"),
                "431"
            ),
            Row(
                "chunks, many trailers",
                chunks("2\r\nhi\r\n0\r\n\(times(200, "A: b\r\n"))\r\n"),
                "431"
            ),
            Row("chunks, good", chunks("2\r\nhi\r\n0\r\n\r\n"), "200 200"),
            Row(
                "chunks, upper and lower hexadecimal",
                chunks("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"),
                "200 200"
            ),
            Row(
                "chunks, leading zeros",
                chunks("0000000000000002\r\nhi\r\n000\r\n\r\n"),
                "200 200"
            ),
            Row("chunks, extensions", chunks("2;a=b;c=\"d;\"\r\nhi\r\n0;x\r\n\r\n"), "200 200"),
            Row("chunks, a trailer", chunks("2\r\nhi\r\n0\r\nA: b\r\n\r\n"), "200 200"),
            Row(
                "chunks, trailers cannot frame",
                chunks("2\r\nhi\r\n0\r\nContent-Length: 40\r\nTransfer-Encoding: x\r\n\r\n"),
                "200 200"
            ),
            Row(
                "chunks, trailers cannot route",
                chunks("2\r\nhi\r\n0\r\nHost: b\r\nConnection: close\r\n\r\n"),
                "200 200"
            ),
            Row(
                "chunks, 20,000 of one byte",
                chunks(times(20_000, "1\r\nx\r\n") + "0\r\n\r\n"),
                "200 200"
            ),
        ]

    static let contents: [Row] = [
        Row(
            "content on GET",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: \(hidden.utf8.count)\r\n\r\n\(hidden)",
            "200 200"
        ),
        Row(
            "chunks on GET",
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            "200 200"
        ),
        Row(
            "content on HEAD",
            "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: \(hidden.utf8.count)\r\n\r\n\(hidden)",
            "200 200"
        ),
        Row(
            "content at a 404",
            posting("Content-Length: \(hidden.utf8.count)", hidden, to: "/none"),
            "404 200"
        ),
        Row(
            "content at a 401",
            posting("Content-Length: \(hidden.utf8.count)", hidden, to: "/closed"),
            "401 200"
        ),
        Row(
            "content at a 405",
            "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: \(hidden.utf8.count)\r\n\r\n\(hidden)",
            "405 200"
        ),
        Row("too much content", posting("Content-Length: 200000", times(200, hidden)), "413"),
        Row(
            "too much content at a 404",
            posting("Content-Length: 900000", hidden, to: "/none"),
            "404"
        ),
        Row(
            "content on OPTIONS",
            "OPTIONS / HTTP/1.1\r\nHost: a\r\nContent-Length: \(hidden.utf8.count)\r\n\r\n\(hidden)",
            "204 200"
        ),
        Row(
            "garbage behind a request",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\ngarbage\r\n\r\n",
            "200 400"
        ),
        Row("garbage behind a content", posting("Content-Length: 2", "hi!!\r\n\r\n"), "200 400"),
        Row("a number behind a content", posting("Content-Length: 2", "hi5\r\n\r\n"), "200 400"),
    ]

    /// What a server that looked for the next request inside a content would find.
    private static let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func `every Content-Length row`() async throws { try await checkAll(Self.contentLength) }
    @Test func `every Transfer-Encoding row`() async throws {
        try await checkAll(Self.transferEncoding)
    }
    @Test func `every field row`() async throws { try await checkAll(Self.fields) }
    @Test func `every chunk row`() async throws { try await checkAll(Self.chunked) }
    @Test func `every content row`() async throws { try await checkAll(Self.contents) }

    @Test func `trailers are checked and dropped: no handler sees one`() async throws {
        let seen: Handler = { request throws(Problem) in
            let content = String(decoding: try await request.body(), as: UTF8.self)
            return .text("\(content) \(request.headers["x-user-id"] ?? "nobody")")
        }
        try await serving(seen) { address in
            let input = chunks("2\r\nhi\r\n0\r\nX-User-Id: evil\r\n\r\n")
            let text = try await answer(address, to: input)
            #expect(text.hasSuffix("\r\n\r\nhi nobody"))
        }
    }

    @Test(arguments: [
        posting("Content-Length: 5", "hi"), posting("Content-Length: 500000", "hi"),
        chunks(""), chunks("5"), chunks("5\r\nhi"), chunks("2\r\nhi\r\n"),
        chunks("2\r\nhi\r\n0\r\n"),
        chunks("2\r\nhi\r\n0\r\n\r"), chunks("2\r\nhi\r\n0\r\nA: b\r\n"),
    ])
    func `a content cut short is never complete`(input: String) async throws {
        try await serving(site) { address in
            let text = try await answer(address, to: input)
            #expect(["400", "413"].contains(statuses(text)), "\(text)")
        }
    }
}
