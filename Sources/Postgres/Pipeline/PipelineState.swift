internal import Reactor

/// The bookkeeping of one connection in pipeline mode: what was sent, and whose result comes next.
///
/// Commands travel in segments, each ended by a synchronization point. An error skips the rest of
/// its segment and nothing else. `Waiter` is who gets a segment's outcome, `Output` what the server
/// returns for one command. Pure: the shell sends, reads and resumes.
struct PipelineState<Waiter, Output> {
    enum Command: Equatable {
        case prepare(PreparedStatements.ID)
        case execute(PreparedStatements.ID)
        /// Text without a name: BEGIN, COMMIT, ROLLBACK.
        case text
    }

    /// What a lost connection means to a segment that was sent and not answered.
    enum Commitment: Equatable {
        /// It commits at its end: nobody knows whether it did.
        case commits
        /// It runs inside a transaction that rolls back with the connection.
        case rollsBack
    }

    enum Event {
        case output(Output)
        case failed(ServerError)
        /// Skipped, because an earlier command of the segment failed.
        case aborted
        case endOfCommand
        case sync
    }

    enum Action {
        case none
        /// A segment ended; no waiter when its caller gave up.
        case finish(Waiter?, Result<[Output], DatabaseError>)
        /// The connection's own segment, a preparation, ended.
        case finishOwn
        /// The server said something that pipeline mode does not allow here: close the connection.
        case violation
    }

    struct Segment {
        let ticket: UInt64
        let commands: [Command]
        let commitment: Commitment
        var waiter: Waiter?
        var deadline: Deadline
        /// Which command the next result belongs to; `commands.count` once all have ended.
        var next = 0
        var isAnswered = false
        var outputs: [Output] = []
        var error: DatabaseError?
    }

    private(set) var prepared = PreparedStatements()
    private var segments = FIFO<Segment>()
    private var lastTicket: UInt64 = 0
    /// The server announced the end of the session: it runs nothing of what is queued.
    private var sessionEnded: DatabaseError?

    /// Segments that were sent and not answered.
    var inFlight: Int { segments.count }
    var isIdle: Bool { segments.isEmpty }

    // MARK: Sending

    /// Looks a statement up; when it is new, the shell sends `prepare` in a segment of its own.
    mutating func statement(
        for sql: String,
        types: [UInt32] = []
    ) -> (id: PreparedStatements.ID, isNew: Bool) {
        prepared.id(for: sql, types: types)
    }

    /// Records a segment in the order of sending; the ticket names it to `abandon`.
    @discardableResult
    mutating func sent(
        _ commands: [Command],
        for waiter: Waiter?,
        until deadline: Deadline,
        _ commitment: Commitment
    ) -> UInt64 {
        lastTicket += 1
        segments.append(
            Segment(
                ticket: lastTicket,
                commands: commands,
                commitment: commitment,
                waiter: waiter,
                deadline: deadline
            )
        )
        return lastTicket
    }

    /// The ticket that the next segment gets.
    var nextTicket: UInt64 { lastTicket + 1 }

    // MARK: Receiving

    /// Accounts one result.
    mutating func received(_ event: Event) -> Action {
        if case .sync = event { return receivedSync() }
        // Each end follows an answer; a broken connection would report ends for ever.
        if case .endOfCommand = event, segments.first?.isAnswered != true { return .violation }
        let failure: (PreparedStatements.ID, Command, DatabaseError)?? = segments.update(at: 0) {
            Self.account(event, in: &$0)
        }
        guard let failure else { return .violation }
        if let (id, command, error) = failure { noteFailure(of: command, id, error, event) }
        return .none
    }

    private typealias Failure = (PreparedStatements.ID, Command, DatabaseError)

    /// Applies an event to the segment at the head; returns what failed, if something did.
    private static func account(_ event: Event, in segment: inout Segment) -> Failure? {
        switch event {
        case .output(let output):
            segment.isAnswered = true
            if case .prepare? = segment.current { return nil }
            segment.outputs.append(output)
        case .failed(let error):
            return fail(error, in: &segment)
        case .aborted:
            segment.isAnswered = true
        case .endOfCommand:
            if segment.next < segment.commands.count { segment.next += 1 }
            segment.isAnswered = false
        case .sync:
            break
        }
        return nil
    }

    private static func fail(_ error: ServerError, in segment: inout Segment) -> Failure? {
        segment.isAnswered = true
        var meaning = error.meaning
        // Everything ran and the session ended, or the connection broke and nobody said how far the
        // server came: perhaps before the commit, perhaps after it.
        let isOpen = error.isMadeUp || (segment.current == nil && error.endsSession)
        if isOpen, segment.commitment == .commits { meaning = .outcomeUnknown }
        if segment.error == nil { segment.error = meaning }
        switch segment.current {
        case .prepare(let id), .execute(let id): return (id, segment.current ?? .text, meaning)
        case .text, nil: return (0, .text, meaning)
        }
    }

    private mutating func noteFailure(
        of command: Command,
        _ id: PreparedStatements.ID,
        _ meaning: DatabaseError,
        _ event: Event
    ) {
        guard case .failed(let error) = event else { return }
        if error.endsSession { sessionEnded = meaning }
        switch command {
        case .prepare:
            prepared.refuse(id, because: meaning)
        case .execute where error.sqlState == "26000":
            let refusal = prepared.refusal(of: id)
            _ = segments.update(at: 0) { $0.error = refusal ?? $0.error }
            prepared.forget(id)
        case .execute where error.sqlState == "0A000":
            // "Cached plan must not change result type": the tables changed under the statement.
            prepared.forget(id)
        case .execute, .text:
            break
        }
    }

    private mutating func receivedSync() -> Action {
        guard let segment = segments.popFirst() else { return .violation }
        if segments.isEmpty { prepared.settle() }
        guard segment.isCallers else { return .finishOwn }
        if let error = segment.error { return .finish(segment.waiter, .failure(error)) }
        guard segment.next == segment.commands.count else {
            return .finish(segment.waiter, .failure(.outcomeUnknown))
        }
        return .finish(segment.waiter, .success(segment.outputs))
    }

    // MARK: Giving up

    /// A caller no longer waits; its results will be drained and dropped.
    ///
    /// Nil when it has them.
    mutating func abandon(_ ticket: UInt64) -> Waiter? {
        guard let head = segments.first?.ticket, ticket >= head else { return nil }
        return segments.update(at: Int(clamping: ticket - head)) { $0.takeWaiter() } ?? nil
    }

    /// Takes out the waiters whose deadline has passed.
    mutating func expire(at now: Deadline) -> [Waiter] {
        var expired: [Waiter] = []
        for offset in 0..<segments.count {
            let waiter = segments.update(at: offset) { $0.deadline <= now ? $0.takeWaiter() : nil }
            if let waiter, let waiter { expired.append(waiter) }
        }
        return expired
    }

    /// The earliest deadline of anybody who still waits.
    var earliestDeadline: Deadline {
        segments.elements.lazy.filter { $0.waiter != nil }.map(\.deadline).min() ?? .never
    }

    /// The ticket of the segment that the server works on, when nobody waits for it any more.
    var abandonedHead: UInt64? {
        guard let head = segments.first, head.waiter == nil, head.isCallers else { return nil }
        return head.ticket
    }

    /// The connection is gone: what each waiter must be told.
    mutating func lost(_ reason: String) -> [(Waiter, DatabaseError)] {
        var told: [(Waiter, DatabaseError)] = []
        for segment in segments.removeAll() {
            guard let waiter = segment.waiter else { continue }
            let unanswered: DatabaseError =
                sessionEnded != nil || segment.commitment == .rollsBack
                ? .unavailable(reason) : .outcomeUnknown
            told.append((waiter, segment.error ?? unanswered))
        }
        return told
    }
}

extension PipelineState.Segment {
    fileprivate var current: PipelineState.Command? {
        next < commands.count ? commands[next] : nil
    }

    /// Not one of the connection's own segments, which nobody waits for in the first place.
    fileprivate var isCallers: Bool {
        if case .prepare? = commands.first { return false }
        return true
    }

    fileprivate mutating func takeWaiter() -> Waiter? {
        defer { waiter = nil }
        return waiter
    }
}
