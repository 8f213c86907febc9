internal import Reactor

extension ServerConnection {
    /// A request in the middle of its exchange.
    struct Turn {
        let head: RequestHead
        let request: Request
        let body: RequestBody?
        let start: Deadline
        let reply: Reply
    }

    func begin(_ head: RequestHead) -> Turn {
        let start = Deadline.now
        served += 1
        let body = head.framing == .none ? nil : RequestBody(head, self)
        var request = request(head, body)
        let reply: Reply
        do throws(Problem) {
            if let refusal = refusal(of: head) { throw refusal }
            reply = try server.settings.responder.reply(to: &request)
        } catch {
            reply = .now(error.response())
        }
        if case .now = reply { answersAtOnce = true } else { answersAtOnce = false }
        return Turn(head: head, request: request, body: body, start: start, reply: reply)
    }

    /// Ends the exchange if that takes no waiting; true when the connection can serve another request.
    @inline(__always)
    func settle(_ turn: Turn, _ output: inout [UInt8]) -> Bool {
        guard turn.body == nil, case .now(let response) = turn.reply,
            mayContinue(turn, response),
            let sent = appendWhole(response, to: turn.head, closing: false, &output)
        else { return false }
        observe(turn.head, response, since: turn.start, bytes: sent)
        return true
    }

    private func mayContinue(_ turn: Turn, _ response: Response) -> Bool {
        turn.head.keepsAlive && !server.isDraining && served < limits.requestsPerConnection
            && turn.head.method != .connect && !response.headers.lists("close", in: .connection)
            && turn.body?.canSkip != false
    }

    /// Has a request answered; true when the connection can serve another.
    @inline(__always)
    func complete(_ turn: Turn) async throws(SocketError) -> Bool {
        let (head, body) = (turn.head, turn.body)
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
        var mayContinue = mayContinue(turn, response)
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
