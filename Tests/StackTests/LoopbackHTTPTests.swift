import Testing

@testable import Stack

@Suite struct `Answers from admin ports` {
    private func parse(_ text: String, atEnd: Bool = false) -> LoopbackResponse? {
        LoopbackHTTP.parse(Array(text.utf8), atEnd: atEnd)
    }

    @Test func `a length says where the body ends`() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        #expect(parse(answer) == LoopbackResponse(status: 200, body: Array("ok".utf8)))
        #expect(parse(answer + "more")?.text == "ok")
    }

    @Test func `chunks are joined`() {
        let answer =
            "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"
        #expect(parse(answer) == LoopbackResponse(status: 503, body: Array("abc0123456789".utf8)))
        #expect(parse(answer)?.isSuccess == false)
    }

    @Test func `every prefix of an answer is incomplete`() {
        for whole in [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        ] {
            for length in 0..<whole.utf8.count {
                #expect(LoopbackHTTP.parse(Array(whole.utf8.prefix(length)), atEnd: false) == nil)
            }
            #expect(parse(whole) != nil)
        }
    }

    @Test func `without a length the body goes to the end`() {
        #expect(parse("HTTP/1.0 200 OK\r\n\r\nall") == nil)
        #expect(parse("HTTP/1.0 200 OK\r\n\r\nall", atEnd: true)?.text == "all")
        #expect(parse("HTTP/1.1 204 No Content\r\n\r\n")?.status == 204)
    }

    @Test(arguments: [
        "SSH-2.0\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func `garbage is no answer`(text: String) {
        #expect(parse(text, atEnd: true) == nil)
    }
}
