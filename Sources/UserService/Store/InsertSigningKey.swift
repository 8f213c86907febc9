internal import Postgres

/// Adds a key to those that all replicas share.
struct InsertSigningKey: Statement {
    static let sql = """
        INSERT INTO signing_keys (kid, private_key, created_at, not_after)
        VALUES ($1, $2, to_timestamp($3::bigint), to_timestamp($4::bigint))
        """
    let id: String
    let privateKey: [UInt8]
    let createdAt: Int64
    let notAfter: Int64

    func bind(_ parameters: inout Parameters) {
        parameters.append(id, privateKey, createdAt, notAfter)
    }
}
