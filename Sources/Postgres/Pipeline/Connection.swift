internal import Reactor

/// Whoever a connection reports to: the pool of its loop.
protocol ConnectionOwner: AnyObject {
    /// A caller's segment ended, whether or not the caller still waited.
    func segmentEnded(on id: Connection.ID)
    /// Nothing is in flight any more.
    func becameIdle(_ id: Connection.ID)
    /// It should get no new work: a cancellation is on its way to it.
    func mustRetire(_ id: Connection.ID)
    /// It is gone.
    func closed(_ id: Connection.ID)
}

/// One pipelined connection: many callers' statements on the way at once.
///
/// `@unchecked Sendable`: every stored property is touched on the loop's thread alone; entry points
/// check that, and cancellation, which comes from anywhere, goes through `loop.execute`.
final class Connection: @unchecked Sendable {
    typealias ID = Int
    typealias Outcome = Result<[ResultSet], DatabaseError>

    /// Safe: resumed exactly once, because the state machine hands a waiter out once.
    @safe struct Waiter {
        let continuation: UnsafeContinuation<Outcome, Never>

        func resume(_ outcome: Outcome) {
            unsafe continuation.resume(returning: outcome)
        }
    }

    let id: ID
    let loop: EventLoop
    let wire: Wire
    let url: DatabaseURL
    private let watcher: Watcher
    weak var owner: (any ConnectionOwner)?
    private(set) var state = PipelineState<Waiter, ResultSet>()
    var script: Script?
    private(set) var isOpen = true
    private var isWriting = false
    private var timer: (id: TimerID, at: Deadline)?
    private var stuckTicket: UInt64?
    private(set) var isCancelling = false

    init(id: ID, loop: EventLoop, wire: Wire, url: DatabaseURL, watcher: Watcher) {
        self.id = id
        self.loop = loop
        self.wire = wire
        self.url = url
        self.watcher = watcher
    }

    var isIdle: Bool { state.isIdle && script == nil }

    /// Starts to read answers.
    ///
    /// The task ends with `close`, which its watcher reports.
    func start(for owner: any ConnectionOwner) {
        self.owner = owner
        // Not a child task: a connection outlives the caller whose statement opened it.
        Task(executorPreference: loop) { await self.read() }
    }

    // MARK: Sending

    /// Sends a segment and waits for its outcome.
    ///
    /// A caller that gives up gets `.timedOut` or `.cancelled`; its results are drained.
    func perform(_ segment: Segment) async throws(DatabaseError) -> [ResultSet] {
        loop.preconditionIsCurrent()
        guard isOpen else { throw .unavailable("the connection was lost") }
        // A shielded segment goes out: whoever sends it counts on that.
        if !segment.isShielded {
            if Task.isCancelled { throw .cancelled }
            if segment.deadline.hasPassed { throw .timedOut }
        }
        let commands = prepare(segment)
        let ticket = state.nextTicket
        guard !segment.isShielded else {
            return try await wait { self.send(segment, commands, for: $0) }.get()
        }
        let outcome = await withTaskCancellationHandler {
            await wait { self.send(segment, commands, for: $0) }
        } onCancel: {
            loop.execute { self.abandon(ticket) }
        }
        return try outcome.get()
    }

    /// Sends a segment that nobody waits for.
    func perform(unattended segment: Segment) {
        guard isOpen else { return }
        send(segment, prepare(segment), for: nil)
    }

    private func wait(_ body: (Waiter) -> Void) async -> Outcome {
        await unsafe withUnsafeContinuation { continuation in
            body(unsafe Waiter(continuation: continuation))
        }
    }

    /// Prepares what this connection has not seen, each statement in a segment of its own, so that a
    /// failure of the caller's segment leaves it prepared and its failure hurts nobody else.
    private func prepare(_ segment: Segment) -> [PipelineState<Waiter, ResultSet>.Command] {
        var commands: [PipelineState<Waiter, ResultSet>.Command] = []
        commands.reserveCapacity(segment.prelude.count + segment.statements.count)
        for _ in segment.prelude { commands.append(.text) }
        for statement in segment.statements {
            let types = statement.parameters.types
            let (id, isNew) = state.statement(for: statement.sql, types: types)
            commands.append(.execute(id))
            guard isNew, isOpen else { continue }
            guard wire.prepare("s\(id)", statement.sql, types: types), wire.sync() else {
                close(because: wire.message)
                continue
            }
            state.sent([.prepare(id)], for: nil, until: .never, .rollsBack)
        }
        return commands
    }

    private func send(
        _ segment: Segment,
        _ commands: [PipelineState<Waiter, ResultSet>.Command],
        for waiter: Waiter?
    ) {
        guard isOpen else {
            waiter?.resume(.failure(.unavailable("the connection was lost")))
            return
        }
        var isSent = segment.prelude.allSatisfy { wire.send($0) }
        for (statement, command) in zip(
            segment.statements,
            commands.dropFirst(segment.prelude.count)
        ) {
            guard case .execute(let id) = command else { continue }
            isSent = isSent && wire.execute("s\(id)", statement.parameters)
        }
        guard isSent else {
            // Without its synchronization point the server never commits it.
            close(because: wire.message)
            waiter?.resume(.failure(.unavailable("the statement could not be sent")))
            return
        }
        state.sent(commands, for: waiter, until: segment.deadline, segment.commitment)
        guard wire.sync() else { return close(because: wire.message) }
        flush()
        if waiter != nil { arm(segment.deadline) }
    }

    /// Writes what libpq holds back; what the socket does not take waits for the writer.
    func flush() {
        guard isOpen, !isWriting else { return }
        switch wire.flush() {
        case true?: return
        case nil: close(because: wire.message)
        case false?:
            isWriting = true
            Task(executorPreference: loop) { await self.write() }
        }
    }

    private func write() async {
        defer { isWriting = false }
        while isOpen {
            guard let isDone = wire.flush() else { return close(because: wire.message) }
            if isDone { return }
            do { try await watcher.writable(until: .never) } catch { return }
        }
    }

    // MARK: Receiving

    private func read() async {
        while isOpen {
            let isReadable = wire.consume()
            drain()
            guard isOpen else { return }
            guard isReadable else { return close(because: wire.message) }
            if wire.hasMore { continue }
            do {
                try await watcher.readable(until: .never)
            } catch {
                return close(because: "\(error)")
            }
        }
    }

    /// Hands out every result that has arrived completely.
    private func drain() {
        while isOpen, !wire.isBusy {
            if script != nil {
                drainScript()
                continue
            }
            guard !state.isIdle else { return }
            let action: PipelineState<Waiter, ResultSet>.Action =
                switch wire.next() {
                case .rows(let rows): state.received(.output(rows))
                case .failed(let error): state.received(.failed(attribute(error)))
                case .aborted: state.received(.aborted)
                case .sync: state.received(.sync)
                case .end: state.received(.endOfCommand)
                case .unexpected: .violation
                }
            perform(action)
        }
    }

    private func perform(_ action: PipelineState<Waiter, ResultSet>.Action) {
        switch action {
        case .none: break
        case .finish(let waiter, let outcome):
            waiter?.resume(outcome)
            owner?.segmentEnded(on: id)
            if isIdle { owner?.becameIdle(id) }
        case .finishOwn:
            if isIdle { owner?.becameIdle(id) }
        case .violation:
            close(because: "unexpected answer in the pipeline")
        }
    }

    /// A cancellation can hit the statement after the one it was meant for.
    private func attribute(_ error: ServerError) -> ServerError {
        var error = error
        error.isCollateral = isCancelling && error.sqlState == "57014"
        return error
    }

    // MARK: Giving up

    private func abandon(_ ticket: UInt64) {
        state.abandon(ticket)?.resume(.failure(.cancelled))
        watchStuckHead()
    }

    /// One timer for all callers: it fires at the earliest deadline known when it was set.
    private func arm(_ deadline: Deadline) {
        guard isOpen, deadline != .never else { return }
        if let timer {
            guard deadline < timer.at else { return }
            loop.cancel(timer.id)
        }
        let id = loop.schedule(at: deadline) { [weak self] in self?.expire() }
        timer = (id, deadline)
    }

    private func expire() {
        timer = nil
        let now = Deadline.now
        for waiter in state.expire(at: now) { waiter.resume(.failure(.timedOut)) }
        expireScript(at: now)
        watchStuckHead()
        arm(state.earliestDeadline)
    }

    /// How long an abandoned statement may hold up the others before the server is told to stop it.
    private static let patience = Duration.milliseconds(100)
    /// How long the server then has before the connection counts as dead.
    private static let cancellationLimit = Duration.seconds(2)

    private func watchStuckHead() {
        guard isOpen, let ticket = state.abandonedHead, stuckTicket != ticket else { return }
        stuckTicket = ticket
        loop.schedule(at: .after(Self.patience)) { [weak self] in self?.cancelHead(ticket) }
    }

    private func cancelHead(_ ticket: UInt64) {
        guard isOpen else { return }
        guard state.abandonedHead == ticket else { return watchStuckHead() }
        guard !isCancelling, let cancellation = wire.cancellation() else { return }
        isCancelling = true
        owner?.mustRetire(id)
        // Its own task: the caller that gave up does not wait for this.
        Task(executorPreference: loop) {
            try? await BlockingPool.shared.run { cancellation.send() }
        }
        loop.schedule(at: .after(Self.cancellationLimit)) { [weak self] in
            guard let self, isOpen, !isIdle else { return }
            close(because: "the server did not react to a cancellation")
        }
    }

    /// Ends the connection and tells every waiter what that means for it.
    func close(because reason: String) {
        guard isOpen else { return }
        isOpen = false
        let reason = reason.isEmpty ? "the connection was lost" : url.redact(reason)
        // Before libpq closes the descriptor, whose number may be somebody else's a moment later.
        watcher.close()
        wire.finish()
        if let timer { loop.cancel(timer.id) }
        for (waiter, error) in state.lost(reason) { waiter.resume(.failure(error)) }
        script?.waiter?.resume(.failure(.unavailable(reason)))
        script = nil
        owner?.closed(id)
    }
}

extension Connection {
    /// What one caller sends up to one synchronization point.
    struct Segment {
        /// Transaction control that goes before the statements.
        var prelude: [String] = []
        var statements: [BoundStatement] = []
        var deadline: Deadline
        var commitment = PipelineState<Waiter, ResultSet>.Commitment.commits
        /// Sent, and not given up, even when the task is cancelled or the deadline has just passed: a commit wants
        /// to know its answer.
        var isShielded = false
    }
}
