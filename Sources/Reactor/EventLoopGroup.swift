import Synchronization

/// The event loops of a process.
public final class EventLoopGroup: Sendable {
    /// All of them, in the order they were started.
    public let loops: [EventLoop]
    private let turn = Atomic<Int>(0)

    /// Starts `count` loops, each on a thread of its own; at least one.
    ///
    /// - Throws: `.system` when the kernel has no descriptor or thread left.
    public init(count: Int) throws(SocketError) {
        var loops: [EventLoop] = []
        for number in 0..<max(1, count) {
            loops.append(try EventLoop(name: "loop-\(number)"))
        }
        self.loops = loops
    }

    /// The loops in turn.
    public func next() -> EventLoop {
        let number = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return loops[(number & Int.max) % loops.count]
    }

    /// Stops all threads; tasks still suspended on them never resume.
    public func shutdown() {
        for loop in loops { loop.stop() }
    }

    /// Runs `body` on the first loop and blocks the calling thread, which must be no loop, until it ends.
    ///
    /// This is how a synchronous `main` enters the asynchronous world; nothing else may block so.
    ///
    /// - Throws: what `body` throws.
    public func runBlocking<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        precondition(EventLoop.current == nil, "an event loop must not block on itself")
        let done = Handoff<Result<Value, any Error>>()
        Task(executorPreference: loops[0]) {
            do {
                done.put(.success(try await body()))
            } catch {
                done.put(.failure(error))
            }
        }
        return try done.take().get()
    }
}
