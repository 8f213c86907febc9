import HTTP
import Testing

@Suite struct ResponseParserTests {
    static let cases: [(String, String)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "200 length(3) keep=true"),
        ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 none keep=true"),
        ("HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n", "200 chunked keep=true"),
        ("HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", "204 none keep=true"),
        ("HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n", "304 none keep=true"),
        ("HTTP/1.1 200 OK\r\n\r\n", "200 untilClose keep=false"),
        (
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n",
            "200 length(1) keep=false"
        ),
        ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", "200 length(1) keep=false"),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "refused"),
        ("HTTP/1.1 99 No\r\n\r\n", "refused"),
        ("HTTP/1.1 099 No\r\n\r\n", "refused"),
        ("HTTP/1.1 600 No\r\n\r\n", "refused"),
        ("HTTP/1.1 2OO OK\r\n\r\n", "refused"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "refused"),
        ("HTTP/1.1  200 OK\r\n\r\n", "refused"),
        ("HTTP/2.0 200 OK\r\n\r\n", "refused"),
        ("http/1.1 200 OK\r\n\r\n", "refused"),
        ("HTTP/1.1 200 OK\nA: b\r\n\r\n", "refused"),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", "refused"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "refused"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "refused"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "refused"),
        ("HTTP/1.1 200 OK\r\nA: " + String(repeating: "a", count: 1 << 20), "refused"),
        ("HTTP/1.1 200 " + String(repeating: "a", count: 2000), "refused"),
        ("HTTP/1.1 200 OK\r\nA: b", "more"),
    ]

    @Test(arguments: cases)
    func `a response head is believed only when it is plain`(input: String, expected: String) {
        let bytes = [UInt8](input.utf8)
        for step in [bytes.count, 7] {
            var parser = ResponseParser(to: .get)
            var outcome = "more"
            var end = 0
            do throws(ParseError) {
                while outcome == "more", end < bytes.count {
                    end = min(bytes.count, end + step)
                    if let head = try parser.parse(bytes.span.extracting(0..<end)) {
                        outcome = "\(head.status.code) \(head.framing) keep=\(head.keepsAlive)"
                    }
                }
            } catch { outcome = "refused" }
            #expect(outcome == expected)
        }
    }

    @Test func `the answer to HEAD has no content whatever it says`() throws {
        var parser = ResponseParser(to: .head)
        let bytes = [UInt8]("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".utf8)
        #expect(try parser.parse(bytes.span)?.framing == BodyFraming.none)
    }
}
