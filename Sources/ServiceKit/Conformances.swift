public import Contracts
internal import FoundationEssentials
public import HTTP
public import Postgres

extension ID: PostgresEncodable, PostgresDecodable {
    /// `uuid`.
    public static var postgresType: PostgresType { .uuid }

    /// The sixteen bytes.
    public func encode(into bytes: inout [UInt8]) -> Bool { uuid.encode(into: &bytes) }

    /// Reads a `uuid`.
    public static func decode(_ cell: borrowing Cell) throws(DatabaseError) -> ID {
        ID(try UUID.decode(cell))
    }
}

extension Problem: DatabaseFailure {
    /// What a client is told when the database did not do its part: 503 for weather, with the hint
    /// that the outcome is unknown where it is; 500 for what cannot happen.
    ///
    /// The cause goes to the log alone.
    public init(_ error: DatabaseError) {
        switch error {
        case .unavailable, .overloaded, .serialization:
            self = .unavailable("the database cannot be reached", retryAfter: .seconds(1))
        case .timedOut, .cancelled, .outcomeUnknown:
            self = Problem(
                .serviceUnavailable,
                "outcome-unknown",
                detail: "it is not known whether this was done; ask again with the same key",
                headers: [.retryAfter: "1"]
            )
        case .constraint, .server, .decoding:
            self = .internalError
        }
        cause = "\(error)"
    }
}
