import CLinux
import Glibc

extension Stream {
    /// Has both parts sent together with what others send, at the end of the loop's turn at the latest.
    ///
    /// For what is small and waits for nothing but its own answer. What the socket does not take then is sent
    /// by ``settle(until:)``, which every `read` and `write` begins with; whoever waits to read is woken
    /// for it. A failure is told by the next `read` or `write`, as one that came after a `write` would be.
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

    /// Whether something that was posted could not be sent yet: then ``settle(until:)`` comes first.
    public var owes: Bool { !owed.isEmpty }

    /// Sends what was posted as far as the socket takes it without waiting; true when nothing is owed then.
    public func settleNow() -> Bool {
        if isPosted { loop.sendPosted() }
        return !owes
    }

    /// Sends what was posted, as far as the socket has not taken it.
    ///
    /// - Throws: as `write(_:until:)`.
    public func settle(until deadline: Deadline) async throws(SocketError) {
        if isPosted { loop.sendPosted() }
        while !owed.isEmpty {
            guard !isClosed else { throw .closed }
            let sent = try send(owed, [], from: 0)
            owed.removeFirst(sent)
            if !owed.isEmpty { try await watcher.writable(until: deadline) }
        }
        owed = []
    }

    /// Sends a letter; called by the loop.
    func deliver(_ letter: UnsafeRawBufferPointer) {
        isPosted = false
        guard !isClosed else { return }
        var rest = unsafe letter
        // Behind a letter of the same turn that the socket did not take.
        while unsafe !owes && !rest.isEmpty {
            let count = unsafe Glibc.send(
                descriptor,
                rest.baseAddress,
                rest.count,
                Int32(MSG_NOSIGNAL)
            )
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        guard unsafe !rest.isEmpty else { return }
        // What went wrong, if it was more than want of room, the next attempt meets again.
        unsafe owed.append(contentsOf: rest)
        watcher.nudgeReader()
    }
}
