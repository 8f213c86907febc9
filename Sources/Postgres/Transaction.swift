internal import Reactor

/// An interactive transaction: statements on one leased connection, answered one after the other.
///
/// It exists only inside the closure given to `transaction`; statements after that throw. BEGIN
/// travels with the first statement. A failed statement ends the transaction even if the closure
/// swallows the error: the commit is refused with it.
///
/// `@unchecked Sendable`: the stored properties are touched on the connection's loop alone.
public final class Transaction<Failure: DatabaseFailure>: @unchecked Sendable {
    let connection: Connection
    let deadline: Deadline
    private let begin: String
    private let observe: DatabaseObserver?
    private var phase = TransactionPhase.unopened
    /// What goes with the next statement that is answered, or with the commit.
    private var held: [any Statement] = []
    /// The most statements held back.
    private static var maxHeld: Int { 256 }

    init(
        _ connection: Connection,
        isolation: Isolation,
        until deadline: Deadline,
        observe: DatabaseObserver? = nil
    ) {
        self.connection = connection
        self.observe = observe
        self.begin = isolation.begin
        self.deadline = deadline
    }

    /// Runs a statement and decodes its first row; nil when there is none.
    public func one<S: Statement>(_ statement: S) async throws(Failure) -> S.Output? {
        let results = try await perform([BoundStatement(statement)])
        return try translate { () throws(DatabaseError) in try results.first?.first(of: S.self) }
    }

    /// Runs a statement and decodes all its rows.
    public func all<S: Statement>(_ statement: S) async throws(Failure) -> [S.Output] {
        let results = try await perform([BoundStatement(statement)])
        return try translate { () throws(DatabaseError) in
            try results.first?.rows(of: S.self) ?? []
        }
    }

    /// Runs a statement and returns how many rows it inserted, updated, deleted or selected.
    @discardableResult
    public func run<S: Statement>(_ statement: S) async throws(Failure) -> Int {
        try await perform([BoundStatement(statement)]).first?.affectedRows ?? 0
    }

    /// Runs two or more statements in one round trip.
    public func run<First: Statement, Second: Statement, each Rest: Statement>(
        _ first: First,
        _ second: Second,
        _ rest: repeat each Rest
    ) async throws(Failure) {
        var batch = Batch()
        batch.append(first)
        batch.append(second)
        repeat batch.append(each rest)
        _ = try await perform(batch.statements)
    }

    /// Runs any number of statements in one round trip; returns how many rows each affected.
    @discardableResult
    public func run(_ statements: [any Statement]) async throws(Failure) -> [Int] {
        guard !statements.isEmpty else { return [] }
        return try await perform(statements.map { BoundStatement($0) }).map(\.affectedRows)
    }

    /// Leaves a statement to be sent before the next one that is answered, or before the commit, in
    /// the order of the calls; neighbours that are mergeable go as one.
    ///
    /// Its error shows there, and ends the transaction as any other does.
    public func add(_ statement: any Statement) async throws(Failure) {
        let isFull = await onLoop(connection.loop) {
            self.held.append(statement)
            return self.held.count >= Self.maxHeld
        }
        if isFull { _ = try await perform([]) }
    }

    /// Runs statements in one round trip and decodes the rows of each.
    public func pipeline<each S: Statement>(
        _ statement: repeat each S
    ) async throws(Failure) -> (repeat [(each S).Output]) {
        var batch = Batch()
        repeat batch.append(each statement)
        let results = try await perform(batch.statements)
        return try translate { () throws(DatabaseError) in
            try decode(results, repeat (each S).self)
        }
    }

    private func translate<T>(_ body: () throws(DatabaseError) -> T) throws(Failure) -> T {
        do throws(DatabaseError) {
            return try body()
        } catch {
            throw Failure(error)
        }
    }

    private func perform(_ statements: [BoundStatement]) async throws(Failure) -> [ResultSet] {
        do throws(DatabaseError) {
            return try await onLoop(connection.loop) { () async throws(DatabaseError) in
                try await self.send(statements)
            }
        } catch {
            throw Failure(error)
        }
    }

    // MARK: On the loop

    /// Sends what was left, then these; answers these.
    private func send(_ statements: [BoundStatement]) async throws(DatabaseError) -> [ResultSet] {
        let before = merge(neighbours: held).map { BoundStatement($0) }
        held = []
        var segment = Connection.Segment(
            statements: before + statements,
            deadline: deadline,
            commitment: .rollsBack
        )
        switch phase {
        case .unopened: segment.prelude = [begin]
        case .open: break
        case .failed(let error): throw error
        case .ended: throw .server(sqlState: "25P01", message: "the transaction has ended")
        }
        phase = .open
        do throws(DatabaseError) {
            let results = try await observed(by: observe, .statements(before + statements)) {
                () async throws(DatabaseError) in try await connection.perform(segment)
            }
            return Array(results.dropFirst(segment.prelude.count + before.count))
        } catch {
            // Nothing of a transaction survives its first error, so each one is certain.
            let certain: DatabaseError = error == .outcomeUnknown ? .unavailable("lost") : error
            phase = .failed(certain)
            throw certain
        }
    }

    /// The error that ended the transaction, if one did.
    var failure: DatabaseError? {
        if case .failed(let error) = phase { error } else { nil }
    }

    /// Commits; throws what ended the transaction before, or `.outcomeUnknown` when the server's
    /// answer did not come.
    func commit() async throws(DatabaseError) {
        if !held.isEmpty { _ = try await send([]) }
        switch phase {
        case .unopened, .ended: return
        case .failed(let error): throw error
        case .open: break
        }
        guard !deadline.hasPassed else {
            // Nothing is sent any more, so nothing is committed, and `rollBack` still has to end it.
            phase = .failed(.timedOut)
            throw .timedOut
        }
        phase = .ended
        let segment = Connection.Segment(
            prelude: ["COMMIT"],
            deadline: deadline,
            commitment: .commits,
            isShielded: true
        )
        do throws(DatabaseError) {
            let tag = try await observed(by: observe, .commit) {
                () async throws(DatabaseError) in try await connection.perform(segment).first?.tag
            }
            // The server answers ROLLBACK when the transaction had failed without our noticing.
            guard tag == "COMMIT" else {
                throw .server(sqlState: "25P02", message: "the transaction was rolled back")
            }
        } catch .timedOut {
            throw .outcomeUnknown
        }
    }

    /// Rolls back without waiting; a broken connection has done so by itself.
    func rollBack() {
        defer { phase = .ended }
        if case .unopened = phase { return }
        if case .ended = phase { return }
        connection.perform(
            unattended: Connection.Segment(
                prelude: ["ROLLBACK"],
                deadline: .never,
                commitment: .rollsBack
            )
        )
    }
}

private enum TransactionPhase {
    case unopened, open
    case failed(DatabaseError)
    case ended
}

/// How much a transaction sees of others that run at the same time.
public enum Isolation: Sendable {
    /// Each statement sees what was committed before it: PostgreSQL's default.
    case readCommitted
    /// All statements see one snapshot; conflicting updates throw `.serialization`.
    case repeatableRead
    /// As if transactions ran one after the other; what would not fit throws `.serialization`.
    case serializable

    var begin: String {
        switch self {
        case .readCommitted: "BEGIN"
        case .repeatableRead: "BEGIN ISOLATION LEVEL REPEATABLE READ"
        case .serializable: "BEGIN ISOLATION LEVEL SERIALIZABLE"
        }
    }
}
