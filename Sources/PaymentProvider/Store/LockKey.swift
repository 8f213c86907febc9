internal import Postgres

/// Takes a key for the transaction, without waiting; false while another request works under it.
struct LockKey: Statement {
    static let sql = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"
    let key: String

    func bind(_ parameters: inout Parameters) {
        parameters.append(key)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Bool { try row[0] }
}
