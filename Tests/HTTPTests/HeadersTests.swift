import Testing

@testable import HTTP

@Suite struct HeadersTests {
    @Test func `names have no case, order is kept, and setting replaces`() {
        var headers: Headers = ["A": "1", "b": "2", "a": "3"]
        #expect(headers["A"] == "1")
        #expect(headers.all("a") == ["1", "3"])
        headers["a"] = "4"
        headers.add("c", "5")
        headers.remove("b")
        #expect(headers.map { "\($0.name)=\($0.value)" } == ["a=4", "c=5"])
        #expect(headers["b"] == nil && headers.count == 2)
    }

    @Test func `what is listed in Connection does not cross a proxy`() {
        var headers: Headers = [
            "connection": "close, X-Secret", "x-secret": "1", "keep-alive": "5", "te": "trailers",
            "proxy-authorization": "b", "upgrade": "h2c", "transfer-encoding": "chunked", "x": "y",
        ]
        #expect(headers.crossing(without: HeaderNames([]), reserving: 0, bytes: 0).count == 1)
        headers.removeHopByHop()
        #expect(headers.map(\.name.text) == ["x"])
        let names = ["a b", "", "X-y"].map { HeaderName($0)?.text }
        #expect(names == [nil, nil, "x-y"])
    }

    @Test func `what crosses a proxy is a copy of that and nothing else`() throws {
        let text =
            "GET / HTTP/1.1\r\nHost: h\r\nA:1\r\nConnection: b\r\nB: 2\r\n"
            + "Content-Length: 0\r\nX-Own: 3\r\nC:  4 \r\nDate: now\r\nx_own: 5\r\n\r\n"
        var parser = RequestParser()
        let head = try #require(try parser.parse([UInt8](text.utf8).span))
        let inside = HeaderNames([.host], prefixes: ["x-own"], takesUnderscores: true)
        var copy = head.headers.crossing(without: inside, reserving: 1, bytes: 16)
        copy.add("d", "6")
        #expect(
            copy.map { "\($0.name)=\($0.value)" }
                == ["a=1", "content-length=0", "c=4", "date=now", "d=6"]
        )
        var bytes: [UInt8] = []
        copy.serialise(into: &bytes, keepLength: false)
        #expect(String(decoding: bytes, as: UTF8.self) == "a: 1\r\nc: 4\r\nd: 6\r\n")
        var other = head.headers
        other.removeHopByHop()
        other.remove(inside)
        other.add("d", "6")
        #expect(other.map { "\($0.name)=\($0.value)" } == copy.map { "\($0.name)=\($0.value)" })
    }

    @Test func `a value can be put together where it lies`() {
        var headers: Headers = ["a": "1"]
        headers.add("b") { value in
            value.append("\"user\";q=")
            value.append(1000)
            value.append("\r\nset-cookie: x")
            value.append(-7)
            value.append("")
        }
        headers.add("c") { _ in }
        headers.add("content-length") { $0.append(5) }
        #expect(headers["b"] == "\"user\";q=1000  set-cookie: x-7")
        #expect(headers["c"] == "" && headers.count == 4)
        var bytes: [UInt8] = []
        headers.serialise(into: &bytes, keepLength: false)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == "a: 1\r\nb: \"user\";q=1000  set-cookie: x-7\r\nc: \r\n"
        )
    }

    @Test func `values are counted and lent where they lie`() {
        var headers: Headers = ["authorization": "Bearer a", "accept": "x"]
        #expect(headers.count(of: .authorization) == 1)
        #expect(headers.count(of: .cookie) == 0)
        #expect(
            headers.withValue(of: .authorization) { $0.copy(0..<$0.count) }
                == Array("Bearer a".utf8)
        )
        #expect(headers.withValue(of: .cookie) { $0.count } == nil)
        headers.add(.authorization, "Bearer bc")
        #expect(headers.count(of: .authorization) == 2)
        #expect(headers.withValue(of: .authorization) { $0.count } == 8)
        headers.remove(.authorization)
        #expect(headers.withValue(of: .authorization) { $0.count } == nil)
    }

    @Test func `a value put together where it lies cannot split a response`() {
        var headers = Headers()
        headers.add("x-id") { value in
            value.append(addingCapacity: 4) { bytes in
                for byte: UInt8 in [0x61, 0x0D, 0x0A, 0x62] { bytes.append(byte) }
            }
        }
        #expect(headers["x-id"] == "a  b")
    }
}
