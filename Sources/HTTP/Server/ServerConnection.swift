internal import Reactor

/// One client's connection: reads requests in order, has them answered, writes the answers in order.
///
/// What can be answered at once is, without a task (`serveAtOnce`); what has to wait for something is
/// served by one (`serve`), which stays for a moment after. Without a task a connection costs little
/// more than its descriptor. What begins and ends the tasks is `ServerLoop`.
///
/// Safe to send (`@unchecked Sendable`): it lives on its stream's loop; its task, the handler it
/// awaits and the server's `drain` all run there.
final class ServerConnection: Sleeper, @unchecked Sendable {
    /// How a burst of requests ended.
    enum Burst {
        /// Nothing more has come for a while: the connection may be parked.
        case resting
        /// Something has to be waited for, which needs a task.
        case unfinished
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
    var served = 0
    /// An exchange that has begun without a task and needs one.
    private var unfinished: Turn?
    /// Whether the last request was answered without waiting: then the next one needs no task either.
    var answersAtOnce = true
    /// Since when nothing is owed to the client; told by whoever last read the clock.
    var lastActivity = Deadline.now

    /// How many bytes of one client are taken before others have their turn: a single read's.
    private static let share = 16_384
    /// How many requests of one client are answered by its task before others have their turn.
    private static let mostInTurn = 64
    /// How much of a content is read before others have their turn.
    static let contentShare = 65_536

    var limits: HTTPLimits { server.settings.limits }

    init(_ stream: Stream, _ server: ServerLoop) {
        self.stream = stream
        self.server = server
    }

    var isClosed: Bool { stream.isClosed }

    /// Something has happened while it was parked.
    func wake(_ reason: Watcher.Wake) { server.woken(self, reason) }

    /// Answers what has arrived as far as nothing has to be waited for, without a task.
    ///
    /// The buffers are the loop's, and go to the connection when a task has to go on.
    func serveAtOnce() -> Burst {
        guard hasBegun || server.settings.tls == nil else { return .unfinished }
        hasBegun = true
        let burst = serveAtOnce(server.scratch)
        switch burst {
        case .unfinished: (input, output) = server.takeBuffers()
        case .closed:
            stream.close()
            server.scratch.input.consume(server.scratch.input.count)
            server.scratch.output.removeAll(keepingCapacity: true)
        case .resting: break
        }
        server.trim()
        return burst
    }

    private func serveAtOnce(_ buffers: ServerLoop.Buffers) -> Burst {
        var taken = 0
        do throws(SocketError) {
            repeat {
                guard let count = try stream.readNow(into: &buffers.input) else { break }
                if count == 0 { return hasSaidAll(buffers) ? .closed : .unfinished }
                guard answerAtOnce(buffers), try flushNow(&buffers.output) else {
                    return .unfinished
                }
                taken += count
            } while taken < Self.share && stream.watcher.mayRead
        } catch {
            return .closed
        }
        let isDone =
            buffers.input.isEmpty && !stream.owes && !stream.readWaitsForWriting
            && taken < Self.share
        return isDone ? .resting : .unfinished
    }

    /// Whether a client that has ended has its answers.
    private func hasSaidAll(_ buffers: ServerLoop.Buffers) -> Bool {
        buffers.input.isEmpty && stream.settleNow()
    }

    /// Answers the requests at hand; false when one of them has to wait for something.
    private func answerAtOnce(_ buffers: ServerLoop.Buffers) -> Bool {
        while !buffers.input.isEmpty {
            var parser = RequestParser(limits: server.settings.limits)
            // What is incomplete or malformed stays in the input, where the task finds it.
            guard let head = try? Self.parse(&buffers.input, &parser) else { return true }
            if let turn = exchange(head, &buffers.output) {
                unfinished = turn
                return false
            }
        }
        return true
    }

    /// Serves until the client pauses or one side ends the connection, which closes it.
    func serve() async -> Burst {
        lendBuffers()
        do throws(SocketError) {
            if !hasBegun, let tls = server.settings.tls { try await shakeHands(tls) }
            hasBegun = true
            if let turn = unfinished {
                unfinished = nil
                guard try await complete(turn) else { return end() }
            }
            var answered = 0
            while true {
                switch try await next() {
                case .request(let head):
                    answered += 1
                    if answered.isMultiple(of: Self.mostInTurn) { await Task.yield() }
                    guard let turn = exchange(head, &output) else { continue }
                    guard try await complete(turn) else { return end() }
                case .rest: return rest()
                case .none: return end()
                }
            }
        } catch {
            // The peer is gone or too slow: there is nobody left to tell.
            return end()
        }
    }

    /// A parked connection holds no buffers: they go to whoever has work next.
    private func rest() -> Burst {
        giveBuffers()
        return .resting
    }

    private func end() -> Burst {
        stream.close()
        giveBuffers()
        return .closed
    }

    private func lendBuffers() {
        guard input.capacity == 0, output.capacity == 0 else { return }
        (input, output) = server.takeBuffers()
    }

    private func giveBuffers() {
        server.giveBack(input: input, output: output)
        (input, output) = (ByteBuffer(), [])
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
                if let head = try Self.parse(&input, &parser) { return .request(head) }
            } catch {
                try await refuse(Problem(error.status, detail: error.detail))
                return .none
            }
            if try !flushNow() { try await flush() }
            if let count = try stream.readNow(into: &input) {
                if count == 0 {
                    try await settle()
                    return .none
                }
                continue
            }
            if input.isEmpty, !stream.readWaitsForWriting {
                if server.isDraining { return .none }
                if answersAtOnce { return .rest }
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

    private static func parse(
        _ input: inout ByteBuffer,
        _ parser: inout RequestParser
    ) throws(ParseError) -> RequestHead? {
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
        try await settle()
        stream.closeWrite()
        let deadline = Deadline.after(limits.lingerTime)
        var skipped = 0
        repeat {
            skipped += input.count
            input.consume(input.count)
            if skipped >= Self.contentShare {
                skipped = 0
                await Task.yield()
            }
        } while try await stream.read(into: &input, until: deadline) > 0 && !deadline.hasPassed
    }
}
