internal import Reactor

/// One client's connection: reads requests in order, has them answered, writes the answers in order.
///
/// Safe to send (`@unchecked Sendable`): it lives on its stream's loop; its task, the handler it
/// awaits and the server's `drain` all run there.
final class ServerConnection: @unchecked Sendable {
    let stream: Stream
    let server: ServerLoop
    var input = ByteBuffer()
    /// Answers that have not been sent: those of requests that came together leave together.
    var output: [UInt8] = []
    private var isIdle = false
    private var served = 0

    var limits: HTTPLimits { server.settings.limits }

    init(_ stream: Stream, _ server: ServerLoop) {
        self.stream = stream
        self.server = server
    }

    /// Serves until one side ends the connection, and closes it.
    ///
    /// The connection's task, and with it the handler, is cancelled when the client is seen to be
    /// gone. Only a reset or a failure of the connection is such a sign. The end of what a client
    /// sends is none: it may have closed its half and still wait for the answer (RFC 9112 §9.6).
    func serve() async {
        await unsafe withUnsafeCurrentTask { task in
            // Safe: closing the stream takes the signal off before this closure returns, and the
            // task that it cancels is the one that runs this closure.
            stream.onFailure { unsafe task?.cancel() }
            await serveRequests()
        }
    }

    private func serveRequests() async {
        do throws(SocketError) {
            if let tls = server.settings.tls { try await shakeHands(tls) }
            let peerIdentity = stream.peerIdentity
            while let head = try await nextHead() {
                served += 1
                guard try await exchange(head, peerIdentity) else { break }
            }
        } catch {
            // The peer is gone or too slow: there is nobody left to tell.
        }
        stream.close()
    }

    private func shakeHands(_ tls: TLSContext) async throws(SocketError) {
        do throws(SocketError) {
            try await stream.acceptTLS(tls, until: .after(limits.headerTime))
        } catch {
            server.settings.refused?(stream.remote, error)
            throw error
        }
    }

    /// Answers 503 to whoever is one too many, and closes.
    func turnAway() async {
        try? await refuse(.unavailable("too many connections", retryAfter: .seconds(1)))
        stream.close()
    }

    /// Closes the connection when no request is in progress on it.
    func closeIfIdle() {
        if isIdle { stream.close() }
    }

    /// Closes the connection whatever it is doing.
    func abort() { stream.close() }

    // MARK: Reading

    /// The next request's head; nil when there will be none, and whatever is to be said was said.
    private func nextHead() async throws(SocketError) -> RequestHead? {
        var parser = RequestParser(limits: limits)
        var deadline: Deadline?
        while true {
            do throws(ParseError) {
                let head = try input.withSpan { bytes throws(ParseError) in try parser.parse(bytes)
                }
                if let head {
                    input.consume(head.length)
                    return head
                }
            } catch {
                try await refuse(Problem(error.status, detail: error.detail))
                return nil
            }
            try await flush()
            if !input.isEmpty, deadline == nil { deadline = .after(limits.headerTime) }
            do throws(SocketError) {
                guard try await readMore(until: deadline) else { return nil }
            } catch {
                guard error == .timedOut, !input.isEmpty else { throw error }
                try await refuse(Problem(.requestTimeout, detail: "the request took too long"))
                return nil
            }
        }
    }

    /// Waits for more of a head, or for a new one when `deadline` is nil; false at the end.
    private func readMore(until deadline: Deadline?) async throws(SocketError) -> Bool {
        if let deadline { return try await stream.read(into: &input, until: deadline) > 0 }
        if server.isDraining { return false }
        // An idle connection holds no buffer: the one for answers waits with the loop.
        input.releaseIfEmpty()
        server.keepBuffer(from: &output)
        isIdle = true
        defer {
            isIdle = false
            server.lendBuffer(to: &output)
        }
        return try await stream.read(into: &input, until: .after(limits.idleTime)) > 0
    }

    /// Answers what cannot be served, and closes: where the next request begins is not known.
    private func refuse(_ problem: Problem) async throws(SocketError) {
        let response = problem.response()
        append(response, to: nil, closing: true)
        if case .bytes(let content) = response.body { output.append(contentsOf: content) }
        observe(nil, response, since: .now, bytes: 0)
        try await finish()
    }

    /// Sends what is left, says that nothing follows, and lets the peer read it: a socket closed
    /// with bytes unread would be reset, and the reset would eat the answer (RFC 9112 §9.6).
    func finish() async throws(SocketError) {
        try await flush()
        stream.closeWrite()
        let deadline = Deadline.after(limits.lingerTime)
        repeat {
            input.consume(input.count)
        } while try await stream.read(into: &input, until: deadline) > 0 && !deadline.hasPassed
    }

    // MARK: One exchange

    /// Has one request answered; true when the connection can serve another.
    private func exchange(
        _ head: RequestHead,
        _ peerIdentity: String?
    ) async throws(SocketError) -> Bool {
        let start = server.settings.observe == nil ? Deadline.never : Deadline.now
        let body = head.framing == .none ? nil : RequestBody(head, self)
        let response = await answer(head, body, peerIdentity)
        var mayContinue =
            head.keepsAlive && !server.isDraining && served < limits.requestsPerConnection
            && !response.headers.lists("close", in: .connection)
        if let body, !body.canSkip { mayContinue = false }
        if head.method == .connect { mayContinue = false }
        body?.finalStatusBegins()
        let (sent, isComplete) = try await send(response, to: head, closing: !mayContinue)
        observe(head, response, since: start, bytes: sent)
        guard isComplete else { return false }
        if mayContinue, let body { mayContinue = try await body.skip() }
        body?.detach()
        if !mayContinue { try await finish() }
        return mayContinue
    }

    private func answer(
        _ head: RequestHead,
        _ body: RequestBody?,
        _ peerIdentity: String?
    ) async -> Response {
        do throws(Problem) {
            if head.expectsUnknown { throw Problem(.expectationFailed) }
            // Neither is served here, and TRACE would echo credentials (RFC 9110 §9.3.6, §9.3.8).
            if head.method == .connect || head.method == .trace { throw Problem(.notImplemented) }
            if case .length(let count) = head.framing, count > limits.bodyBytes {
                throw BodyReader.tooLarge(limits.bodyBytes)
            }
            let reader = body.map { BodyReader($0, length: $0.announced) } ?? BodyReader.none
            let request = Request(
                head,
                body: reader,
                remote: stream.remote,
                peerIdentity: peerIdentity,
                isSecure: server.settings.tls != nil
            )
            return try await server.settings.handler(request)
        } catch {
            return error.response()
        }
    }

    private func observe(
        _ head: RequestHead?,
        _ response: Response,
        since start: Deadline,
        bytes: Int
    ) {
        guard let observe = server.settings.observe else { return }
        let now = Deadline.now.nanoseconds
        let nanoseconds = now > start.nanoseconds ? now - start.nanoseconds : 0
        observe(
            Exchange(
                request: head,
                status: response.status,
                route: response.route,
                duration: .nanoseconds(Int64(clamping: nanoseconds)),
                contentBytes: bytes,
                remote: stream.remote,
                peerIdentity: stream.peerIdentity
            )
        )
    }
}
