/// One step of a schema's history: a script that runs once, in a transaction.
///
/// The script must not contain BEGIN, COMMIT or COPY, nor what PostgreSQL refuses inside a
/// transaction, such as CREATE INDEX CONCURRENTLY.
public struct Migration: Sendable, Hashable {
    /// The name it is recorded under; it must never change.
    public let name: String
    /// The script; it must never change once it has run anywhere.
    public let sql: String

    /// Names a script.
    public init(name: String, sql: String) {
        self.name = name
        self.sql = sql
    }

    /// Names a script that was compiled in as bytes by `.embedInCode`.
    public init(name: String, sql: [UInt8]) {
        self.init(name: name, sql: String(decoding: sql, as: UTF8.self))
    }
}

/// Why a schema could not be brought up to date.
public enum MigrationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The database refused the named migration, or could not be asked (no name).
    case failed(name: String?, DatabaseError)
    /// The script differs from the one that was recorded under this name.
    case changed(name: String)
    /// Another migration is recorded where this one belongs in the order.
    case outOfOrder(expected: String, found: String)

    /// One line for the operator.
    public var description: String {
        switch self {
        case .failed(nil, let error): "cannot migrate: \(error)"
        case .failed(let name?, let error): "migration \(name) failed: \(error)"
        case .changed(let name):
            "migration \(name) has run with another script: add a new migration instead of editing it"
        case .outOfOrder(let expected, let found):
            "expected migration \(expected), but the database has \(found) in its place"
        }
    }
}

/// What the database has recorded about one migration.
struct AppliedMigration: Sendable, Equatable {
    let name: String
    /// Whether the recorded checksum is that of the script known here; true if none is known.
    let isUnchanged: Bool
}

/// Decides what to run next, from what should be there and what is.
enum MigrationPlan {
    /// The first migration that has not run; nil when the schema is up to date.
    ///
    /// Records beyond the known list are a newer release's and are left alone, so that the old one
    /// keeps running while the new one rolls out.
    static func next(
        of wanted: [Migration],
        after applied: [AppliedMigration]
    ) throws(MigrationError) -> Migration? {
        for (migration, record) in zip(wanted, applied) {
            guard migration.name == record.name else {
                throw .outOfOrder(expected: migration.name, found: record.name)
            }
            guard record.isUnchanged else { throw .changed(name: migration.name) }
        }
        return wanted.dropFirst(applied.count).first
    }
}
