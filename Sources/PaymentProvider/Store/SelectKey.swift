internal import Postgres

/// Finds what was answered under a key, and whether to the same request.
struct SelectKey: Statement {
    static let sql = """
        SELECT status, body, fingerprint = sha256(convert_to($2, 'UTF8'))
        FROM idempotency_keys WHERE key = $1
        """
    let request: KeyedRequest

    func bind(_ parameters: inout Parameters) {
        parameters.append(request.key, request.fingerprint)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> StoredAnswer {
        let status: Int32 = try row[0]
        return StoredAnswer(status: Int(status), body: try row[1], isSameRequest: try row[2])
    }
}
