/// What can go wrong between asking the database and having its answer.
public enum DatabaseError: Error, Hashable, Sendable {
    /// No connection, or the server is starting, stopping or out of resources. Certainly not done.
    case unavailable(String)
    /// The deadline passed after the statement was sent; a write may or may not have happened.
    case timedOut
    /// The calling task was cancelled; a write already sent may or may not have happened.
    case cancelled
    /// Every connection is busy and the queue is full, or the wait in it was too long. Not done.
    case overloaded
    /// A constraint refused the row. Not done.
    case constraint(name: String, kind: ConstraintKind)
    /// A serialization failure or a deadlock (40001, 40P01). Not done; the same again may succeed.
    case serialization
    /// Any other error the server reported, by its SQLSTATE. Not done.
    case server(sqlState: String, message: String)
    /// A value could not be read as the type the statement asked for.
    case decoding(String)
    /// The connection was lost after the commit was sent: done or not, nobody can tell.
    case outcomeUnknown

    /// Which kind of constraint refused a row.
    public enum ConstraintKind: Hashable, Sendable {
        case unique, foreignKey, check, notNull, exclusion
    }

    /// Whether a write may have happened although this error was thrown.
    public var isOutcomeUncertain: Bool {
        switch self {
        case .timedOut, .cancelled, .outcomeUnknown, .decoding: true
        case .unavailable, .overloaded, .constraint, .serialization, .server: false
        }
    }
}

extension DatabaseError {
    /// What happened, in a few words that hold nothing of a statement's values.
    public var summary: String {
        switch self {
        case .unavailable: "unavailable"
        case .timedOut: "timed out"
        case .cancelled: "cancelled"
        case .overloaded: "overloaded"
        case .constraint(let name, _): "refused by \(name)"
        case .serialization: "serialization failure"
        case .server(let sqlState, _): "SQLSTATE \(sqlState)"
        case .decoding: "not of the expected type"
        case .outcomeUnknown: "outcome unknown"
        }
    }

    /// A cancellation meant for a neighbour hit this statement; it is rolled back and sent again.
    static let interrupted = DatabaseError.unavailable("interrupted by a neighbour's cancellation")
}

/// An error type that a `DatabaseError` can be turned into, so that `Store` and `Transaction` throw
/// the caller's own error: a service adopts this with its `Problem`.
public protocol DatabaseFailure: Error {
    /// Wraps or translates what the database layer threw.
    init(_ error: DatabaseError)
}

extension DatabaseError: DatabaseFailure {
    /// The identity: code that has no error type of its own throws the database's.
    public init(_ error: DatabaseError) {
        self = error
    }
}

/// The fields of a server error that decide what it means to a caller.
struct ServerError: Hashable, Sendable {
    var sqlState: String
    var message: String = ""
    var constraint: String?
    var table: String?
    var column: String?
    /// FATAL and PANIC end the session: what was pipelined behind it never ran.
    var endsSession = false
    /// Cancelled because a neighbour in the pipeline was; see `DatabaseError.interrupted`.
    var isCollateral = false

    /// What a caller is told.
    ///
    /// The detail and hint fields are left out: they quote row values.
    var meaning: DatabaseError {
        switch sqlState {
        case "23505": .constraint(name: constraint ?? "", kind: .unique)
        case "23503": .constraint(name: constraint ?? "", kind: .foreignKey)
        case "23514": .constraint(name: constraint ?? "", kind: .check)
        case "23P01": .constraint(name: constraint ?? "", kind: .exclusion)
        case "23502": .constraint(name: qualifiedColumn, kind: .notNull)
        case "40001", "40P01": .serialization
        case "57014": isCollateral ? .interrupted : .timedOut
        case "25006": .unavailable("the server is read-only")
        // Not done: the statement was still waiting for its lock.
        case "55P03": .overloaded
        default: endsSession || isWeather ? .unavailable(message) : other
        }
    }

    /// Classes 08 (connection), 53 (insufficient resources), 58 (system) and operator intervention.
    private var isWeather: Bool {
        ["08", "53", "58"].contains(sqlState.prefix(2)) || sqlState.hasPrefix("57P")
    }

    private var other: DatabaseError {
        .server(sqlState: sqlState, message: message)
    }

    /// A NOT NULL violation has no constraint name; `table.column` is its name here.
    private var qualifiedColumn: String {
        [table, column].compactMap(\.self).joined(separator: ".")
    }
}
