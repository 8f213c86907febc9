internal import Postgres

/// Keeps other replicas from making keys until the transaction ends.
struct LockSigningKeys: Statement {
    static let sql = "SELECT pg_advisory_xact_lock(hashtextextended('signing_keys', 0))"
}
