import HTTP
import Reactor
import Synchronization
import Testing

@testable import Load

/// A shop as small as clients' dialects need it: pages, and checkouts that are placed once per key.
private struct TinyShop: Sendable {
    /// Whether each answer differs from the one before.
    var isFickle = false
    private let page = #"{"items":["\#(String(repeating: "lamp ", count: 600))"]}"#

    /// Serves on a port of its own while `body` runs on a loop.
    func open<Value: Sendable>(
        _ body: @escaping @Sendable (SocketAddress) async throws -> Value
    ) async throws -> Value {
        let loops = try EventLoopGroup(count: 1)
        defer { loops.shutdown() }
        let listener = try Listener.bind(.loopback(port: 0))
        let server = HTTPServer(
            listener: listener,
            responder: Compression().wrap(router().responder)
        )
        let running = Task { try await server.run(on: loops) }
        let outcome = await Task(executorPreference: loops.loops[0]) {
            try await body(listener.address)
        }.result
        running.cancel()
        try await running.value
        return try outcome.get()
    }

    private func router() -> Router {
        let orders = Orders()
        var router = Router()
        router.on(.get, "/products") { _ throws(Problem) in
            let text = isFickle ? page + "\(orders.next())" : page
            return .bytes(Array(text.utf8), type: "application/json")
        }
        router.on(.post, "/orders") { request throws(Problem) in
            let key = request.headers["idempotency-key"] ?? ""
            let content = try await request.json(JSONValue.self)
            let isNew = orders.place(key) || isFickle
            var headers: Headers = [:]
            if !isNew { headers["idempotency-replayed"] = "true" }
            return .json(["key": .string(key), "of": content], status: .created, headers: headers)
        }
        return router
    }

    private final class Orders: Sendable {
        private let keys = Mutex<Set<String>>([])
        private let count = Mutex(0)

        func place(_ key: String) -> Bool { keys.withLock { $0.insert(key).inserted } }
        func next() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }
}

@Suite struct `Clients of every kind` {
    @Test func `every way of asking gets the same page`() async throws {
        let findings = try await TinyShop().open { address in
            await Crowd(address, token: "t", "p").reading(nil)
        }
        #expect(findings.count == 14)
        for finding in findings { #expect(finding.isAsExpected, "\(finding)") }
        #expect(findings.contains { $0.what == "HEAD" && $0.came == "200, 0 bytes" })
        let zipped = try #require(findings.first { $0.what.hasPrefix("gzip") })
        #expect(zipped.came != findings[0].came)
    }

    @Test func `an answer that differs is told`() async throws {
        let findings = try await TinyShop(isFickle: true).open { address in
            await Crowd(address, token: "t", "p").reading(nil)
        }
        #expect(findings.filter { $0.what != "IPv6" }.allSatisfy { !$0.isAsExpected })
    }

    @Test func `every way of sending a checkout places one order`() async throws {
        let findings = try await TinyShop().open { address in
            await Crowd(address, token: "t", "p").buying(nil)
        }
        #expect(findings.count == 6)
        for finding in findings { #expect(finding.isAsExpected, "\(finding)") }
        #expect(
            findings.map(\.came) == ["201, a new order"]
                + [String](repeating: "201, the stored answer", count: 5)
        )
    }

    @Test func `a second order under the same key is told`() async throws {
        let findings = try await TinyShop(isFickle: true).open { address in
            await Crowd(address, token: "t", "p").buying(nil)
        }
        #expect(findings.dropFirst().allSatisfy { !$0.isAsExpected })
    }

    @Test func `every mistake is told by its status`() async throws {
        let findings = try await TinyShop().open { address in
            await Crowd(address, token: "t", "p").erring()
        }
        #expect(findings.count == 19)
        for finding in findings { #expect(finding.isAsExpected, "\(finding)") }
    }

    @Test func `who is not there has not answered`() async throws {
        let findings = try await TinyShop().open { _ in
            await Crowd(.loopback(port: 1), token: "t", "p").buying(nil)
        }
        #expect(findings.allSatisfy { !$0.isAsExpected })
    }

    @Test func `chunks hold the content and nothing else`() {
        #expect(Dialect.chunks(of: "abcdefgh", 3) == "3\r\nabc\r\n3\r\ndef\r\n2\r\ngh\r\n0\r\n")
        #expect(Dialect.chunks(of: "ab", .max, ";x") == "2;x\r\nab\r\n0\r\n")
        #expect(Dialect.chunks(of: "", 3) == "0\r\n")
        #expect(Dialect.escaped("/products?a=b") == "/%70roducts?a=b")
        #expect(Dialect.escaped("/") == "/" && Dialect.escaped("/?a") == "/?a")
    }
}

@Suite struct `A relay` {
    @Test func `passes everything on and counts it`() async throws {
        try await TinyShop().open { address in
            try await Relay.before(address) { relay in
                let request = Dialect.message(["GET /products HTTP/1.1", "Host: a"])
                var received = 0
                let count = try await relay.counting {
                    var wire = try await Wire(to: relay.address)
                    for _ in 0..<3 {
                        try await wire.send(request, until: .after(.seconds(5)))
                        let answer = try await wire.answer(to: .get, until: .after(.seconds(5)))
                        #expect(answer.status == 200)
                        received += answer.content.count
                    }
                    wire.stream.close()
                }
                #expect(count.connections == 1 && count.sent == 3 * request.utf8.count)
                // The contents, and three heads of some hundred bytes.
                #expect((received + 200..<received + 900).contains(count.received))
                #expect(try await relay.counting {} == Relay.Count())
            }
        }
    }

    @Test func `ends what it cannot pass on`() async throws {
        try await TinyShop().open { _ in
            try await Relay.before(.loopback(port: 1)) { relay in
                var wire = try await Wire(to: relay.address)
                await #expect(throws: (any Error).self) { () async throws in
                    _ = try await wire.answer(to: .get, until: .after(.seconds(5)))
                }
                wire.stream.close()
            }
        }
    }
}

@Suite struct `What is compressed` {
    @Test func `is unpacked whole or not at all`() async throws {
        let text = String(repeating: "a line that compresses well\n", count: 200)
        let handler = Compression().wrap { (_: Request) throws(Problem) in .text(text) }
        let response = try await handler(Request(.get, "/", headers: ["accept-encoding": "gzip"]))
        guard case .bytes(let packed) = response.body else {
            Issue.record("not compressed")
            return
        }
        #expect(packed.count < 1000)
        #expect(Gunzip.decode(packed) == Array(text.utf8))
        #expect(Gunzip.decode(packed.dropLast(9)) == nil)
        #expect(Gunzip.decode(packed, limit: text.utf8.count - 1) == nil)
        #expect(Gunzip.decode(Array(text.utf8)) == nil && Gunzip.decode([]) == nil)
    }
}
