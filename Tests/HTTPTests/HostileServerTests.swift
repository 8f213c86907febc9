import HTTP
import Reactor
import Testing

/// A server that answers each connection's request with fixed bytes and closes.
func hostile<Value: Sendable>(
    _ reply: String,
    _ body: @escaping @Sendable (Endpoint) async throws -> Value
) async throws -> Value {
    try await onLoop {
        let listener = try Listener.bind(.loopback(port: 0))
        let acceptor = try listener.acceptor()
        async let served: Void = {
            while let stream = try? await acceptor.accept() {
                _ = try? await stream.text { $0.contains("\r\n\r\n") }
                try? await stream.send(reply)
                stream.closeWrite()
                _ = try? await stream.rest(within: .seconds(1))
                stream.close()
            }
        }()
        let value: Result<Value, any Error>
        do { value = .success(try await body(Endpoint(listener.address))) } catch {
            value = .failure(error)
        }
        acceptor.close()
        await served
        return try value.get()
    }
}

private func many(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

/// What the client makes of servers that err or mean ill: one answer a line.
@Suite struct HostileServerTests {
    static let replies: [(String, String)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 hi"),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 hi"),
        ("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No\r\n\r\n", "204 "),
        (
            many("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\nLink: a\r\n\r\n", 4)
                + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 hi"
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: b\r\n\r\n",
            "200 hi"
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: \(many("b", 100_000))",
            "200 closed"
        ),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the end", "200 until the end"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "200 hi"),
        ("", "closed"),
        ("HTTP/1.1 200 OK\r\nContent-", "closed"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", "200 closed"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "200 closed"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "200 closed"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", "protocol"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi",
            "protocol"
        ),
        ("HTTP/1.1 99 Low\r\n\r\n", "protocol"),
        ("HTTP/1.1 2OO OK\r\n\r\n", "protocol"),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "protocol"),
        (many("HTTP/1.1 100 Continue\r\n\r\n", 50), "protocol"),
        ("HTTP/1.1 200 OK\r\nA: " + many("a", 1 << 20), "too large"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n", "200 too large"),
        ("SSH-2.0-OpenSSH\r\n", "protocol"),
    ]

    @Test func `a hostile server is found out`() async throws {
        for (reply, expected) in Self.replies {
            let outcome = try await hostile(reply) { endpoint in
                var account = ""
                do throws(ClientError) {
                    let response = try await HTTPClient().send(
                        ClientRequest(.get, "/"),
                        to: endpoint,
                        until: soon()
                    )
                    account = "\(response.status.code) "
                    return account + text(try await response.body(limit: 1 << 20))
                } catch {
                    switch error {
                    case .closedEarly(sent: true): return account + "closed"
                    case .protocolError: return account + "protocol"
                    case .tooLarge: return account + "too large"
                    default: return account + "\(error)"
                    }
                }
            }
            #expect(outcome == expected, "\(reply.prefix(100))")
        }
    }
}
