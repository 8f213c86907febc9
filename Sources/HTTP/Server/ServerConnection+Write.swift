internal import Reactor

extension ServerConnection {
    /// Below this, content is copied behind its head; above, both leave in one vector.
    private static let copyLimit = 16_384
    /// Pipelined answers are sent when they have grown to this.
    private static let outputLimit = 65_536

    /// Sends everything that is waiting, or has it sent at the end of the loop's turn.
    func flush() async throws(SocketError) {
        guard try !flushNow() else { return }
        do throws(SocketError) {
            try await stream.write(output, until: writeDeadline(output.count))
        } catch { throw drop(error) }
        output.removeAll(keepingCapacity: true)
    }

    /// Waits until the socket has taken everything.
    func settle() async throws(SocketError) {
        try await flush()
        guard !stream.settleNow() else { return }
        do throws(SocketError) {
            try await stream.settle(until: writeDeadline(Self.copyLimit))
        } catch { throw drop(error) }
    }

    /// Resets the connection of a client that does not read: closed in good order, the kernel would keep for
    /// minutes what was written.
    private func drop(_ error: SocketError) -> SocketError {
        if error == .timedOut { stream.closeHard() }
        return error
    }

    /// Has everything that is waiting sent with what others send, if it can be taken at once, and keeps the rest
    /// if not; true when nothing is left.
    func flushNow() throws(SocketError) -> Bool { try flushNow(&output) }

    func flushNow(_ output: inout [UInt8]) throws(SocketError) -> Bool {
        guard !output.isEmpty else { return !stream.owes }
        let sent = try stream.post(output)
        let isDone = sent == output.count
        if isDone {
            output.removeAll(keepingCapacity: true)
        } else {
            output.removeFirst(sent)
        }
        return isDone
    }

    /// Sends what is waiting and `content` behind it, in one write.
    func flush(with content: [UInt8]) async throws(SocketError) {
        if content.count <= Self.copyLimit {
            output.append(contentsOf: content)
            if output.count > Self.outputLimit { try await flush() }
            return
        }
        do throws(SocketError) {
            let deadline = writeDeadline(output.count + content.count)
            try await stream.write(output, content, until: deadline)
        } catch { throw drop(error) }
        output.removeAll(keepingCapacity: true)
    }

    private func writeDeadline(_ bytes: Int) -> Deadline {
        .after(limits.writeTime + .seconds(bytes / max(1, limits.minimumRate)))
    }

    /// Writes a response; how many content bytes it had, and whether it was completed.
    func send(
        _ response: Response,
        to head: RequestHead,
        closing: Bool
    ) async throws(SocketError) -> (bytes: Int, isComplete: Bool) {
        let hasContent = head.method != .head && !response.status.forbidsContent
        switch response.body {
        case .none:
            append(response, to: head, closing: closing)
            return (0, true)
        case .bytes(let content):
            append(response, to: head, closing: closing)
            guard hasContent else { return (0, true) }
            try await flush(with: content)
            return (content.count, true)
        case .stream where response.drop != nil:
            // Earlier answers are owed all the same.
            try await flush()
            if response.drop == .reset { stream.closeHard() }
            return (0, false)
        case .stream(let length, let produce):
            let isDelimited = length != nil || head.version == .http11
            append(response, to: head, closing: closing || !isDelimited)
            guard hasContent else {
                if !isDelimited { try await finish() }
                return (0, isDelimited)
            }
            let writer = ResponseWriter(
                self,
                length: length,
                isChunked: length == nil && isDelimited
            )
            do {
                try await produce(writer)
                try writer.finish()
            } catch {
                writer.detach()
                // Where only the end tells that a content is complete, a failure must not look like one.
                if !isDelimited { stream.closeHard() }
                return (writer.sent, false)
            }
            if !isDelimited { try await finish() }
            return (writer.sent, isDelimited)
        }
    }

    /// Appends a response's head to the output; `head` is nil when the request could not be read.
    func append(_ response: Response, to head: RequestHead?, closing: Bool) {
        let terms = terms(for: head, closing: closing)
        ResponseHeadWriter.append(response, terms, with: [], to: &output)
    }

    private func terms(for head: RequestHead?, closing: Bool) -> ResponseHeadWriter.Terms {
        ResponseHeadWriter.Terms(
            isHead: head?.method == .head,
            version: head?.version,
            closing: closing,
            date: server.date.line()
        )
    }

    /// Appends a response that is all there and small; how many content bytes it has, or nil when it
    /// is not of that kind and has to be sent with `send`.
    func appendWhole(
        _ response: Response,
        to head: RequestHead,
        closing: Bool,
        _ output: inout [UInt8]
    ) -> Int? {
        guard output.count <= Self.outputLimit else { return nil }
        var content: [UInt8] = []
        switch response.body {
        case .none: break
        case .bytes(let bytes) where bytes.count <= Self.copyLimit:
            if head.method != .head, !response.status.forbidsContent { content = bytes }
        case .bytes, .stream: return nil
        }
        let terms = terms(for: head, closing: closing)
        ResponseHeadWriter.append(response, terms, with: content, to: &output)
        return content.count
    }
}
