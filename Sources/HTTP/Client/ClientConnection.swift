internal import Reactor

/// One connection of a client: carries one exchange at a time.
///
/// Safe to send (`@unchecked Sendable`): it lives on its stream's loop, where the calls that use it
/// and the pool run.
final class ClientConnection: @unchecked Sendable {
    let stream: Stream
    let endpoint: Endpoint
    private let pool: ClientPool
    var input = ByteBuffer()
    /// Whether no byte of the present exchange's response has come.
    private(set) var isUntouched = true
    /// Whether the rest of the request was not sent, because its answer had come.
    private var isCutShort = false
    private var isOpen = true

    init(_ stream: Stream, _ endpoint: Endpoint, _ pool: ClientPool) {
        self.stream = stream
        self.endpoint = endpoint
        self.pool = pool
    }

    /// Sends a request and waits for the head of its final response; closes itself when that fails.
    @inline(__always)
    func exchange(
        _ request: ClientRequest,
        until deadline: Deadline
    ) async throws(ClientError) -> ClientResponse {
        isUntouched = true
        if input.capacity == 0 { input = pool.takeBuffer() }
        do throws(ClientError) {
            try await write(request, until: deadline)
            let head = try await readHead(request.method, until: deadline)
            return ClientResponse(
                status: head.status,
                headers: head.headers,
                bodyStream: content(head, until: deadline),
                peerIdentity: stream.peerIdentity
            )
        } catch {
            close()
            throw error
        }
    }

    /// The content; what has arrived with the head as a whole is taken at once, and frees the connection.
    private func content(_ head: ResponseHead, until deadline: Deadline) -> BodyReader {
        if case .length(let count) = head.framing, count <= input.count {
            let bytes = input.take(count)
            release(reusable: head.keepsAlive)
            return BodyReader(bytes)
        }
        let content = ResponseContent(head, self, until: deadline)
        content.finishIfEnded()
        return BodyReader(content, length: content.announced)
    }

    /// Goes back to the pool after a complete exchange, unless anything speaks against it.
    func release(reusable: Bool) {
        // Bytes behind the response were not asked for: nothing about them can be trusted.
        guard reusable, input.isEmpty, isOpen, !isCutShort, !stream.owes else { return close() }
        pool.giveBack(input)
        input = ByteBuffer()
        if !pool.keep(self) { close() }
    }

    /// Whether nothing has come since the last exchange.
    var isSilent: Bool {
        if input.capacity == 0 { input = pool.takeBuffer() }
        return stream.isSilent(&input)
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        stream.close()
        pool.closed(endpoint)
    }

    // MARK: Sending

    @inline(__always)
    private func write(
        _ request: ClientRequest,
        until deadline: Deadline
    ) async throws(ClientError) {
        var head = pool.takeHead()
        request.appendHead(for: endpoint, to: &head)
        do throws(SocketError) {
            switch request.body {
            case .bytes(let content):
                let sent = try stream.post(head, content)
                if sent == head.count + content.count { return pool.giveBack(head: &head) }
                if sent == 0 {
                    try await stream.write(head, content, until: deadline)
                } else {
                    try await stream.write(Array((head + content)[sent...]), until: deadline)
                }
            case .stream: try await stream.write(head, until: deadline)
            }
        } catch {
            // A refused write leaves open how much got through, so it counts as sent.
            throw ClientError(error, sent: true)
        }
        if case .stream(let reader) = request.body { try await pass(reader, until: deadline) }
    }

    /// Sends on what `reader` gives.
    ///
    /// A server that stops reading may have answered already: then its answer counts, and the rest
    /// is not sent (RFC 9112 §9.5).
    private func pass(_ reader: BodyReader, until deadline: Deadline) async throws(ClientError) {
        while true {
            let piece: [UInt8]?
            do throws(Problem) { piece = try await reader.next() } catch { throw .content(error) }
            do throws(SocketError) {
                // Looked for before each write: over TLS nothing can be read after one that failed.
                if try isRefused() { return isCutShort = true }
                guard let piece else {
                    if reader.length == nil {
                        try await stream.write([UInt8]("0\r\n\r\n".utf8), until: deadline)
                    }
                    return
                }
                if reader.length != nil {
                    try await stream.write(piece, until: deadline)
                } else {
                    let size = [UInt8]("\(String(piece.count, radix: 16))\r\n".utf8)
                    try await stream.write(size, piece + [0x0D, 0x0A], until: deadline)
                }
            } catch {
                if error == .closed { return isCutShort = true }
                throw ClientError(error, sent: true)
            }
        }
    }

    /// Whether the beginning of an error's response has come.
    ///
    /// A server that does not want the content says so, and may not read on. Another response may come along
    /// with the content, as an echo does.
    private func isRefused() throws(SocketError) -> Bool {
        if input.isEmpty, let count = try stream.readNow(into: &input), count > 0 {
            isUntouched = false
        }
        // The status's first digit, behind the version.
        let place = "HTTP/1.1 ".utf8.count
        return input.withSpan { bytes in
            bytes.count > place && (bytes[place] == 0x34 || bytes[place] == 0x35)
        }
    }

    // MARK: Receiving

    @inline(__always)
    private func readHead(
        _ method: Method,
        until deadline: Deadline
    ) async throws(ClientError) -> ResponseHead {
        var informational = 0
        let first = deadline.or(earlier: .after(pool.limits.firstByteTime))
        while true {
            let head = try await readOneHead(method, until: deadline, first: first)
            guard head.status.code < 200 else { return head }
            informational += 1
            // A 101 was not asked for; any other 1xx says to wait on (RFC 9110 §15.2).
            guard head.status.code != 101, informational <= pool.limits.informational else {
                throw .protocolError("an informational response that was not asked for")
            }
        }
    }

    @inline(__always)
    private func readOneHead(
        _ method: Method,
        until deadline: Deadline,
        first: Deadline
    ) async throws(ClientError) -> ResponseHead {
        var parser = ResponseParser(to: method, headerBytes: pool.limits.headerBytes)
        while true {
            do throws(ParseError) {
                let head = try input.withSpan { bytes throws(ParseError) in try parser.parse(bytes)
                }
                if let head {
                    input.consume(head.length)
                    return head
                }
            } catch { throw ClientError(error) }
            let count: Int
            do throws(SocketError) {
                let end = isUntouched ? first : deadline
                count = try await stream.read(into: &input, until: end)
            } catch { throw ClientError(error, sent: true) }
            guard count > 0 else { throw .closedEarly(sent: true) }
            isUntouched = false
        }
    }
}
