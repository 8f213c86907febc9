internal import HTTP
internal import Reactor

/// One of the ways in which HTTP lets a client ask for the same thing.
struct Dialect: Sendable {
    /// What such a client does with its connection.
    enum Step: Sendable, Equatable {
        /// Sends a text in one piece.
        case send(String)
        /// Sends a text a few bytes at a time.
        case trickle(String, Int)
        /// Waits for `100 Continue`.
        case awaitContinue
        /// Ends its side of the connection, and still expects an answer.
        case endSending
    }

    let name: String
    var method = Method.get
    let steps: [Step]
    /// How many answers come.
    var answers = 1
    /// How many bytes of an answer are read at a time; nil for as they come.
    var reads: Int?

    init(_ name: String, _ steps: Step..., answers: Int = 1, reads: Int? = nil) {
        self.name = name
        self.steps = steps
        self.answers = answers
        self.reads = reads
    }

    /// A head of these lines, and the content behind it.
    static func message(_ lines: [String], _ content: String = "") -> String {
        lines.joined(separator: "\r\n") + "\r\n\r\n" + content
    }

    /// The ways to ask for `target`.
    static func reading(_ target: String, host: String) -> [Dialect] {
        let get = "GET \(target) HTTP/1.1"
        let plain = message([get, "Host: \(host)"])
        var head = Dialect("HEAD", .send(message(["HEAD \(target) HTTP/1.1", "Host: \(host)"])))
        head.method = .head
        return [
            Dialect("HTTP/1.1, all at once", .send(plain)),
            Dialect("HTTP/1.0, without Host", .send(message(["GET \(target) HTTP/1.0"]))),
            Dialect(
                "field names in lower case",
                .send(message([get, "host: \(host)", "accept: application/json"]))
            ),
            Dialect(
                "field names in capitals, white space around values",
                .send(message([get, "HOST: \t \(host)  ", "ACCEPT:application/json\t"]))
            ),
            Dialect(
                "an absolute target, as proxies ask",
                .send(message(["GET http://\(host)\(target) HTTP/1.1", "Host: \(host)"]))
            ),
            Dialect(
                "a path that is escaped without need",
                .send(message(["GET \(escaped(target)) HTTP/1.1", "Host: \(host)"]))
            ),
            Dialect("an empty line in front", .send("\r\n" + plain)),
            Dialect("one byte at a time", .trickle(plain, 1)),
            Dialect("three requests in one packet", .send(plain + plain + plain), answers: 3),
            Dialect("its own side closed behind the request", .send(plain), .endSending),
            Dialect(
                "gzip, unpacked here",
                .send(message([get, "Host: \(host)", "Accept-Encoding: gzip"]))
            ),
            Dialect("reads 500 bytes at a time", .send(plain), reads: 500), head,
        ]
    }

    /// The ways to send a checkout.
    static func buying(
        _ content: String,
        token: String,
        key: String,
        host: String
    ) -> [Dialect] {
        let lines = [
            "POST /orders HTTP/1.1", "Host: \(host)", "Authorization: Bearer \(token)",
            "Idempotency-Key: \(key)", "Content-Type: application/json", "Prefer: wait=10",
        ]
        let length = "Content-Length: \(content.utf8.count)"
        let chunked = "Transfer-Encoding: chunked"
        let whole = message(lines + [length], content)
        let trailer = "X-Checksum: 1\r\n\r\n"
        let old = ["POST /orders HTTP/1.0"] + lines.dropFirst(2) + [length]
        let all = [
            Dialect("HTTP/1.1 with a length", .send(whole)),
            Dialect(
                "chunks of 7 bytes, each in its own packet",
                .send(message(lines + [chunked])),
                .trickle(chunks(of: content, 7) + "\r\n", 11)
            ),
            Dialect(
                "one chunk with an extension, and a trailer",
                .send(message(lines + [chunked], chunks(of: content, .max, ";a=b") + trailer))
            ),
            Dialect(
                "waits for 100 Continue",
                .send(message(lines + [length, "Expect: 100-continue"])),
                .awaitContinue,
                .send(content)
            ),
            Dialect("HTTP/1.0", .send(message(old, content))),
            Dialect("one byte at a time", .trickle(whole, 1)),
        ]
        return all.map { dialect in
            var dialect = dialect
            dialect.method = .post
            return dialect
        }
    }

    /// The target with the first letter of its path escaped (RFC 3986 section 6.2.2.2).
    static func escaped(_ target: String) -> String {
        guard let letter = target.utf8.dropFirst().first, letter != UInt8(ascii: "?") else {
            return target
        }
        return "/%" + String(letter, radix: 16, uppercase: true) + target.dropFirst(2)
    }

    /// The content in chunks (RFC 9112 section 7.1), up to the last one; the trailer section follows.
    static func chunks(of content: String, _ size: Int, _ ending: String = "") -> String {
        var text = ""
        var rest = Array(content.utf8)[...]
        while !rest.isEmpty {
            let piece = rest.prefix(size)
            rest = rest.dropFirst(size)
            text += String(piece.count, radix: 16) + ending + "\r\n"
            text += String(decoding: piece, as: UTF8.self) + "\r\n"
        }
        return text + "0\r\n"
    }

    /// Goes through the steps on a new connection and reads all answers.
    func speak(to address: SocketAddress, _ tls: TLSContext? = nil) async throws -> [Wire.Answer] {
        let end = Deadline.after(.seconds(20))
        var wire = try await Wire(to: address, tls: tls)
        defer { wire.stream.close() }
        for step in steps {
            switch step {
            case .send(let text): try await wire.send(text, until: end)
            case .trickle(let text, let size):
                var rest = Array(text.utf8)[...]
                while !rest.isEmpty {
                    try await wire.stream.write(Array(rest.prefix(size)), until: end)
                    rest = rest.dropFirst(size)
                    try await EventLoop.sleep(for: .milliseconds(1))
                }
            case .awaitContinue: _ = try await wire.interim(until: end)
            case .endSending: wire.stream.closeWrite()
            }
        }
        var all: [Wire.Answer] = []
        for _ in 0..<answers {
            all.append(try await wire.answer(to: method, piece: reads, until: end))
        }
        return all
    }
}
