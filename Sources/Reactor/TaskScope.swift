import Synchronization

/// A bounded home for tasks that outlive the request that started them.
///
/// They are children of `run`, so they are cancelled with it and it does not return before they have
/// ended: no task is ever without an owner.
public final class TaskScope: Sendable {
    private struct Item: Sendable {
        let loop: EventLoop
        let body: @Sendable () async -> Void
    }

    private let limit: Int
    private let count = Atomic<Int>(0)
    private let items: AsyncStream<Item>
    private let feed: AsyncStream<Item>.Continuation

    /// Makes a scope for at most `limit` tasks at a time.
    public init(limit: Int) {
        self.limit = limit
        (items, feed) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(limit))
    }

    /// How many tasks are running or about to.
    public var running: Int { count.load(ordering: .relaxed) }

    /// Starts `body` on the loop that the caller runs on.
    ///
    /// - Returns: false when the scope is full or has ended; then nothing was started.
    public func spawn(_ body: @escaping @Sendable () async -> Void) -> Bool {
        guard count.add(1, ordering: .relaxed).newValue <= limit else {
            count.subtract(1, ordering: .relaxed)
            return false
        }
        guard case .enqueued = feed.yield(Item(loop: .required, body: body)) else {
            count.subtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    /// Runs what is spawned until the task is cancelled; then waits for the children, which are
    /// cancelled as well.
    public func run() async {
        await withDiscardingTaskGroup { group in
            for await item in items {
                group.addTask(executorPreference: item.loop) {
                    await item.body()
                    self.count.subtract(1, ordering: .relaxed)
                }
            }
        }
    }
}
