internal import Reactor

/// One client's connection: reads requests in order, has them answered, writes the answers in order.
///
/// It has a task while it has something to do and for a moment after; without one it costs little
/// more than its descriptor. What begins and ends the tasks is `ServerLoop`.
///
/// Safe to send (`@unchecked Sendable`): it lives on its stream's loop; its task, the handler it
/// awaits and the server's `drain` all run there.
final class ServerConnection: @unchecked Sendable {
    /// How a burst of requests ended.
    enum Burst {
        /// Nothing more has come for a while: the connection may be parked.
        case resting
        /// The connection is closed.
        case closed
    }

    private enum Next {
        case request(RequestHead)
        case rest
        case none
    }

    let stream: Stream
    let server: ServerLoop
    var input = ByteBuffer()
    /// Answers that have not been sent: those of requests that came together leave together.
    var output: [UInt8] = []
    /// The task that serves the connection now; the server's loop awaits it at the end.
    var task: Task<Void, Never>?
    private var isIdle = false
    private var hasBegun = false
    private var served = 0
    /// Since when nothing is owed to the client; told by whoever last read the clock.
    private var lastActivity = Deadline.now

    var limits: HTTPLimits { server.settings.limits }

    init(_ stream: Stream, _ server: ServerLoop) {
        self.stream = stream
        self.server = server
    }

    /// Serves until the client pauses or one side ends the connection, which closes it.
    func serve() async -> Burst {
        server.lendBuffers(input: &input, output: &output)
        do throws(SocketError) {
            if !hasBegun, let tls = server.settings.tls { try await shakeHands(tls) }
            hasBegun = true
            serving: while true {
                switch try await next() {
                case .request(let head):
                    served += 1
                    guard try await exchange(head) else { break serving }
                case .rest:
                    // A parked connection holds no buffers: they go to whoever has work next.
                    server.keepBuffers(input: &input, output: &output)
                    return .resting
                case .none: break serving
                }
            }
        } catch {
            // The peer is gone or too slow: there is nobody left to tell.
        }
        stream.close()
        input.consume(input.count)
        server.keepBuffers(input: &input, output: &output)
        return .closed
    }

    /// When a connection that stays silent is closed.
    var idleDeadline: Deadline {
        lastActivity.advanced(byNanoseconds: server.settings.idleNanoseconds)
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
        if isIdle || task == nil { stream.close() }
    }

    /// Closes the connection whatever it is doing.
    func abort() { stream.close() }

    // MARK: Reading

    /// The next request; `.none` when there will be none, and whatever is to be said was said.
    @inline(__always)
    private func next() async throws(SocketError) -> Next {
        var parser = RequestParser(limits: server.settings.limits)
        var deadline: Deadline?
        while true {
            do throws(ParseError) {
                if let head = try parse(&parser) { return .request(head) }
            } catch {
                try await refuse(Problem(error.status, detail: error.detail))
                return .none
            }
            if !output.isEmpty, try !flushNow() { try await flush() }
            if let count = try stream.readNow(into: &input) {
                if count == 0 { return .none }
                continue
            }
            if input.isEmpty {
                if server.isDraining { return .none }
                guard try await arrival() else { return .rest }
                continue
            }
            let end = deadline ?? .after(limits.headerTime)
            deadline = end
            do throws(SocketError) {
                guard try await stream.read(into: &input, until: end) > 0 else { return .none }
            } catch {
                guard error == .timedOut else { throw error }
                try await refuse(Problem(.requestTimeout, detail: "the request took too long"))
                return .none
            }
        }
    }

    private func parse(_ parser: inout RequestParser) throws(ParseError) -> RequestHead? {
        guard !input.isEmpty else { return nil }
        let head = try input.withSpan { bytes throws(ParseError) in try parser.parse(bytes) }
        if let head { input.consume(head.length) }
        return head
    }

    /// Waits a moment for a new request; false when none came, or too many others wait so.
    @inline(__always)
    private func arrival() async throws(SocketError) -> Bool {
        guard server.beginRest() else { return false }
        isIdle = true
        defer {
            isIdle = false
            server.endRest()
        }
        let end = lastActivity.advanced(byNanoseconds: ServerLoop.restNanoseconds)
        switch await stream.watcher.arrival(until: min(end, idleDeadline)) {
        case .ready: return true
        case .timedOut: return false
        case .closed, .cancelled: throw .closed
        }
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
    @inline(__always)
    private func exchange(_ head: RequestHead) async throws(SocketError) -> Bool {
        let start = Deadline.now
        let body = head.framing == .none ? nil : RequestBody(head, self)
        var response: Response
        do throws(Problem) {
            if let refusal = refusal(of: head) { throw refusal }
            response = try await server.settings.handler(request(head, body))
        } catch {
            response = error.response()
        }
        var mayContinue =
            head.keepsAlive && !server.isDraining && served < limits.requestsPerConnection
            && !response.headers.lists("close", in: .connection)
        if let body, !body.canSkip { mayContinue = false }
        if head.method == .connect { mayContinue = false }
        body?.finalStatusBegins()
        if let sent = appendWhole(response, to: head, closing: !mayContinue) {
            observe(head, response, since: start, bytes: sent)
        } else {
            let (sent, isComplete) = try await send(response, to: head, closing: !mayContinue)
            observe(head, response, since: start, bytes: sent)
            guard isComplete else { return false }
        }
        if mayContinue, let body { mayContinue = try await body.skip() }
        body?.detach()
        if !mayContinue { try await finish() }
        return mayContinue
    }

    /// Why the server itself refuses a request; nil when the handler shall have it.
    private func refusal(of head: RequestHead) -> Problem? {
        if head.expectsUnknown { return Problem(.expectationFailed) }
        // Neither is served here, and TRACE would echo credentials (RFC 9110 §9.3.6, §9.3.8).
        if head.method == .connect || head.method == .trace { return Problem(.notImplemented) }
        if case .length(let count) = head.framing, count > limits.bodyBytes {
            return BodyReader.tooLarge(limits.bodyBytes)
        }
        return nil
    }

    private func request(_ head: RequestHead, _ body: RequestBody?) -> Request {
        Request(
            head,
            body: body.map { BodyReader($0, length: $0.announced) } ?? BodyReader.none,
            remote: stream.remote,
            peerIdentity: stream.peerIdentity,
            isSecure: server.settings.tls != nil
        )
    }

    private func observe(
        _ head: RequestHead?,
        _ response: Response,
        since start: Deadline,
        bytes: Int
    ) {
        let now = Deadline.now
        lastActivity = now
        guard let observe = server.settings.observe else { return }
        observe(
            Exchange(
                request: head,
                status: response.status,
                route: response.route,
                nanoseconds: now > start ? now.nanoseconds - start.nanoseconds : 0,
                contentBytes: bytes,
                remote: stream.remote,
                peerIdentity: stream.peerIdentity
            )
        )
    }
}
