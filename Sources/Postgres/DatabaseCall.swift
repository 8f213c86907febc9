public import Reactor

/// One round trip to the database that has ended, for whoever measures.
public struct DatabaseCall: Sendable {
    enum Content: Sendable {
        case statements([BoundStatement])
        case commit
        case group([Any.Type])
    }

    /// When it was asked for; waiting for a connection counts.
    public let start: Deadline
    /// Why it failed; nil when it did not.
    public let error: DatabaseError?
    private let content: Content

    init(_ content: Content, since start: Deadline, _ error: DatabaseError?) {
        self.content = content
        self.start = start
        self.error = error
    }

    /// The types of what was sent, in their order: mostly of statements; none for a commit.
    public var types: [Any.Type] {
        switch content {
        case .statements(let all): all.map(\.type)
        case .commit: []
        case .group(let types): types
        }
    }

    /// Whether the caller waited for a group that shares a commit.
    public var isShared: Bool { if case .group = content { true } else { false } }
}

/// Told of every call to a database, by the task that made it; must not block.
public typealias DatabaseObserver = @Sendable (DatabaseCall) -> Void

/// Does something and tells the observer, if there is one.
func observed<T>(
    by observe: DatabaseObserver?,
    _ content: @autoclosure () -> DatabaseCall.Content,
    _ body: () async throws(DatabaseError) -> T
) async throws(DatabaseError) -> T {
    guard let observe else { return try await body() }
    let start = Deadline.now
    do throws(DatabaseError) {
        let value = try await body()
        observe(DatabaseCall(content(), since: start, nil))
        return value
    } catch {
        observe(DatabaseCall(content(), since: start, error))
        throw error
    }
}

/// How much of a database's connections is in use at one moment.
public struct PoolUse: Sendable, Equatable {
    /// Connections that are open or being opened.
    public var open = 0
    /// Most there may be.
    public var limit = 0
    /// Those that transactions hold.
    public var leased = 0
    /// Statements that shared connections have on the way.
    public var inFlight = 0
    /// Callers that wait for a connection.
    public var waiting = 0

    /// No connections.
    public init() {}

    init(open: Int, limit: Int, leased: Int, inFlight: Int, waiting: Int) {
        self.open = open
        self.limit = limit
        self.leased = leased
        self.inFlight = inFlight
        self.waiting = waiting
    }

    static func + (left: PoolUse, right: PoolUse) -> PoolUse {
        PoolUse(
            open: left.open + right.open,
            limit: left.limit + right.limit,
            leased: left.leased + right.leased,
            inFlight: left.inFlight + right.inFlight,
            waiting: left.waiting + right.waiting
        )
    }
}

extension Database {
    /// How much of the connections is in use, all loops together.
    public func use() async -> PoolUse {
        await withTaskGroup(of: PoolUse.self) { group in
            for pool in pools { group.addTask(executorPreference: pool.loop) { pool.use } }
            return await group.reduce(PoolUse()) { $0 + $1 }
        }
    }
}
