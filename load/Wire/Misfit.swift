/// A message that is wrong, and the status that tells its sender so.
struct Misfit: Sendable {
    let name: String
    let text: String
    let status: Int

    init(_ name: String, _ status: Int, _ text: String) {
        self.name = name
        self.text = text
        self.status = status
    }

    /// Messages that two readers could take differently, that are too long, or that ask for what is not
    /// spoken here; in order of status.
    static func all(host: String, token: String) -> [Misfit] {
        (heads(host) + contents(host, token)).sorted { $0.status < $1.status }
    }

    private static func heads(_ host: String) -> [Misfit] {
        let get = ["GET /products HTTP/1.1", "Host: \(host)"]
        let long = String(repeating: "a", count: 40_000)
        func asking(_ lines: String...) -> String { Dialect.message(get + lines) }
        return [
            Misfit("no Host", 400, Dialect.message(["GET /products HTTP/1.1"])),
            Misfit("two Hosts", 400, asking("Host: other")),
            Misfit("a space in front of a colon", 400, asking("Accept : text/html")),
            Misfit("a field folded over two lines", 400, asking("Accept: a\r\n b")),
            Misfit(
                "TLS on the port for plain HTTP",
                400,
                "\u{16}\u{3}\u{1}\u{0}\u{5}hello\r\n\r\n"
            ),
            Misfit(
                "a target of 40 KB",
                414,
                Dialect.message(["GET /\(long) HTTP/1.1", "Host: \(host)"])
            ),
            Misfit("a field of 40 KB", 431, asking("X-Long: \(long)")),
            Misfit(
                "an unknown method",
                501,
                Dialect.message(["BREW /products HTTP/1.1", "Host: \(host)"])
            ),
            Misfit("HTTP/2 without asking", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ]
    }

    private static func contents(_ host: String, _ token: String) -> [Misfit] {
        func sending(
            _ content: String,
            _ lines: String...,
            type: String = "application/json"
        ) -> String {
            Dialect.message(
                [
                    "POST /orders HTTP/1.1", "Host: \(host)", "Authorization: Bearer \(token)",
                    "Idempotency-Key: misfit", "Content-Type: \(type)",
                ] + lines,
                content
            )
        }
        let (two, chunked) = ("Content-Length: 2", "Transfer-Encoding: chunked")
        return [
            Misfit("two lengths", 400, sending("{}", two, "Content-Length: 3")),
            Misfit("a length and chunks at once", 400, sending("0\r\n\r\n", two, chunked)),
            Misfit(
                "a chunk whose size is no number",
                400,
                sending("x\r\n{}\r\n0\r\n\r\n", chunked)
            ),
            Misfit("content that is no JSON", 400, sending("{]", two)),
            Misfit(
                "a content of 100 MB, announced",
                413,
                sending("", "Content-Length: 100000000")
            ),
            Misfit("XML", 415, sending("<a/>", "Content-Length: 4", type: "text/xml")),
            Misfit("content that is compressed", 415, sending("{}", two, "Content-Encoding: gzip")),
            Misfit("another expectation", 417, sending("", "Expect: x", two)),
            Misfit("an unknown transfer coding", 501, sending("", "Transfer-Encoding: br")),
        ]
    }
}
