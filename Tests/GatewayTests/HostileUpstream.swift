import Reactor
import Synchronization

/// A service that answers every request with bytes of the test's choice, good or bad.
final class HostileUpstream: Sendable {
    /// What it does once the bytes are sent.
    enum After: Sendable { case closes, waits, resets }

    let address: SocketAddress
    private let loop: EventLoop
    private let task: Task<Void, Never>
    private let counts: Counts

    private final class Counts: Sendable {
        let connections = Mutex(0)
        let requests = Mutex<[String]>([])
        let ended = Mutex(0)
    }

    /// How many connections it was given.
    var connections: Int { counts.connections.withLock { $0 } }
    /// How many of them the other side, or the script, has ended.
    var ended: Int { counts.ended.withLock { $0 } }
    /// What it was sent, connection by connection.
    var requests: [String] { counts.requests.withLock { $0 } }

    init(_ answer: String, _ after: After) throws {
        let loop = try EventLoop(name: "hostile")
        let listener = try Listener.bind(.loopback(port: 0))
        let counts = Counts()
        let bytes = answer.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        self.loop = loop
        self.counts = counts
        address = listener.address
        task = Task(executorPreference: loop) {
            guard let acceptor = try? listener.acceptor() else { return }
            await withDiscardingTaskGroup { group in
                while let stream = try? await acceptor.accept() {
                    counts.connections.withLock { $0 += 1 }
                    group.addTask(executorPreference: loop) {
                        await Self.play(bytes, after, on: stream, counts)
                        counts.ended.withLock { $0 += 1 }
                    }
                }
                group.cancelAll()
            }
        }
    }

    private static func play(
        _ answer: [UInt8],
        _ after: After,
        on stream: Reactor.Stream,
        _ counts: Counts
    ) async {
        var input = ByteBuffer()
        defer { stream.close() }
        while true {
            let end = Deadline.after(.seconds(10))
            guard let count = try? await stream.read(into: &input, until: end), count > 0 else {
                return
            }
            let text = String(decoding: input.take(input.count), as: UTF8.self)
            counts.requests.withLock { $0.append(text) }
            try? await stream.write(answer, until: end)
            switch after {
            case .closes:
                stream.closeWrite()
                return
            case .resets: return stream.closeHard()
            case .waits: break
            }
        }
    }

    func stop() async {
        task.cancel()
        await task.value
        loop.stop()
    }
}
