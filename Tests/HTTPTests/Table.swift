import HTTP
import Reactor
import Testing

/// One line of a table: some bytes (Latin-1), and the statuses of everything answered to them.
///
/// Behind the bytes of every row comes one more good request: where it is answered, the statuses end
/// with its 200, and where they do not, nothing behind the refusal was processed.
struct Row: Sendable, CustomTestStringConvertible {
    let name: String
    let input: [UInt8]
    let expected: String

    init(_ name: String, _ input: String, _ expected: String) {
        self.name = name
        self.input = input.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        self.expected = expected
    }

    var testDescription: String { name }

    /// Refusals close: the client does not end its side and must see the end nevertheless.
    var closes: Bool { !expected.hasSuffix("200") }
}

/// Asks a live server what it makes of a row, in one write and cut in two at `cut`.
func check(_ row: Row, _ address: SocketAddress, cut: Int? = nil) async throws {
    let stream = try await Reactor.Stream.open(address)
    defer { stream.close() }
    let bytes = row.input + [UInt8](follower.utf8)
    let cut = min(cut ?? bytes.count, bytes.count)
    // The server may have refused and closed before the last byte was on its way.
    try? await stream.write(Array(bytes[..<cut]), until: .after(.seconds(5)))
    if cut < bytes.count {
        await Task.yield()
        try? await stream.write(Array(bytes[cut...]), until: .after(.seconds(5)))
    }
    if !row.closes { stream.closeWrite() }
    let text = try await stream.rest(within: .seconds(8))
    #expect(text.map(statuses) == row.expected, "\(row.name), cut at \(cut): \(text ?? "open")")
    #expect(text?.contains("smuggled") == (row.expected.hasSuffix("200")), "\(row.name)")
}

private let follower = "GET /follower HTTP/1.1\r\nHost: smuggled\r\n\r\n"

/// Sends every row to two live servers, of which one answers at once where it can and one always in
/// a task: whole, and cut in two at some place.
func checkAll(_ rows: [Row]) async throws {
    var limits = HTTPLimits()
    limits.lingerTime = .milliseconds(200)
    let responder = Responder { request throws(Problem) in
        if request.path.description == "/follower" { return .now(.text("smuggled")) }
        return try site.reply(to: &request)
    }
    for server in [responder, Responder(responder.handler)] {
        try await serving(limits: limits, server) { address in
            for row in rows {
                try await check(row, address)
                try await check(row, address, cut: row.input.count / 2)
                try await check(row, address, cut: max(1, row.input.count - 1))
            }
        }
    }
}

/// A POST with some field lines behind a good `Host`.
func posting(_ lines: String, _ content: String = "", to path: String = "/echo") -> String {
    "POST \(path) HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n\(content)"
}

/// A POST of chunks.
func chunks(_ content: String) -> String { posting("Transfer-Encoding: chunked", content) }

/// A request with this start line and a good `Host`.
func starting(_ line: String) -> String { "\(line)\r\nHost: a\r\n\r\n" }

func times(_ count: Int, _ text: String) -> String { String(repeating: text, count: count) }
