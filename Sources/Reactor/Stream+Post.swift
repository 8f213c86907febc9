import CLinux
import Glibc

extension Stream {
    /// Has both parts sent together with what others send, at the end of the loop's turn at the latest.
    ///
    /// For what is small and waits for nothing but its own answer. What the socket does not take then is owed:
    /// the loop sends it as soon as there is room, and nothing else is sent before. A failure is told by the
    /// next `read` or `write`, as one is that comes after a `write`.
    ///
    /// - Returns: how many bytes were taken: all, unless they are many, TLS is spoken, or earlier ones are
    ///   still owed; then `write` the rest next, or both parts when it is 0.
    /// - Throws: as `writeNow(_:_:)`.
    public func post(_ head: [UInt8], _ body: [UInt8] = []) throws(SocketError) -> Int {
        guard !isClosed else { throw .closed }
        let total = head.count + body.count
        guard tls == nil, total <= Postbag.longest, !owes else { return try writeNow(head, body) }
        isPosted = true
        loop.post(head, body, for: self)
        return total
    }

    /// Whether something that was posted has not been taken by the socket.
    var owes: Bool { !owed.isEmpty }

    /// How many bytes those are.
    public var owedBytes: Int { owed.count }

    /// Sends what was posted as far as the socket takes it without waiting; true when nothing is owed then.
    public func settleNow() -> Bool {
        if isPosted { loop.sendPosted() }
        return !owes
    }

    /// Waits until the socket has taken what was posted.
    ///
    /// - Throws: as `write(_:until:)`.
    public func settle(until deadline: Deadline) async throws(SocketError) {
        while !settleNow() {
            try sendOwed()
            if owes { try await watcher.writable(until: deadline) }
        }
    }

    /// Sends a letter; the loop calls it.
    func deliver(_ letter: UnsafeRawBufferPointer) {
        isPosted = false
        guard !isClosed else { return }
        var rest = unsafe letter
        // Behind a letter of the same turn that the socket did not take.
        while unsafe !owes && !rest.isEmpty {
            let count = unsafe sendOnce(rest)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno != EAGAIN { return giveUp() }
            guard count > 0 else { break }
            unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        guard unsafe !rest.isEmpty else { return }
        unsafe owed.append(contentsOf: rest)
        watcher.onRoom = { [self] in
            do throws(SocketError) { try sendOwed() } catch { giveUp() }
        }
    }

    /// Ends a connection on which something is missing: whoever reads or writes next finds it closed.
    private func giveUp() {
        owed = []
        hasFailed = true
        watcher.onRoom = nil
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Sends what is owed as far as the socket takes it.
    private func sendOwed() throws(SocketError) {
        guard !isClosed else { throw .closed }
        let sent = try send(owed, [], from: 0)
        owed.removeFirst(sent)
        guard owed.isEmpty else { return }
        owed = []
        watcher.onRoom = nil
    }
}
