import HTTP
import Reactor
import Testing

/// Section 2 of the requirements, start line, target and host: one case a line, asked of a live server.
@Suite struct TargetTableTests {
    static let startLines: [Row] = [
        ("HTTP/0.9", "GET /", "400"), ("HTTP/0.9 in words", "GET / HTTP/0.9", "400"),
        ("lower case", "GET / http/1.1", "400"),
        ("HTTP/1.10", "GET / HTTP/1.10", "400"), ("HTTP/11", "GET / HTTP/11", "400"),
        ("HTTP/1", "GET / HTTP/1", "400"),
        ("HTTP/1.", "GET / HTTP/1.", "400"), ("HTTP/1.x", "GET / HTTP/1.x", "400"),
        ("HTTP/+1.1", "GET / HTTP/+1.1", "400"),
        ("HTTP 1.1", "GET / HTTP 1.1", "400"), ("HTTPS/1.1", "GET / HTTPS/1.1", "400"),
        ("ICY", "GET / ICY/1.1", "400"),
        ("two spaces first", "GET  / HTTP/1.1", "400"),
        ("two spaces last", "GET /  HTTP/1.1", "400"),
        ("tab first", "GET\t/ HTTP/1.1", "400"), ("tab last", "GET /\tHTTP/1.1", "400"),
        ("leading space", " GET / HTTP/1.1", "400"),
        ("trailing space", "GET / HTTP/1.1 ", "400"), ("no target", "GET HTTP/1.1", "400"),
        ("no method", "/ HTTP/1.1", "400"),
        ("vertical tab", "GET\u{B}/ HTTP/1.1", "400"), ("HTTP/2.0", "GET / HTTP/2.0", "505"),
        ("HTTP/3.0", "GET / HTTP/3.0", "505"),
        ("HTTP/9.9", "GET / HTTP/9.9", "505"), ("HTTP/1.2", "GET / HTTP/1.2", "200 200"),
        ("HTTP/1.9", "GET / HTTP/1.9", "200 200"),
        ("method with a parenthesis", "G(T / HTTP/1.1", "400"),
        ("method with a colon", "GET: / HTTP/1.1", "400"),
        ("method with an opaque byte", "G\u{C9}T / HTTP/1.1", "400"),
        ("unknown method", "BREW / HTTP/1.1", "501 200"),
        ("lower-case method", "get / HTTP/1.1", "501 200"),
        ("long unknown method", "\(times(300, "A")) / HTTP/1.1", "501 200"),
        ("PUT here", "PUT / HTTP/1.1", "405 200"), ("DELETE here", "DELETE / HTTP/1.1", "405 200"),
        ("raw space", "GET /a b HTTP/1.1", "400"), ("control", "GET /\u{1} HTTP/1.1", "400"),
        ("DEL", "GET /\u{7F} HTTP/1.1", "400"),
        ("non-ASCII", "GET /\u{E9} HTTP/1.1", "400"),
        ("non-ASCII in the query", "GET /?\u{E9} HTTP/1.1", "400"),
        ("fragment", "GET /#f HTTP/1.1", "400"),
        ("fragment behind a query", "GET /?a#f HTTP/1.1", "400"),
        ("bad encoding", "GET /%zz HTTP/1.1", "400"), ("short encoding", "GET /%4 HTTP/1.1", "400"),
        ("a lone percent", "GET /% HTTP/1.1", "400"),
        ("%u", "GET /%u0041 HTTP/1.1", "400"), ("encoded NUL", "GET /%00 HTTP/1.1", "400"),
        ("encoded NUL in the query", "GET /?a=%00 HTTP/1.1", "400"),
        ("bad encoding in the query", "GET /?a=%zz HTTP/1.1", "400"),
        ("absolute form", "GET http://b/ HTTP/1.1", "200 200"),
        ("absolute form, any case", "GET HTTP://B/ HTTP/1.1", "200 200"),
        ("absolute form without path", "GET http://b HTTP/1.1", "200 200"),
        ("absolute form with port", "GET https://b:8443/ HTTP/1.1", "200 200"),
        ("absolute form, other scheme", "GET ftp://b/ HTTP/1.1", "400"),
        ("absolute form, userinfo", "GET http://u@b/ HTTP/1.1", "400"),
        ("absolute form, userinfo with password", "GET http://u:p@b/ HTTP/1.1", "400"),
        ("absolute form, empty host", "GET http:/// HTTP/1.1", "400"),
        ("absolute form, only a port", "GET http://:80/ HTTP/1.1", "400"),
        ("absolute form, bad port", "GET http://b:99999/ HTTP/1.1", "400"),
        ("absolute form, backslash", "GET http:\\\\b/ HTTP/1.1", "400"),
        ("authority form", "GET b:80 HTTP/1.1", "400"),
        ("relative", "GET a HTTP/1.1", "400"),
        ("scheme-relative is a path", "GET //b/ HTTP/1.1", "404 200"),
        ("query only", "GET ?a HTTP/1.1", "400"),
        ("asterisk with GET", "GET * HTTP/1.1", "400"),
        ("asterisk with OPTIONS", "OPTIONS * HTTP/1.1", "204 200"),
        ("asterisk and more", "OPTIONS *a HTTP/1.1", "400"),
        ("CONNECT", "CONNECT b:443 HTTP/1.1", "501"),
        ("CONNECT to a path", "CONNECT /a HTTP/1.1", "400"),
        ("CONNECT without port", "CONNECT b HTTP/1.1", "400"),
        ("TRACE", "TRACE / HTTP/1.1", "501 200"),
        ("encoded slash", "GET /item%2f7 HTTP/1.1", "400"),
        ("encoded backslash", "GET /item%5c7 HTTP/1.1", "400"),
        ("backslash", "GET /item\\7 HTTP/1.1", "400"),
        ("..;", "GET /item/..;/x HTTP/1.1", "400"),
        ("encoded twice", "GET /%252e%252e/item/7 HTTP/1.1", "400"),
        ("above the root", "GET /../item/7 HTTP/1.1", "400"),
        ("encoded, above the root", "GET /%2e%2e/item/7 HTTP/1.1", "400"),
        ("overlong UTF-8 slash", "GET /%c0%af HTTP/1.1", "400"),
        ("no UTF-8", "GET /%ff HTTP/1.1", "400"),
        ("dot segments", "GET /./item/x/../7 HTTP/1.1", "200 200"),
        ("encoded dot segments", "GET /%2e/item/x/%2E%2e/7 HTTP/1.1", "200 200"),
        ("slashes", "GET ///item//7/ HTTP/1.1", "200 200"),
        ("encoded letters", "GET /%69tem/%37 HTTP/1.1", "200 200"),
        ("a query", "GET /item/7?a=b&c HTTP/1.1", "200 200"),
        ("an empty query", "GET /? HTTP/1.1", "200 200"),
        ("target of 8 KiB", "GET /?\(times(8190, "a")) HTTP/1.1", "200 200"),
        ("target over 8 KiB", "GET /?\(times(8191, "a")) HTTP/1.1", "414"),
        ("target of 1 MiB", "GET /\(times(1 << 20, "a")) HTTP/1.1", "414"),
    ].map { Row($0.0, starting($0.1), $0.2) }

    static let hosts: [Row] =
        [
            ("empty", ""), ("space", "a b"), ("userinfo", "u@a"), ("slash", "a/b"),
            ("two ports", "a:b:c"), ("open bracket", "[::1"),
            ("text behind the bracket", "[::1]x"), ("bad encoding", "%zz"), ("encoded NUL", "a%00"),
            ("NUL", "a\u{0}"), ("big port", "a:99999"),
            ("only a port", ":80"), ("empty brackets", "[]"), ("no hexadecimal", "[g::1]"),
            ("signed port", "a:+1"), ("backslash", "a\\b"),
            ("question mark", "a?b"), ("number sign", "a#b"), ("opaque byte", "\u{E9}"),
            ("tab", "a\tb"), ("scheme", "http://a"),
        ].map { Row("Host: \($0.0)", "GET / HTTP/1.1\r\nHost: \($0.1)\r\n\r\n", "400") } + [
            Row("Host is missing", "GET / HTTP/1.1\r\n\r\n", "400"),
            Row("Host is missing, absolute form", "GET http://b/ HTTP/1.1\r\n\r\n", "400"),
            Row("Host is missing in 1.2", "GET / HTTP/1.2\r\n\r\n", "400"),
            Row("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
            Row("the same host twice", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", "400"),
            Row("two hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
            Row("malformed in 1.0", "GET / HTTP/1.0\r\nHost: a b\r\n\r\n", "400"),
            Row("Host with space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400"),
            Row("with a port", "GET / HTTP/1.1\r\nHost: a:80\r\n\r\n", "200 200"),
            Row("IPv6", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "200 200"),
            Row("any case of the name", "GET / HTTP/1.1\r\nhOsT: a\r\n\r\n", "200 200"),
        ]

    static let sections: [Row] = [
        Row("the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"),
        Row("one empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "200 200"),
        Row("two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        Row("a bare LF first", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        Row("100 KiB of empty lines", times(51_200, "\r\n"), "400"),
        Row(
            "98 more fields",
            "GET / HTTP/1.1\r\nHost: a\r\n\(times(99, "a: b\r\n"))\r\n",
            "200 200"
        ),
        Row("101 fields", "GET / HTTP/1.1\r\nHost: a\r\n\(times(100, "a: b\r\n"))\r\n", "431"),
        Row(
            "32 KiB of fields",
            "GET / HTTP/1.1\r\nHost: a\r\na: \(times(32_700, "b"))\r\n\r\n",
            "200 200"
        ),
        Row(
            "over 32 KiB of fields",
            "GET / HTTP/1.1\r\nHost: a\r\na: \(times(32_768, "b"))\r\n\r\n",
            "431"
        ),
        Row("an endless field", "GET / HTTP/1.1\r\nHost: a\r\na: \(times(1 << 20, "b"))", "431"),
        Row("an endless name", "GET / HTTP/1.1\r\nHost: a\r\n\(times(1 << 20, "b"))", "431"),
        Row("an endless method", times(1 << 20, "A"), "414"),
        Row(
            "a TLS hello on the plain port",
            "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{FC}\u{3}\u{3}",
            "400"
        ),
        Row("an SSH greeting", "SSH-2.0-OpenSSH_9.2\r\n", "400"),
        Row("a proxy's own line", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n", "400"),
    ]

    @Test func `every start line row`() async throws { try await checkAll(Self.startLines) }
    @Test func `every host row`() async throws { try await checkAll(Self.hosts) }
    @Test func `every row about sizes and strangers`() async throws {
        try await checkAll(Self.sections)
    }

    @Test func `HTTP 1_0 without Host is answered, then closed`() async throws {
        try await serving(site) { address in
            let stream = try await Reactor.Stream.open(address)
            try await stream.send("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n")
            let text = try await stream.rest(within: .seconds(5)) ?? "open"
            #expect(statuses(text) == "200" && text.hasSuffix("home"))
            stream.close()
        }
    }

    @Test func `the authority of an absolute target overrides Host`() async throws {
        try await serving({ request in .text(request.host ?? "-") }) { address in
            let text = try await answer(
                address,
                to: "GET HTTP://Real:8/ HTTP/1.1\r\nHost: a\r\n\r\n"
            )
            #expect(text.hasSuffix("\r\n\r\nReal:8"))
        }
    }

    @Test(arguments: [
        "TRACE / HTTP/1.1", "CONNECT a:1 HTTP/1.1", "BREW / HTTP/1.1", "GET /none HTTP/1.1",
    ])
    func `credentials are never echoed`(line: String) async throws {
        try await serving(site) { address in
            let text = try await answer(
                address,
                to: "\(line)\r\nHost: a\r\nAuthorization: Bearer s3cret\r\n\r\n"
            )
            #expect(!statuses(text).isEmpty && !text.contains("s3cret"))
        }
    }

    @Test func `every spelling of a path is the same to the handler`() async throws {
        let spellings = [
            "/a/b", "/a/./b", "/a/x/../b", "//a//b", "/a/b/", "/%61/b", "/a/%2e/b", "/a/x/%2e%2E/b",
            "/A/../a/b",
        ]
        try await serving({ request in .text(request.path.description) }) { address in
            for spelling in spellings {
                let text = try await answer(address, to: starting("GET \(spelling) HTTP/1.1"))
                #expect(text.hasSuffix("\r\n\r\n/a/b"), "\(spelling)")
            }
        }
    }
}
