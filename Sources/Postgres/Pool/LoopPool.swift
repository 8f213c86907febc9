internal import Reactor

/// The connections of one event loop.
///
/// `@unchecked Sendable`: every stored property is touched on the loop's thread alone; cancellation,
/// which comes from anywhere, goes through `loop.execute`.
final class LoopPool: ConnectionOwner, @unchecked Sendable {
    typealias Grant = Result<Connection.ID, DatabaseError>

    /// Safe: resumed exactly once, because the state machine hands a waiter out once.
    @safe private struct Waiter {
        let continuation: UnsafeContinuation<Grant, Never>

        func resume(_ grant: Grant) {
            unsafe continuation.resume(returning: grant)
        }
    }

    let loop: EventLoop
    private let url: DatabaseURL
    private var state: PoolState<Waiter>
    private var connections: [Connection.ID: Connection] = [:]
    private var backoff = Backoff()
    private var timer: (id: TimerID, at: Deadline)?
    private var isTrimming = false

    init(loop: EventLoop, url: DatabaseURL, maxConnections: Int) {
        self.loop = loop
        self.url = url
        self.state = PoolState(limits: .init(connections: maxConnections))
    }

    /// How long one attempt to connect may take.
    private static let connectLimit = Duration.seconds(5)
    /// A connection unused for one to two of these is closed.
    private static let trimInterval = Duration.seconds(30)
    /// How often a statement is sent again that a neighbour's cancellation hit.
    private static let resends = 3

    /// How much is in use.
    ///
    /// Call it on the loop.
    var use: PoolUse {
        loop.preconditionIsCurrent()
        return state.use
    }

    // MARK: Shared statements

    /// Runs a segment on the least busy shared connection.
    func perform(_ segment: Connection.Segment) async throws(DatabaseError) -> [ResultSet] {
        var attempt = 0
        while true {
            let connection = try await acquire(.shared, until: segment.deadline)
            let wasSent = connection.state.nextTicket
            do throws(DatabaseError) {
                return try await connection.perform(segment)
            } catch {
                // Nothing was sent, so no end of a segment will give the place back.
                if connection.state.nextTicket == wasSent { segmentEnded(on: connection.id) }
                attempt += 1
                guard error == .interrupted, attempt <= Self.resends else { throw error }
            }
        }
    }

    // MARK: Leases

    /// Takes an idle connection out for one transaction; give it back with `release`.
    func lease(until deadline: Deadline) async throws(DatabaseError) -> Connection {
        try await acquire(.lease, until: deadline)
    }

    /// Takes a leased connection back; what is still on its way is drained first.
    func release(_ connection: Connection) {
        state.released(connection.id, isIdle: connection.isIdle)
        if connection.isIdle, connection.isCancelling { connection.close(because: "cancelled") }
        settle()
    }

    // MARK: Waiting for a connection

    private func acquire(
        _ kind: PoolState<Waiter>.Kind,
        until deadline: Deadline
    ) async throws(DatabaseError) -> Connection {
        loop.preconditionIsCurrent()
        guard !Task.isCancelled else { throw .cancelled }
        switch state.request(kind) {
        case .grant(let id):
            openMore()
            return try connection(id)
        case .refuse(let error):
            throw error
        case .wait:
            return try connection(try await wait(kind, until: deadline).get())
        }
    }

    private func connection(_ id: Connection.ID) throws(DatabaseError) -> Connection {
        guard let connection = connections[id] else {
            throw .unavailable("the connection was lost")
        }
        return connection
    }

    private func wait(_ kind: PoolState<Waiter>.Kind, until deadline: Deadline) async -> Grant {
        let ticket = state.nextTicket
        return await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation { continuation in
                state.enqueue(unsafe Waiter(continuation: continuation), kind, until: deadline)
                arm(deadline)
                settle()
            }
        } onCancel: {
            loop.execute { self.state.abandon(ticket)?.resume(.failure(.cancelled)) }
        }
    }

    private func arm(_ deadline: Deadline) {
        guard deadline != .never else { return }
        if let timer {
            guard deadline < timer.at else { return }
            loop.cancel(timer.id)
        }
        let id = loop.schedule(at: deadline) { [weak self] in self?.expire() }
        timer = (id, deadline)
    }

    private func expire() {
        timer = nil
        for waiter in state.expire(at: .now) { waiter.resume(.failure(state.waitedTooLong)) }
        arm(state.earliestDeadline)
    }

    // MARK: What connections report

    func segmentEnded(on id: Connection.ID) {
        state.finished(id)
        settle()
    }

    func becameIdle(_ id: Connection.ID) {
        switch state.use(of: id) {
        case .retiring: connections[id]?.close(because: "retired")
        case .draining:
            state.released(id, isIdle: true)
            settle()
        default: break
        }
    }

    func mustRetire(_ id: Connection.ID) {
        // A leased one is closed when its transaction gives it back.
        if state.use(of: id) != .leased { state.retire(id) }
        settle()
    }

    func closed(_ id: Connection.ID) {
        connections[id] = nil
        state.closed(id)
        settle()
    }

    // MARK: Opening and closing

    /// Serves whoever can be served, and opens what is missing.
    private func settle() {
        while let (waiter, id) = state.nextGrant() { waiter.resume(.success(id)) }
        openMore()
    }

    private func openMore() {
        while let id = state.startOpening() {
            // Not a child task: the connection serves more callers than the one who caused it.
            Task(executorPreference: loop) { await self.open(id) }
        }
    }

    private func open(_ id: Connection.ID) async {
        do throws(DatabaseError) {
            let limit = Deadline.after(Self.connectLimit)
            let connection = try await Connection.open(id: id, url: url, loop: loop, until: limit)
            opened(connection)
        } catch {
            openFailed(id, error)
        }
        settle()
    }

    private func opened(_ connection: Connection) {
        guard !state.isClosed else { return connection.close(because: "the database is closed") }
        backoff.reset()
        connections[connection.id] = connection
        state.opened(connection.id)
        connection.start(for: self)
        trimLater()
    }

    private func openFailed(_ id: Connection.ID, _ error: DatabaseError) {
        let reason = if case .unavailable(let reason) = error { reason } else { "\(error)" }
        for waiter in state.openFailed(id, reason) { waiter.resume(.failure(.unavailable(reason))) }
        guard !state.isClosed else { return }
        var random = SystemRandomNumberGenerator()
        loop.schedule(at: .after(backoff.next(using: &random))) { [weak self] in
            self?.state.retry()
            self?.settle()
        }
    }

    /// Closes connections that a burst opened and nobody uses.
    private func trimLater() {
        guard !isTrimming, !state.isClosed else { return }
        isTrimming = true
        loop.schedule(at: .after(Self.trimInterval)) { [weak self] in
            guard let self else { return }
            isTrimming = false
            for id in state.surplus() { connections[id]?.close(because: "unused") }
            if state.slots.count > 1 { trimLater() }
        }
    }

    /// Refuses new callers, ends every connection.
    ///
    /// Call it on the loop.
    func close() {
        let (waiters, ids) = state.close()
        for waiter in waiters { waiter.resume(.failure(.unavailable("the database is closed"))) }
        for id in ids { connections[id]?.close(because: "the database is closed") }
    }
}
