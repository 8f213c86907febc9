internal import Reactor

extension ServerConnection {
    /// Below this, content is copied behind its head; above, both leave in one vector.
    private static let copyLimit = 16_384
    /// Pipelined answers are sent when they have grown to this.
    private static let outputLimit = 65_536

    /// Sends everything that is waiting.
    func flush() async throws(SocketError) {
        guard !output.isEmpty else { return }
        try await stream.write(output, until: writeDeadline(output.count))
        output.removeAll(keepingCapacity: true)
    }

    /// Sends what is waiting and `content` behind it, in one write.
    func flush(with content: [UInt8]) async throws(SocketError) {
        if content.count <= Self.copyLimit {
            output.append(contentsOf: content)
            if output.count > Self.outputLimit { try await flush() }
            return
        }
        try await stream.write(output, content, until: writeDeadline(output.count + content.count))
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
        case .stream(let length, let produce):
            let isDelimited = length != nil || head.version == .http11
            append(response, to: head, closing: closing || !isDelimited)
            guard hasContent else { return (0, isDelimited) }
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
                return (writer.sent, false)
            }
            if !isDelimited { try await finish() }
            return (writer.sent, isDelimited)
        }
    }

    /// Appends a response's head to the output; `head` is nil when the request could not be read.
    func append(_ response: Response, to head: RequestHead?, closing: Bool) {
        let status = response.status
        output.append(contentsOf: "HTTP/1.1 ".utf8)
        appendDecimal(status.code)
        output.append(0x20)
        output.append(contentsOf: status.reason.utf8)
        output.append(contentsOf: "\r\n".utf8)
        output.append(contentsOf: server.date.line())
        if closing {
            output.append(contentsOf: "connection: close\r\n".utf8)
        } else if head?.version == .http10 {
            output.append(contentsOf: "connection: keep-alive\r\n".utf8)
        }
        appendFraming(response, to: head)
        output.append(contentsOf: "\r\n".utf8)
    }

    /// A proxied answer to HEAD, or a 304, may tell the length that GET would have; everything else
    /// is framed by what is really sent (RFC 9110 §8.6).
    private func appendFraming(_ response: Response, to head: RequestHead?) {
        let status = response.status
        var keepLength = false
        switch response.body {
        case _ where status.forbidsContent && status != .notModified: break
        case .none:
            keepLength =
                (head?.method == .head || status == .notModified)
                && response.headers.contains(.contentLength)
            if !keepLength, status != .notModified { appendLength(0) }
        case .bytes(let content): appendLength(content.count)
        case .stream(let length?, _): appendLength(length)
        case .stream(nil, _):
            if head?.version == .http11 {
                output.append(contentsOf: "transfer-encoding: chunked\r\n".utf8)
            }
        }
        response.headers.serialise(into: &output, keepLength: keepLength)
    }

    private func appendLength(_ count: Int) {
        output.append(contentsOf: "content-length: ".utf8)
        appendDecimal(count)
        output.append(contentsOf: "\r\n".utf8)
    }

    private func appendDecimal(_ value: Int) {
        var divisor = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            output.append(0x30 + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }
}
