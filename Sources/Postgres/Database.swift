public import Reactor
internal import Synchronization

/// A PostgreSQL database: a pool of pipelined connections on each event loop.
///
/// Call it from a task that runs on one of its loops and nothing changes threads; call it from
/// anywhere else and the statement is sent from one of the loops. Every call ends by its deadline:
/// the earlier of `Deadline.current` and `timeout` from now.
public final class Database: Sendable {
    /// The longest time one call may take.
    public let timeout: Duration
    let pools: [LoopPool]
    let observe: DatabaseObserver?
    private let turn = Atomic<Int>(0)
    private let isHeld = Atomic<Bool>(false)

    /// Settings for a service that looks everything up by key.
    ///
    /// A plan is made once for each connection, perhaps while the tables are still empty, and then
    /// kept: the planner must not bet on scanning tables that will grow.
    public static let keyLookups = [
        "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
    ]

    /// Makes the pools; the first statement on a loop opens its first connection.
    ///
    /// - Parameters:
    ///   - url: `postgres://user:password@host:port/name` or libpq's `key=value` form. Never logged.
    ///   - loops: where connections live. Each loop has a pool of its own.
    ///   - maxConnectionsPerLoop: at least 2, since one is always kept for statements while
    ///     transactions hold the others. The server must admit this many × loops × processes.
    ///   - timeout: the limit of one call, which the server also enforces as `statement_timeout`.
    ///   - settings: the server's run-time settings for these connections.
    ///   - observe: told of every call when it has ended.
    /// - Throws: `.unavailable` when libpq cannot read the URL; the URL itself is not quoted.
    public init(
        url: String,
        loops: [EventLoop],
        maxConnectionsPerLoop: Int = 4,
        timeout: Duration = .seconds(5),
        settings: [String: String] = [:],
        observe: DatabaseObserver? = nil
    ) throws(DatabaseError) {
        guard var parsed = DatabaseURL(url) else {
            throw .unavailable("the database URL is not a valid connection string")
        }
        parsed.addDefaults(statementTimeout: timeout, settings: settings)
        precondition(!loops.isEmpty, "a database needs an event loop")
        self.timeout = timeout
        self.observe = observe
        self.pools = loops.map { [parsed] loop in
            LoopPool(loop: loop, url: parsed, maxConnections: maxConnectionsPerLoop)
        }
    }

    // MARK: Statements

    /// Runs a statement and decodes its first row; nil when there is none.
    public func one<S: Statement>(_ statement: S) async throws(DatabaseError) -> S.Output? {
        try await perform([BoundStatement(statement)]).first?.first(of: S.self)
    }

    /// Runs a statement and decodes all its rows.
    public func all<S: Statement>(_ statement: S) async throws(DatabaseError) -> [S.Output] {
        try await perform([BoundStatement(statement)]).first?.rows(of: S.self) ?? []
    }

    /// Runs a statement and returns how many rows it inserted, updated, deleted or selected.
    @discardableResult
    public func run<S: Statement>(_ statement: S) async throws(DatabaseError) -> Int {
        try await perform([BoundStatement(statement)]).first?.affectedRows ?? 0
    }

    /// Runs statements as one transaction in one round trip: all of them or none.
    ///
    /// No answer comes in the middle, so a statement cannot depend on an earlier one's rows: let it
    /// raise an error where the transaction must not go on.
    public func pipeline<each S: Statement>(
        _ statement: repeat each S
    ) async throws(DatabaseError) -> (repeat [(each S).Output]) {
        var batch = Batch()
        repeat batch.append(each statement)
        return try await decode(perform(batch.statements), repeat (each S).self)
    }

    /// Runs any number of statements as one transaction in one round trip: all of them or none.
    ///
    /// - Returns: how many rows each affected, in their order.
    @discardableResult
    public func run(_ statements: [any Statement]) async throws(DatabaseError) -> [Int] {
        guard !statements.isEmpty else { return [] }
        return try await perform(statements.map { BoundStatement($0) }).map(\.affectedRows)
    }

    /// Asks the server for a sign of life.
    public func ping() async throws(DatabaseError) {
        _ = try await one(Ping())
    }

    /// Ends every connection.
    ///
    /// Calls in flight and later ones throw `.unavailable`, or `.outcomeUnknown` when a commit was
    /// on its way.
    public func close() {
        for pool in pools { pool.loop.execute { pool.close() } }
    }

    /// Refuses calls, `migrate` aside, until `resume`: for a schema that is not up to date yet.
    ///
    /// Calls throw `.unavailable`, as they do when the server cannot be reached.
    public func hold() { isHeld.store(true, ordering: .releasing) }

    /// Ends a `hold`.
    public func resume() { isHeld.store(false, ordering: .releasing) }

    // MARK: On the loop

    /// - Throws: `.unavailable` during a `hold`.
    func checkHold() throws(DatabaseError) {
        guard !isHeld.load(ordering: .acquiring) else {
            throw .unavailable("the schema is not up to date yet")
        }
    }

    /// The earlier of the caller's deadline and the own limit.
    func deadline() -> Deadline {
        Deadline.current.or(earlier: .after(timeout))
    }

    /// The pool of the calling task's loop, or the next one in turn.
    func pool() -> LoopPool {
        if let current = EventLoop.current, let own = pools.first(where: { $0.loop === current }) {
            return own
        }
        let number = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return pools[(number & .max) % pools.count]
    }

    private func perform(_ statements: [BoundStatement]) async throws(DatabaseError) -> [ResultSet]
    {
        try await observed(by: observe, .statements(statements)) { () async throws(DatabaseError) in
            try await send(statements)
        }
    }

    private func send(_ statements: [BoundStatement]) async throws(DatabaseError) -> [ResultSet] {
        try checkHold()
        let segment = Connection.Segment(statements: statements, deadline: deadline())
        let pool = pool()
        return try await onLoop(pool.loop) { () async throws(DatabaseError) in
            try await pool.perform(segment)
        }
    }
}

/// Runs on the loop: at once when the caller is there already, otherwise in a child task, which
/// keeps the caller's deadline and cancellation.
func onLoop<T: Sendable, E: Error>(
    _ loop: EventLoop,
    _ body: @escaping @Sendable () async throws(E) -> T
) async throws(E) -> T {
    if loop.isCurrent { return try await body() }
    let result = await withTaskGroup(of: Result<T, E>.self) { group in
        group.addTask(executorPreference: loop) { () async -> Result<T, E> in
            do throws(E) {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        }
        for await result in group { return result }
        preconditionFailure("a group with a child has a result")
    }
    return try result.get()
}

/// Proves that the server answers.
struct Ping: Statement {
    static let sql = "SELECT 1"

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int { try row[0] }
}
