internal import Reactor

/// A server's share of one event loop: its acceptor, its connections and its clock.
///
/// A connection is parked where it can be: its descriptor is watched, and requests that can be
/// answered at once are answered as they arrive. It has a task while a request has to wait for
/// something and for `restNanoseconds` after, and at most `restLimit` tasks rest: a request of that
/// kind that follows soon finds its task waiting, and ten thousand idle connections hold no task. The
/// tasks belong to `run`, which returns after the last has ended.
///
/// Safe to send (`@unchecked Sendable`): `loop` and `settings` are constants; everything else is
/// touched on the loop's thread alone, where `run`, `drain` and all connections run.
final class ServerLoop: @unchecked Sendable {
    /// How long a connection without requests keeps its task.
    static let restNanoseconds: UInt64 = 1_000_000_000
    /// How many connections without requests may keep their tasks.
    private static let restLimit = 256

    let loop: EventLoop
    let settings: ServerSettings
    private(set) var isDraining = false
    let date = HTTPDate()
    /// What answers at once is read into and written from.
    let scratch = Buffers()
    private var resting = 0
    private var connections: [ObjectIdentifier: ServerConnection] = [:]
    private var acceptor: Acceptor?
    private var turnedAway: [ObjectIdentifier: ServerConnection] = [:]
    private static let mostTurnedAway = 64

    init(_ loop: EventLoop, _ settings: ServerSettings) {
        self.loop = loop
        self.settings = settings
    }

    /// Accepts and serves until `drain`, then sees the connections out.
    func run(_ listener: Listener) async throws(SocketError) {
        let acceptor = try listener.acceptor()
        self.acceptor = acceptor
        while !isDraining {
            do throws(SocketError) {
                let stream = try await acceptor.accept()
                let connection = ServerConnection(stream, self)
                if settings.gate.enter(stream.remote) {
                    begin(connection)
                } else {
                    turnAway(connection)
                }
            } catch {
                if error == .closed { break }
                // Weather, such as a firewall's refusal: the listener itself is well.
                try? await EventLoop.sleep(for: .milliseconds(10))
            }
        }
        acceptor.close()
        // Who waits to be let in is told so. Whichever loop is the first to get here ends it for all.
        while let stream = acceptor.acceptNow() { turnAway(ServerConnection(stream, self)) }
        listener.stop()
        await seeOut()
    }

    // MARK: Tasks

    /// A handshake has a deadline from the start; a plain connection waits for its first request.
    private func begin(_ connection: ServerConnection) {
        connections[ObjectIdentifier(connection)] = connection
        // Only a reset or a failure of the connection shows that a client has gone. The end of what
        // it sends is no such sign: it may have closed its half and still wait for the answer (RFC
        // 9112 §9.6). Closing it drops the closure, and with it this reference to the connection.
        connection.stream.onFailure { connection.task?.cancel() }
        if isDraining {
            connection.abort()
            forget(connection)
        } else if settings.tls == nil {
            park(connection)
        } else {
            start(connection)
        }
    }

    /// Says 503 to a connection too many, where that costs little: in plain text, to a few at a time.
    private func turnAway(_ connection: ServerConnection) {
        guard settings.tls == nil, turnedAway.count < Self.mostTurnedAway else {
            return connection.abort()
        }
        turnedAway[ObjectIdentifier(connection)] = connection
        connection.task = Task(executorPreference: loop) { [self] in
            await connection.turnAway()
            connection.task = nil
            turnedAway[ObjectIdentifier(connection)] = nil
        }
    }

    /// Serves a burst of requests in a task of its own, which `seeOut` awaits.
    private func start(_ connection: ServerConnection) {
        connection.task = Task(executorPreference: loop) { [self] in
            let burst = await connection.serve()
            connection.task = nil
            if isDraining { connection.closeIfIdle() }
            settle(connection, burst)
        }
    }

    /// Goes on with a connection that nobody serves any more.
    private func settle(_ connection: ServerConnection, _ burst: ServerConnection.Burst) {
        switch burst {
        case .resting where connection.isClosed: forget(connection)
        case .resting: park(connection)
        case .unfinished: start(connection)
        case .closed: forget(connection)
        }
    }

    private func park(_ connection: ServerConnection) {
        connection.stream.watcher.park(until: connection.idleDeadline, connection)
    }

    /// A parked connection has something to read, was silent for too long, or was closed.
    func woken(_ connection: ServerConnection, _ reason: Watcher.Wake) {
        guard reason == .ready else {
            connection.abort()
            return forget(connection)
        }
        settle(connection, connection.serveAtOnce())
    }

    private func forget(_ connection: ServerConnection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        settings.gate.leave(connection.stream.remote)
    }

    /// Whether one more connection without requests may keep its task; `endRest` follows if so.
    func beginRest() -> Bool {
        guard resting < Self.restLimit else { return false }
        resting += 1
        return true
    }

    func endRest() { resting -= 1 }

    // MARK: Buffers

    /// What a connection reads into and writes from while it has work.
    final class Buffers {
        /// What was read and not consumed.
        ///
        /// Safe: only the loop's thread touches it, and each access ends before the next begins,
        /// because `serveAtOnce` waits for nothing and so is never entered again while it runs.
        @safe @exclusivity(unchecked) var input = ByteBuffer()
        /// What is to be sent.
        ///
        /// Safe: as `input`.
        @safe @exclusivity(unchecked) var output: [UInt8] = []
    }

    /// Hands the buffers to a connection that goes on with a task.
    func takeBuffers() -> (input: ByteBuffer, output: [UInt8]) {
        let buffers = (scratch.input, scratch.output)
        (scratch.input, scratch.output) = (ByteBuffer(), [])
        return buffers
    }

    /// Takes the buffers of a connection that will not need them for now.
    func giveBack(input: consuming ByteBuffer, output: consuming [UInt8]) {
        input.consume(input.count)
        output.removeAll(keepingCapacity: true)
        if scratch.input.capacity < input.capacity { scratch.input = input }
        if scratch.output.capacity < output.capacity { scratch.output = output }
        trim()
    }

    /// Keeps nothing that one large exchange needed.
    func trim() {
        if scratch.input.capacity > 1 << 17 { scratch.input = ByteBuffer() }
        if scratch.output.capacity > 1 << 17 { scratch.output = [] }
    }

    // MARK: Stopping

    /// Begins to stop: no new connections, no idle ones, no further request on the others.
    func drain() {
        guard !isDraining else { return }
        isDraining = true
        acceptor?.close()
        for connection in connections.values { connection.closeIfIdle() }
    }

    /// Waits for the requests in flight; those that take too long lose their connection and are
    /// cancelled, and even then none is left behind.
    private func seeOut() async {
        let end = Deadline.after(settings.limits.drainTime)
        while !connections.isEmpty || !turnedAway.isEmpty, !end.hasPassed {
            try? await EventLoop.sleep(for: .milliseconds(5))
            // Those whose clients have read meanwhile what they were owed.
            for connection in connections.values { connection.closeIfIdle() }
        }
        for connection in turnedAway.values { connection.task?.cancel() }
        for connection in turnedAway.values { await connection.task?.value }
        for connection in connections.values {
            connection.task?.cancel()
            connection.abort()
        }
        for connection in connections.values { await connection.task?.value }
    }
}
