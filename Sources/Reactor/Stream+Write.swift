import CLinux
import Glibc

extension Stream {
    /// Sends all of `bytes`.
    ///
    /// - Throws: `.timedOut`, `.cancelled`, `.closed` when the peer is gone, `.tls`, `.system`; then it
    ///   is not known how much arrived, and the connection is of no further use.
    public func write(_ bytes: [UInt8], until deadline: Deadline) async throws(SocketError) {
        try await write(bytes, [], until: deadline)
    }

    /// Sends all of `head`, then all of `body`, in one system call where the socket takes them.
    ///
    /// - Throws: as `write(_:until:)`.
    public func write(
        _ head: [UInt8],
        _ body: [UInt8],
        until deadline: Deadline
    ) async throws(SocketError) {
        if isPosted || owes { try await settle(until: deadline) }
        if let tls {
            // One record for a small answer, so that it leaves in one segment.
            if head.count + body.count <= 16384 {
                return try await write(tls, body.isEmpty ? head : head + body, until: deadline)
            }
            try await write(tls, head, until: deadline)
            return try await write(tls, body, until: deadline)
        }
        let total = head.count + body.count
        var sent = 0
        while true {
            sent += try send(head, body, from: sent)
            if sent == total { return }
            try await watcher.writable(until: deadline)
        }
    }

    /// Sends as much of `bytes` as the socket takes without waiting.
    ///
    /// - Returns: how many bytes were taken; `write` the rest next, because TLS may have begun it.
    /// - Throws: as `write(_:until:)`, but for the deadline and cancellation.
    public func writeNow(_ bytes: [UInt8]) throws(SocketError) -> Int {
        guard settleNow() else { return 0 }
        guard let tls else { return try send(bytes, [], from: 0) }
        guard !isClosed else { throw .closed }
        // Safe: the array is lent for the length of the call.
        switch unsafe bytes.withUnsafeBytes({ unsafe tls.write($0) }) {
        case .done(let count): return count
        case .wantRead, .wantWrite: return 0
        case .closed: throw .closed
        case .failed(let reason): throw .tls(reason)
        }
    }

    /// Sends as much of both parts as the socket takes without waiting.
    ///
    /// - Returns: how many bytes were taken; `write` the rest next, or both parts when it is 0.
    /// - Throws: as `writeNow(_:)`.
    public func writeNow(_ head: [UInt8], _ body: [UInt8]) throws(SocketError) -> Int {
        guard settleNow() else { return 0 }
        guard tls != nil else { return try send(head, body, from: 0) }
        guard head.count + body.count <= 16384 else { return 0 }
        return try writeNow(body.isEmpty ? head : head + body)
    }

    /// Sends both parts from `offset` on until the socket takes no more; how many bytes it took.
    func send(
        _ head: [UInt8],
        _ body: [UInt8],
        from offset: Int
    ) throws(SocketError) -> Int {
        var sent = offset
        while sent < head.count + body.count {
            guard !isClosed else { throw .closed }
            let count = attemptWrite(head, body, from: sent)
            if count >= 0 {
                sent += count
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: return sent - offset
            case EPIPE, ECONNRESET: throw .closed
            default: throw .last("sendmsg")
            }
        }
        return sent - offset
    }

    /// One `send`.
    func sendOnce(_ bytes: UnsafeRawBufferPointer) -> Int {
        unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// One `send`, or one `sendmsg` of what lies behind the first `offset` bytes of both parts.
    private func attemptWrite(_ head: [UInt8], _ body: [UInt8], from offset: Int) -> Int {
        if body.isEmpty {
            // Safe: the array is lent for the length of the call; `rebasing` checks the offset.
            return unsafe head.withUnsafeBytes { head in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: head[offset...])
                return unsafe sendOnce(rest)
            }
        }
        // Safe: both arrays are lent for the length of the call, and the vectors stay inside them.
        return unsafe head.withUnsafeBytes { head in
            unsafe body.withUnsafeBytes { body in
                let skipHead = min(offset, head.count)
                let first = unsafe UnsafeRawBufferPointer(rebasing: head[skipHead...])
                let second = unsafe UnsafeRawBufferPointer(rebasing: body[(offset - skipHead)...])
                var vectors = unsafe (vector(first), vector(second))
                return unsafe withUnsafeMutablePointer(to: &vectors) { pair in
                    unsafe pair.withMemoryRebound(to: iovec.self, capacity: 2) { vectors in
                        var message = unsafe msghdr()
                        unsafe message.msg_iov = vectors
                        unsafe message.msg_iovlen = 2
                        return unsafe sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
                    }
                }
            }
        }
    }

    private func vector(_ bytes: UnsafeRawBufferPointer) -> iovec {
        unsafe iovec(
            iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress),
            iov_len: bytes.count
        )
    }

    private func write(
        _ session: TLSSession,
        _ bytes: [UInt8],
        until deadline: Deadline
    ) async throws(SocketError) {
        var sent = 0
        while sent < bytes.count {
            guard !isClosed else { throw .closed }
            // Safe: the array is lent for the length of the call.
            let step = unsafe bytes.withUnsafeBytes { all in
                unsafe session.write(UnsafeRawBufferPointer(rebasing: all[sent...]))
            }
            switch step {
            case .done(let count): sent += count
            case .wantRead: try await waitForRecord(until: deadline)
            case .wantWrite: try await watcher.writable(until: deadline)
            case .closed: throw .closed
            case .failed(let reason): throw .tls(reason)
            }
        }
    }
}
