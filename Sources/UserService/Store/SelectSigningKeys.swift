internal import Postgres

/// Lists the keys that may still be needed, oldest first.
struct SelectSigningKeys: Statement {
    static let sql = """
        SELECT private_key, extract(epoch FROM created_at)::bigint,
            extract(epoch FROM not_after)::bigint
        FROM signing_keys
        WHERE not_after > to_timestamp($1::bigint) - interval '1 day'
        ORDER BY created_at
        """
    /// Seconds since 1970, by the clock that the keys were made by.
    let now: Int64

    func bind(_ parameters: inout Parameters) { parameters.append(now) }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> StoredKey {
        StoredKey(privateKey: try row[0], createdAt: try row[1], notAfter: try row[2])
    }
}

/// A row of `signing_keys`.
struct StoredKey: Sendable {
    /// PKCS #8.
    let privateKey: [UInt8]
    let createdAt: Int64
    let notAfter: Int64
}
