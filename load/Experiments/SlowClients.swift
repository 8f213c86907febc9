internal import HTTP
internal import Reactor

/// Clients that want much and take it slowly, and clients that send a little and do that slowly.
struct SlowClients: Sendable {
    static let readers = 24
    static let senders = 10
    /// How many pages each reader asks for, one behind the other without waiting.
    static let pages = 300
    /// Longer than a content may take to come, and than it takes until all are there.
    static let seconds = 26
    /// How many bytes a reader takes a second: more than the slowest that is tolerated.
    private static let pace = 2048
    /// How long a reader comes after the one before it.
    private static let gap = Duration.milliseconds(500)
    /// How many bytes all readers take at most, each from when it comes until the time is up.
    static let mostRead = (0..<readers).reduce(0) { sum, number in
        sum + pace * Int((.seconds(seconds) - gap * number) / .seconds(1))
    }

    /// What became of them.
    struct Told: Sendable {
        /// Bytes that the readers took; those that were refused took none.
        var read: Int
        /// Senders that were told 408.
        var late: Int
    }

    private let gateway: SocketAddress
    private let accounts: [Account]

    /// Registers customers of their own, so that others' limits stay theirs.
    init(_ shop: Shop) async throws {
        gateway = shop.endpoint.address
        var accounts: [Account] = []
        for number in 0..<4 { accounts.append(try await shop.newCustomer(100 + number)) }
        self.accounts = accounts
    }

    /// Reads and sends until the time is up.
    func crawl() async throws -> Told {
        let end = Deadline.after(.seconds(Self.seconds))
        return try await withThrowingTaskGroup(of: Told.self) { group in
            for number in 0..<Self.readers {
                let token = accounts[number % accounts.count].token
                group.addTask {
                    // What the sockets' buffers take at first is asked for at once, so not by all together.
                    try await EventLoop.sleep(for: Self.gap * number)
                    return Told(read: try await read(token, until: end), late: 0)
                }
            }
            for number in 0..<Self.senders {
                let token = accounts[number % accounts.count].token
                group.addTask { Told(read: 0, late: try await send(token, until: end)) }
            }
            return try await group.reduce(into: Told(read: 0, late: 0)) {
                $0.read += $1.read
                $0.late += $1.late
            }
        }
    }

    /// Asks for all pages at once and reads a little every second; how many bytes.
    private func read(_ token: String, until end: Deadline) async throws -> Int {
        let stream = try await Stream.connect(to: gateway, until: .after(.seconds(5)))
        let request = Dialect.message([
            "GET /products?limit=100 HTTP/1.1", "Host: localhost", "Authorization: Bearer \(token)",
        ])
        let all = Array(String(repeating: request, count: Self.pages).utf8)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { stream.close() }
            // The gateway reads on only as fast as it is rid of its answers.
            group.addTask { try? await stream.write(all, until: end) }
            var (buffer, read) = (ByteBuffer(), 0)
            while !end.hasPassed {
                let count = try? await stream.read(into: &buffer, atMost: Self.pace, until: end)
                guard let count, count > 0 else { break }
                guard read > 0 || Self.isPage(buffer) else { break }
                read += count
                buffer.consume(buffer.count)
                try await EventLoop.sleep(until: end.or(earlier: .after(.seconds(1))))
            }
            group.cancelAll()
            return read
        }
    }

    /// Whether an answer begins that is a page and no refusal.
    private static func isPage(_ buffer: ByteBuffer) -> Bool {
        buffer.withSpan { bytes in
            let start = Array("HTTP/1.1 200".utf8)
            return bytes.count >= start.count && start.indices.allSatisfy { bytes[$0] == start[$0] }
        }
    }

    /// Sends a content byte by byte; 1 when the gateway says that it takes too long.
    private func send(_ token: String, until end: Deadline) async throws -> Int {
        var wire = try await Wire(to: gateway)
        let stream = wire.stream
        let head = Dialect.message([
            "POST /orders HTTP/1.1", "Host: localhost", "Content-Type: application/json",
            "Authorization: Bearer \(token)", "Idempotency-Key: slow", "Content-Length: 1000",
        ])
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { stream.close() }
            try await wire.send(head, until: end)
            group.addTask {
                while (try? await stream.write([UInt8(ascii: " ")], until: end)) != nil {
                    try await EventLoop.sleep(for: .seconds(1))
                }
            }
            let answer = try? await wire.answer(to: .post, until: end)
            group.cancelAll()
            return answer?.status == 408 ? 1 : 0
        }
    }
}
