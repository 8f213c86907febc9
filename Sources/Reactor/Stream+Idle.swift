extension Stream {
    /// Waits until something arrives, for a connection on which nothing is owed; unlike `read`, not
    /// ended by cancellation: whoever stops the connection closes it.
    ///
    /// - Throws: `.timedOut` at the deadline, `.closed` after `close`.
    public func awaitArrival(until deadline: Deadline) async throws(SocketError) {
        try await watcher.readableOrClosed(until: deadline)
    }

    /// Waits as `awaitArrival`, without a task: `wake` is called once, on the loop.
    ///
    /// A task with the frames of its functions takes some KiB; a parked connection takes none.
    public func park(until deadline: Deadline, _ wake: @escaping (Watcher.Wake) -> Void) {
        watcher.park(until: deadline, wake)
    }
}
