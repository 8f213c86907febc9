internal import Reactor

extension ServerConnection {
    /// A request in the middle of its exchange.
    struct Turn {
        let request: Request
        let body: RequestBody?
        let start: Deadline
        let reply: Reply
    }

    /// Has a request answered if that takes no waiting, and the connection can serve another one
    /// then; else what is left to be done.
    func exchange(_ head: consuming RequestHead, _ output: inout [UInt8]) -> Turn? {
        let start = Deadline.now
        served += 1
        let body =
            head.framing == .none ? nil : RequestBody(head.framing, head.expectsContinue, self)
        var request = request(head, body)
        switch reply(to: &request) {
        case .later(let handler):
            answersAtOnce = false
            return Turn(request: request, body: body, start: start, reply: .later(handler))
        case .now(let response):
            answersAtOnce = true
            guard body == nil, mayContinue(request.head, nil, response),
                let sent = appendWhole(response, to: request.head, closing: false, &output)
            else {
                return Turn(request: request, body: body, start: start, reply: .now(response))
            }
            observe(request.head, response, since: start, bytes: sent)
            return nil
        }
    }

    private func reply(to request: inout Request) -> Reply {
        do throws(Problem) {
            if let refusal = refusal(of: request.head) { throw refusal }
            return try server.settings.responder.reply(to: &request)
        } catch {
            return .now(error.response())
        }
    }

    private func mayContinue(
        _ head: RequestHead,
        _ body: RequestBody?,
        _ response: Response
    ) -> Bool {
        head.keepsAlive && !server.isDraining
            && served < server.settings.limits.requestsPerConnection
            && head.method != .connect && !response.headers.lists("close", in: .connection)
            && body?.canSkip != false
    }

    /// Has a request answered; true when the connection can serve another.
    @inline(__always)
    func complete(_ turn: Turn) async throws(SocketError) -> Bool {
        let (head, body) = (turn.request.head, turn.body)
        var response: Response
        switch turn.reply {
        case .now(let reply): response = reply
        case .later(let handler):
            do throws(Problem) {
                response = try await handler(turn.request)
                response.route = response.route ?? turn.request.route?.template
            } catch {
                response = error.from(turn.request).response()
            }
        }
        var mayContinue = mayContinue(head, body, response)
        body?.finalStatusBegins()
        if let sent = appendWhole(response, to: head, closing: !mayContinue, &output) {
            observe(head, response, since: turn.start, bytes: sent)
        } else {
            let (sent, isComplete) = try await send(response, to: head, closing: !mayContinue)
            observe(head, response, since: turn.start, bytes: sent)
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
        if case .length(let count) = head.framing, count > server.settings.limits.bodyBytes {
            return BodyReader.tooLarge(server.settings.limits.bodyBytes)
        }
        return nil
    }

    private func request(_ head: consuming RequestHead, _ body: RequestBody?) -> Request {
        Request(
            head,
            body: body.map { BodyReader($0, length: $0.announced) } ?? BodyReader.none,
            remote: stream.remote,
            peerIdentity: stream.peerIdentity,
            isSecure: server.settings.tls != nil
        )
    }

    func observe(
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
